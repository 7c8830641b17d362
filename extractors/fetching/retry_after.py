"""The Retry-After header."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

MAX_RETRY_AFTER = timedelta(days=1)


def parse_retry_after(value: str | None, *, now: datetime) -> datetime | None:
    """The moment that a Retry-After header names (RFC 9110, 10.2.3: seconds or a date), at most a day from `now`."""
    if not value:
        return None
    if re.fullmatch(r"\d{1,9}", value.strip()):
        return now + min(timedelta(seconds=int(value)), MAX_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(moment, now), now + MAX_RETRY_AFTER)
