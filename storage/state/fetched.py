"""Pages that are fetched but not decided on yet, in files: after a crash no host is asked for them twice.

A page is a file, deleted when its outcome is in the index. The files need not survive a power cut, so they are not
synced: lost pages are fetched again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import time
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from extractors.records import Envelope, Page
from storage.files.local_folder import named_disk_errors

KEPT = timedelta(days=1)  # after that a page may have changed and is fetched again


class Fetched:
    """The pages in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def prepare(self) -> None:
        """Delete pages that are too old. Raises StorageError."""
        with named_disk_errors(self._folder), contextlib.suppress(FileNotFoundError):
            oldest = time.time() - KEPT.total_seconds()
            for entry in list(os.scandir(self._folder)):
                if entry.stat().st_mtime < oldest:
                    Path(entry.path).unlink(missing_ok=True)

    def keep(self, key: str, page: Page) -> None:
        """Keep the page of the entry `key`. Raises StorageError."""
        head = {
            "key": key, "url": page.url, "charset": page.charset, "fetched_at": page.fetched_at.isoformat(),
            "envelope": None if page.envelope is None else asdict(page.envelope),
        }  # fmt: skip
        path = self._path(key)
        beside = path.with_suffix(f".{os.getpid()}")
        with named_disk_errors(self._folder):
            self._folder.mkdir(mode=0o700, exist_ok=True)
            beside.write_bytes(json.dumps(head).encode() + b"\n" + page.body)
            beside.replace(path)

    def has(self, key: str) -> bool:
        """Return whether the page of the entry is kept."""
        return self._path(key).exists()

    def find(self, key: str, *, before: float = math.inf) -> Page | None:
        """Return the page of the entry if it is kept since before `before` (Unix time), else None."""
        path = self._path(key)
        try:
            if path.stat().st_mtime >= before:
                return None
            head, _, body = path.read_bytes().partition(b"\n")
            facts = json.loads(head)
            fetched_at, envelope = datetime.fromisoformat(facts["fetched_at"]), _envelope(facts["envelope"])
            return Page(facts["url"], body, facts["charset"], fetched_at, envelope)
        except (OSError, ValueError, LookupError):  # missing, or truncated by a power cut
            return None

    def forget(self, keys: Iterable[str]) -> None:
        """Delete the pages of these entries, which are decided on."""
        with contextlib.suppress(OSError):
            for key in keys:
                self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self._folder / hashlib.sha256(key.encode()).hexdigest()[:32]


def _envelope(facts: dict[str, Any] | None) -> Envelope | None:
    if facts is None:
        return None
    received, sent = (tuple((name, value) for name, value in facts[which]) for which in ("received", "sent"))
    return Envelope(facts["status"], received, sent)
