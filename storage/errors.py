"""The errors of storage; each message says what to do next."""

from __future__ import annotations

from config.errors import UserError


class StorageError(UserError):
    """The index or the corpus cannot be used; the message says what to do."""


class LostConnection(StorageError):
    """The index's server has ended a connection, or takes none at the moment; a new connection may work."""
