"""Disks that a test may fill: whether this machine lets it have one of its own."""

from __future__ import annotations

import shutil
import subprocess


def own_disk() -> bool:
    """Whether this process may have a small disk of its own: a mount that nobody else sees."""
    tried = shutil.which("unshare") and subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False)
    return bool(tried) and tried.returncode == 0
