"""The errors of storage: sentences that say what to do next."""

from __future__ import annotations


class StorageError(Exception):
    """The index or the corpus cannot be used; the message says what to do."""
