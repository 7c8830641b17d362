"""Route "wayback": copies that the Wayback Machine took of a feed, or of a page that lists articles.

The index of captures (CDX) gives one a day, oldest first; each is read as it was served then (`id_`). A feed dates its
own items; when it was captured says no more than that they were there by then. For each article there is the address
of an archived copy. https://github.com/internetarchive/wayback/tree/master/wayback-cdx-server
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote_plus, urlencode

from extractors.archives.paged import section_entries
from extractors.archives.search import TOO_MANY, Listed, Search
from extractors.dates.addresses import address_days
from extractors.feeds.loose_json import loose_json
from extractors.fetching.messages import Response
from extractors.records import Entry, ItemError, Outcome

LIMIT = 1000  # captures in one answer of the index
PER_DAY = "timestamp:8"
FIELDS = ("timestamp", "original", "digest")
HTML = "not a feed: html"


@dataclass(frozen=True, slots=True)
class Capture:
    """One copy: when it was taken (UTC), of which address, and a digest of its content."""

    timestamp: str  # 14 digits
    original: str
    digest: str

    @property
    def taken(self) -> datetime:
        """Return the moment of the capture."""
        return datetime.strptime(self.timestamp, "%Y%m%d%H%M%S").replace(tzinfo=UTC)


def check_copy(copy: Response) -> None:
    """Raise ItemError when the copy has fewer bytes than its site sent: half a text must not pass for the whole.

    The headers of then come back as `X-Archive-Orig-…`; the length of a packed body says nothing.
    """
    stated = copy.headers.get("x-archive-orig-content-length", "")
    packed = copy.headers.get("x-archive-orig-content-encoding", "identity").strip().lower() != "identity"
    if stated.isdecimal() and len(stated) < 12 and len(copy.body) < int(stated) and not packed:
        detail = f"{len(copy.body)} of {stated} bytes"
        raise ItemError(Outcome.FAILED, "cut copy", url=copy.url, detail=detail)


async def list_wayback(search: Search) -> AsyncGenerator[Listed, None]:
    """Yield the entries of all captures. Raises ItemError when there is none."""
    urls = (search.route.url,) if search.route.url else search.source.watched
    captures = [(url, await _captures(search, url)) for url in urls]
    if not any(found for _, found in captures):
        raise ItemError(Outcome.FAILED, "no captures", url=urls[0], detail="from the period or shortly after")
    for _, found in captures:
        digests: set[str] = set()
        for capture in found:
            if capture.digest in digests:
                continue  # nothing has changed since
            digests.add(capture.digest)
            try:
                entries = await _entries(search, capture)
            except ItemError as error:
                if error.reason == TOO_MANY or error.retry_after:
                    raise
                search.tally.problems.append(error)
                continue
            for entry in entries:
                archived = f"{search.archives.wayback.rstrip('/')}/web/{capture.timestamp}id_/{entry.url}"
                yield Listed(entry, archived_url=archived, not_after=capture.taken)
            if capture.taken > search.end and _is_past(search, entries):
                break  # a feed holds the newest: later captures will show nothing older


async def _captures(search: Search, url: str) -> list[Capture]:
    """Return one capture a day, from the window's first to some days after its last, oldest first."""
    last = search.end + timedelta(days=search.archives.wayback_days)
    query = [
        ("url", url),
        ("from", search.start.astimezone(UTC).strftime("%Y%m%d%H%M%S")),
        ("to", min(last, search.now()).astimezone(UTC).strftime("%Y%m%d%H%M%S")),
        ("filter", "statuscode:200"),
        ("collapse", PER_DAY),
        ("fl", ",".join(FIELDS)),
        ("output", "json"),
        ("limit", str(LIMIT)),
        ("showResumeKey", "true"),
    ]
    found: list[Capture] = []
    key: str | None = None
    while True:
        more = [("resumeKey", key)] if key is not None else []
        address = f"{search.archives.wayback.rstrip('/')}/cdx/search/cdx?{urlencode(query + more)}"
        response = await search.ask(address, accept="application/json", interval_s=search.archives.wayback_interval)
        captures, following = _parse_index(response)
        found += captures
        if following is None or following == key:
            return found
        key = following


def _parse_index(response: Response) -> tuple[list[Capture], str | None]:
    """Return the captures of one answer, and the key to the next. Without captures the body or its list is empty."""
    try:
        rows = loose_json(response.body.decode("utf-8", errors="replace") or "[]")
    except (ValueError, RecursionError) as exc:
        raise ItemError(Outcome.FAILED, "not a list of captures", url=response.url, detail=str(exc)) from exc
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise ItemError(Outcome.FAILED, "not a list of captures", url=response.url)
    key = None
    if len(rows) >= 2 and not rows[-2] and len(rows[-1]) == 1:
        key = unquote_plus(str(rows[-1][0]))
        rows = rows[:-2]
    captures = [Capture(*map(str, row)) for row in rows[1:] if len(row) == len(FIELDS)]  # the first row is a header
    return [capture for capture in captures if len(capture.timestamp) == 14 and capture.timestamp.isdigit()], key


async def _entries(search: Search, capture: Capture) -> tuple[Entry, ...]:
    url = f"{search.archives.wayback.rstrip('/')}/web/{capture.timestamp}id_/{capture.original}"
    response = await search.ask(url, interval_s=search.archives.wayback_interval)
    try:
        return (await search.feed(response, url=capture.original)).entries
    except ItemError as error:
        if error.reason != HTML:
            raise
    return section_entries(search, response, url=capture.original, now=capture.taken)


def _is_past(search: Search, entries: tuple[Entry, ...]) -> bool:
    """Say whether all entries are dated, and after the window."""
    for entry in entries:
        days = address_days(entry.url, search.zone)
        if entry.published is None and days is None:
            return False
        if entry.published is not None and entry.published < search.end:
            return False
        if entry.published is None and days is not None and days.side(search.wide) < 1:
            return False
    return bool(entries)
