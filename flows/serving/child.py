"""Child processes that never outlive their parent, however that ends.

Run as `python -m flows.serving.child PARENT COMMAND…`, which becomes the command. Linux only (prctl(2),
PR_SET_PDEATHSIG); elsewhere a parent that is killed leaves its children behind. The parent is the thread that started
the child, so start children from a thread that stays.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def guarded(*command: str) -> list[str]:
    """Return the command line that runs the command as a child that ends with this process."""
    return [sys.executable, "-m", "flows.serving.child", str(os.getpid()), *command]


def end_with(parent: int) -> None:
    """Have this process killed when the process `parent` ends; at once if it has already ended."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    end_with(int(sys.argv[1]))
    os.execv(sys.argv[2], sys.argv[2:])
