"""Route "gdelt": articles of one host that GDELT has seen (DOC 2.0, https://blog.gdeltproject.org/gdelt-doc-2-0-api-debuts/).

At most 250 articles an answer and no paging: a stretch of time that fills an answer is halved, down to the quarter of
an hour in which GDELT counts. `seendate` is when GDELT came by, not when the article was published. Errors come as
plain text with status 200, and a client that asks more often than every five seconds is turned away.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from extractors.archives.search import Listed, Search
from extractors.feeds.links import resolve
from extractors.feeds.markup import plain
from extractors.records import Entry, ItemError, Outcome
from extractors.text import clean_line

MOST = 250
QUARTER = timedelta(minutes=15)
PROMISED = timedelta(days=90)  # further back GDELT may or may not have kept the articles
RETRIES = 3
THROTTLED = "throttled"
_STAMP = "%Y%m%d%H%M%S"
_TOO_FAST = re.compile(r"limit requests|too many requests|rate limit", re.IGNORECASE)
_ESCAPE = re.compile(r'\\(u[0-9a-fA-F]{4}|["\\/bfnrt])?')


async def list_gdelt(search: Search) -> AsyncGenerator[Listed, None]:
    """Yield the articles seen in the window. Raises ItemError when GDELT refuses, or holds nothing of long ago."""
    start = search.start.astimezone(UTC)
    end = min(search.end, search.now()).astimezone(UTC)
    stretches = [(start, end)] if start < end else []  # a stack: the earliest last
    found = 0
    while stretches:
        start, end = stretches.pop()
        articles = await _articles(search, start, end)
        middle = start + max((end - start) / 2 // QUARTER, 1) * QUARTER
        if len(articles) >= MOST and middle < end:
            stretches += [(middle, end), (start, middle)]
            continue
        if len(articles) >= MOST:
            detail = f"{MOST} articles or more from {start:%Y-%m-%d %H:%M} UTC on: set a query to narrow it"
            search.tally.problems.append(
                ItemError(Outcome.FAILED, "too many articles at once", url=search.archives.gdelt, detail=detail)
            )
        for article in articles:
            if listed := _listed(article, search.archives.gdelt):
                found += 1
                yield listed
    if not found and search.now() - search.end > PROMISED:
        detail = "GDELT promises the last three months only"
        raise ItemError(Outcome.FAILED, "no articles", url=search.archives.gdelt, detail=detail)


async def _articles(search: Search, start: datetime, end: datetime) -> list[dict[str, Any]]:
    host = (urlsplit(search.source.homepage).hostname or "").removeprefix("www.")
    words = search.route.query
    query = {
        "query": f"domainis:{host} {words}" if words else f"domainis:{host}",
        "mode": "artlist",
        "format": "json",
        "maxrecords": MOST,
        "sort": "dateasc",
        "startdatetime": start.strftime(_STAMP),
        "enddatetime": (end - timedelta(seconds=1)).strftime(_STAMP),
    }
    url = f"{search.archives.gdelt}?{urlencode(query)}"
    pause_s = search.archives.gdelt_interval
    for attempt in range(RETRIES + 1):
        try:
            response = await search.ask(url, accept="application/json", interval_s=search.archives.gdelt_interval)
            return _parse(response.body, url)
        except ItemError as error:
            if error.reason not in (THROTTLED, "http 429") or error.retry_after or attempt == RETRIES:
                raise
        await asyncio.sleep(pause_s * 2**attempt)
    raise AssertionError("unreachable: the last round returns or raises")


def _parse(body: bytes, url: str) -> list[dict[str, Any]]:
    text = body.decode("utf-8-sig", errors="replace").strip()
    if not text:
        return []
    if not text.startswith("{"):
        said = clean_line(text[:200])
        reason = THROTTLED if _TOO_FAST.search(text[:1000]) else "refused by GDELT"
        raise ItemError(Outcome.FAILED, reason, url=url, detail=said)
    try:
        # Titles are put in as they come: with lone backslashes and control characters.
        answer = json.loads(_ESCAPE.sub(lambda match: match[0] if match[1] else r"\\", text), strict=False)
    except (ValueError, RecursionError) as exc:
        raise ItemError(Outcome.FAILED, "not JSON", url=url, detail=str(exc)) from exc
    articles = answer.get("articles", [])
    return [article for article in articles if isinstance(article, dict)] if isinstance(articles, list) else []


def _listed(article: dict[str, Any], api: str) -> Listed | None:
    link = resolve(article["url"], base=api) if isinstance(article.get("url"), str) else None
    if link is None:
        return None
    title = article.get("title")
    try:
        seen = datetime.strptime(str(article.get("seendate")), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        seen = None
    return Listed(Entry(link, api, title=plain(title) if isinstance(title, str) else None), not_after=seen)
