"""The errors of storage: sentences that say what to do next."""

from __future__ import annotations

from config.errors import UserError


class StorageError(UserError):
    """The index or the corpus cannot be used; the message says what to do."""


class LostConnection(StorageError):
    """The server of the index has ended a connection, or takes none at the moment: a new one may work."""
