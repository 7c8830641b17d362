"""The error of a machine that cannot run child processes; kept apart, so that naming it loads no pool."""

from __future__ import annotations

from config.errors import UserError


class WorkersError(UserError):
    """Child processes cannot be started, or die again and again: no page's fault. The message says what to do."""
