"""The entry point: the script `c5watch` and `python -m flows.cli`. It obeys Ctrl-C from the first moment on.

While the commands are loaded nothing has begun yet, so an interrupt just ends the process. Later the command reports it
(`problems_explained`).
"""

from __future__ import annotations

import os
import signal
import sys
from typing import NoReturn

INTERRUPTED = 130


def main() -> None:
    """Load the commands and run the one that is asked for."""
    usual = signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    from flows.cli.app import run_command_line

    try:
        signal.signal(signal.SIGINT, usual)
        run_command_line()
    except KeyboardInterrupt:  # before the command has begun, or after its end
        _interrupted()
    except SystemExit as end:
        if end.code == INTERRUPTED:
            _interrupted()
        raise


def _interrupted() -> NoReturn:
    """End with status 130, and not by the signal, as CPython does where that has hit an `exec`, handled or not."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
