"""The pages of a host that are still to be fetched, while other programs may be at work on the same ones."""

from __future__ import annotations

from collections.abc import Iterable

from flows.passes.context import Context
from storage.state.entries import still_due


class WantedPages:
    """The pages of one host under their keys, each until another program has fetched or settled it."""

    def __init__(self, context: Context, keys: Iterable[str]) -> None:
        self._context = context
        self._keys = set(keys)
        self._others = 0  # how often others had been met when the index was last asked

    def has(self, key: str) -> bool:
        """Tell whether the page is wanted, as far as is known without asking the index."""
        return key in self._keys and not self._context.fetched.has(key)

    async def has_still(self, key: str, others: int) -> bool:
        """Claim the page in the host's turn, if it is still wanted.

        The index is asked only if another program has had the host: for all pages if it has had it since the last time.
        """
        context = self._context
        if not self.has(key) or not await context.turns.claim(key):
            return False
        if others:
            asked = self._keys if others != self._others else {key}
            self._others = others
            async with context.corpus.database.read() as connection:
                still = await still_due(connection, asked, now=context.now(), period=context.period)
            self._keys -= asked - still
        if self.has(key):
            return True
        await context.turns.release([key])
        return False
