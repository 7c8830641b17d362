"""Find rules for single sites (`config/sites/`) that no longer fit, by the matches on the latest pages."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import takewhile
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.index.schema import urls

RULE = "unmatched"  # in `urls.details`: the parts of the site's rule that found nothing on the page
LATEST = 10  # pages
FEWEST_MISSED = 3  # in a row: a single page may be of another kind, such as a gallery or a live report


async def broken_rules(connection: AsyncConnection, source_ids: Collection[str]) -> dict[str, str]:
    """Return the signs of outdated site rules, by source; leave out sources whose rules hold."""
    found = {}
    for source_id in source_ids:
        query = (
            select(urls.c.details)
            .where(
                urls.c.source_id == source_id,
                urls.c.window.is_(None),
                urls.c.words.is_not(None),
                urls.c.decided_at.is_not(None),
            )
            .order_by(urls.c.decided_at.desc(), urls.c.first_seen.desc(), urls.c.key)
            .limit(LATEST)
        )
        details: Sequence[dict[str, Any] | None] = (await connection.execute(query)).scalars().all()
        ruled = [one[RULE] for one in details if one and RULE in one]
        missed = list(takewhile(bool, ruled))
        if len(missed) >= FEWEST_MISSED:
            parts = " and ".join(part for part in ("body", "date") if any(part in one for one in missed))
            found[source_id] = f"{parts} of the site's rule found nothing on {len(missed)} of its latest pages"
    return found
