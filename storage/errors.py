"""The errors of storage; each message says what to do next."""

from __future__ import annotations

from config.errors import UserError

RESTORE_INDEX = "restore it from a copy, or move it away and adopt the files anew with 'c5watch corpus import'"


class StorageError(UserError):
    """The index or the corpus cannot be used; the message says what to do."""


class LostConnection(StorageError):
    """The index's server has ended a connection, or takes none at the moment; a new connection may work."""


def damaged(what: str) -> StorageError:
    """Return the error for a damaged value of the index; it never holds the value, which may be a text."""
    return StorageError(f"the index holds a damaged {what}: 'c5watch corpus verify' names it; or {RESTORE_INDEX}")
