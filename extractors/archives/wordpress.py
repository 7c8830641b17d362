"""Route "wordpress": the posts API of a WordPress site, with the full text; or else its feed, page by page.

https://developer.wordpress.org/rest-api/reference/posts/: `after` and `before` exclude their own second and are
compared with the site's local date; 100 posts at most on a page; X-WP-TotalPages says how many pages there are, and
HTTP 400 that a page lies past the end. Some sites switch the API off.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, time, tzinfo
from typing import Any
from urllib.parse import urlencode, urljoin

from extractors.archives.paged import list_numbered_feed
from extractors.archives.search import TOO_MANY, Listed, Search
from extractors.archives.series import AHEAD, Part, read_numbered
from extractors.dates.moments import parse_date
from extractors.feeds.links import resolve
from extractors.feeds.markup import plain
from extractors.fetching.messages import Response
from extractors.period import DAY
from extractors.records import Entry, ItemError, Outcome

POSTS = "/wp-json/wp/v2/posts"
PER_PAGE = 100
FIELDS = "id,date,date_gmt,link,title,excerpt,content"
PAST_THE_END = ("http 400", "http 404")


async def list_wordpress(search: Search) -> AsyncGenerator[Listed, None]:
    """The posts of the window. Raises ItemError when neither API nor feed works."""
    api = search.route.url or urljoin(search.source.homepage, POSTS)
    site, has_api_path, _ = api.partition("/wp-json")
    if not has_api_path:
        api = site.rstrip("/") + POSTS
    posts = _Posts(search, api)
    try:
        first = await posts.read(1)
    except ItemError as error:
        if error.retry_after or error.reason == TOO_MANY:
            raise
        async for listed in _from_feed(search, site, error):
            yield listed
        return

    async def read(number: int) -> Part[list[dict[str, Any]]] | None:
        return first if number == 1 else await posts.read(number)

    async for part in read_numbered(read, search.wide, missing=posts.note_missing):
        for post in part.content:
            if listed_post := _listed(post, api, search):
                yield listed_post


class _Posts:
    """Reads the pages of posts, and no page more than there are. All are wanted, so their days are of no use."""

    def __init__(self, search: Search, api: str) -> None:
        self._search, self._api = search, api
        self._total: int | None = None  # as the server says
        self._last = 1  # the last page that there may be

    async def read(self, number: int) -> Part[list[dict[str, Any]]] | None:
        """Return a page; None past the end, or where one is missing and nobody knows how many there are."""
        if number > self._last:
            return None
        posts: list[dict[str, Any]] = []
        try:
            response = await self._search.ask(_page_url(self._search, self._api, number), accept="application/json")
            posts = _posts(response)
            self._count(response, number, len(posts))
        except ItemError as error:
            if number == 1 or error.reason not in PAST_THE_END:
                raise
        if not posts and number > 1:
            if self._total is None:
                return None
            self.note_missing(number)  # the server has promised it
        return Part(posts, None)

    def note_missing(self, number: int) -> None:
        """Note that a page is missing."""
        self._search.tally.note_missing(_page_url(self._search, self._api, number))

    def _count(self, response: Response, number: int, posts: int) -> None:
        total = response.headers.get("x-wp-totalpages", "")
        if total.isdecimal() and len(total) < 9:
            self._total = self._last = max(int(total), self._total or 0)
        elif self._total is None and posts:  # as long as pages are full there may be more, and one of them missing
            self._last = number + 1 + AHEAD if posts >= PER_PAGE else number


async def _from_feed(search: Search, site: str, refusal: ItemError) -> AsyncGenerator[Listed, None]:
    try:
        async for listed in list_numbered_feed(search, f"{site.rstrip('/')}/feed/?paged={{page}}"):
            yield listed
    except ItemError as error:
        detail = f"posts API: {refusal}; feed: {error}"
        raise ItemError(error.outcome, "no posts API and no feed", url=site, detail=detail) from error


def _page_url(search: Search, api: str, page: int) -> str:
    wide = search.wide
    # The site's own clock, so without a zone; both ends lie just outside, as they are excluded.
    after = datetime.combine(wide.first - DAY, time(23, 59, 59))
    before = datetime.combine(wide.last + DAY, time())
    query = {
        "after": after.isoformat(),
        "before": before.isoformat(),
        "per_page": PER_PAGE,
        "page": page,
        "orderby": "date",
        "order": "asc",
        "_fields": FIELDS,
    }
    return f"{api}{'&' if '?' in api else '?'}{urlencode(query)}"


def _posts(response: Response) -> list[dict[str, Any]]:
    try:
        posts = json.loads(response.body)
    except (ValueError, RecursionError) as exc:
        raise ItemError(Outcome.FAILED, "not JSON", url=response.url, detail=str(exc)) from exc
    if not isinstance(posts, list) or not all(isinstance(post, dict) for post in posts):
        raise ItemError(Outcome.FAILED, "not a list of posts", url=response.url)
    return posts


def _listed(post: dict[str, Any], api: str, search: Search) -> Listed | None:
    link = resolve(post["link"], base=api) if isinstance(post.get("link"), str) else None
    if link is None:
        return None
    entry = Entry(
        link,
        api,
        title=plain(_rendered(post, "title")),
        summary=plain(_rendered(post, "excerpt")),
        published=_published(post, search.zone, search.now()),
        content=_rendered(post, "content"),
        guid=str(post["id"]) if "id" in post else None,
    )
    return Listed(entry)


def _rendered(post: dict[str, Any], name: str) -> str | None:
    """The HTML of a field; of a post behind a password there is none."""
    field = post.get(name)
    text = field.get("rendered") if isinstance(field, dict) and not field.get("protected") else None
    return text if isinstance(text, str) and text.strip() else None


def _published(post: dict[str, Any], zone: tzinfo, now: datetime) -> datetime | None:
    for name, its_zone in (("date_gmt", UTC), ("date", zone)):
        value = post.get(name)
        moment = parse_date(value, zone=its_zone, now=now) if isinstance(value, str) else None
        if moment is not None:
            return moment.astimezone(zone)
    return None
