"""Wait for what will happen, however busy the machine is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

DEADLINE_S = 300  # a worker takes 20 s to begin a run where nothing else is going on


async def eventually(what: str, found: Callable[[], Any]) -> Any:
    """Return what `found` gives, or awaits, once it is something. Fails with `what` when that takes too long."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        value = found()
        if asyncio.iscoroutine(value):
            value = await value
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {DEADLINE_S} s: {what}"
        await asyncio.sleep(0.3)
