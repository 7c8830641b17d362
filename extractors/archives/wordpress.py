"""Route "wordpress": the posts API of a WordPress site, with the full text; or else its feed, page by page.

https://developer.wordpress.org/rest-api/reference/posts/: `after` and `before` exclude their own second and are
compared with the site's local date; 100 posts at most on a page; X-WP-TotalPages says how many pages there are, and
HTTP 400 that a page lies past the end. A site with plain permalinks has the API under `?rest_route=` only, some allow
fewer posts on a page, some switch the API off.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime, time, tzinfo
from typing import Any
from urllib.parse import urlencode, urljoin

from extractors.archives.paged import list_numbered_feed
from extractors.archives.search import TOO_MANY, Listed, Search
from extractors.archives.series import AHEAD, Part, read_numbered
from extractors.dates.moments import parse_date
from extractors.feeds.links import resolve
from extractors.feeds.loose_json import loose_json
from extractors.feeds.markup import plain
from extractors.fetching.messages import Response
from extractors.period import DAY
from extractors.records import Entry, ItemError, Outcome

POSTS = "wp/v2/posts"
PER_PAGE = (100, 50, 10)  # the API's limit; and what is asked for where a plugin has lowered that
FIELDS = "id,date,date_gmt,link,title,excerpt,content"
PAST_THE_END = ("http 400", "http 404")  # a page past the end; 400 too for more posts on a page than the site allows
_API_ROOT = re.compile(r"(?:/wp-json|[?&]rest_route=)/*$")


async def list_wordpress(search: Search) -> AsyncGenerator[Listed, None]:
    """Yield the posts of the window. Raises ItemError when neither API nor feed works."""
    refusals: list[ItemError] = []
    for api in _apis(search.route.url, search.source.homepage):
        posts = _Posts(search, api)
        try:
            await posts.first_page()
        except ItemError as error:
            if error.retry_after or error.reason == TOO_MANY:
                raise
            refusals.append(error)
            continue
        async for part in read_numbered(posts.read, search.wide, missing=posts.note_missing):
            for post in part.content:
                if listed := _listed(post, api, search):
                    yield listed
        return
    site = re.split(r"/(?:index\.php/)?wp-json|(?:index\.php)?\?", search.route.url or search.source.homepage)[0]
    async for listed in _from_feed(search, site.rstrip("/"), refusals):
        yield listed


def _apis(url: str | None, homepage: str) -> list[str]:
    """Return the addresses at which the posts API may be, the likeliest first."""
    if url is not None and ("/wp-json" in url or "rest_route=" in url):
        return [f"{url.rstrip('/')}/{POSTS}" if _API_ROOT.search(url) else url]
    site = (url or urljoin(homepage, "/")).rstrip("/")
    return [f"{site}/wp-json/{POSTS}", f"{site}/?rest_route=/{POSTS}"]


class _Posts:
    """A reader of the pages of one posts API, and of no page more than there are.

    All posts of the window are wanted, so the days of a page are of no use.
    """

    def __init__(self, search: Search, api: str) -> None:
        self._search, self._api = search, api
        self._per_page = PER_PAGE[0]
        self._full = 0  # posts on the first page: a site may allow fewer than were asked for
        self._first: Part[list[dict[str, Any]]] | None = None
        self._total: int | None = None  # pages, as the server says
        self._last = 1  # the last page that there may be
        self._known: set[str] = set()

    async def first_page(self) -> None:
        """Read the first page, with as many posts on it as the site allows. Raises ItemError."""
        for self._per_page in PER_PAGE:
            try:
                self._first = await self.read(1)
            except ItemError as error:
                if error.reason != PAST_THE_END[0] or self._per_page == PER_PAGE[-1]:
                    raise
            else:
                return

    async def read(self, number: int) -> Part[list[dict[str, Any]]] | None:
        """Return a page; None past the end, or where one is missing and nobody knows how many there are."""
        if number == 1 and self._first is not None:
            return self._first
        if number > self._last:
            return None
        posts: list[dict[str, Any]] = []
        try:
            response = await self._search.ask(self._url(number), accept="application/json")
            posts = _posts(response)
            self._count(response, number, len(posts))
        except ItemError as error:
            if number == 1 or error.reason not in PAST_THE_END:
                raise
        if not posts and number > 1:
            if self._total is None:
                return None
            self.note_missing(number)  # the server has promised it
        fresh = [post for post in posts if str(post.get("link")) not in self._known]
        self._known.update(str(post.get("link")) for post in posts)
        if posts and not fresh and self._total is None:
            return None  # the server ignores the number of the page
        return Part(fresh, None)

    def note_missing(self, number: int) -> None:
        """Note that a page is missing."""
        self._search.tally.note_missing(self._url(number))

    def _count(self, response: Response, number: int, posts: int) -> None:
        self._full = self._full or posts
        total = response.headers.get("x-wp-totalpages", "")
        if total.isdecimal() and len(total) < 9:
            self._total = self._last = max(int(total), self._total or 0)
        elif self._total is None and posts:  # as long as pages are full there may be more, and one of them missing
            self._last = number + 1 + AHEAD if posts >= self._full else number

    def _url(self, number: int) -> str:
        wide = self._search.wide
        # The site's own clock, so without a zone; both ends lie just outside, as they are excluded.
        after = datetime.combine(wide.first - DAY, time(23, 59, 59))
        before = datetime.combine(wide.last + DAY, time())
        query = {
            "after": after.isoformat(),
            "before": before.isoformat(),
            "per_page": self._per_page,
            "page": number,
            "orderby": "date",
            "order": "asc",
            "_fields": FIELDS,
        }
        return f"{self._api}{'&' if '?' in self._api else '?'}{urlencode(query)}"


async def _from_feed(search: Search, site: str, refusals: Sequence[ItemError]) -> AsyncGenerator[Listed, None]:
    """Yield the entries of the site's feed, by its usual address or that of a site with plain permalinks."""
    told = [f"posts API: {refusals[0]}"]
    for template in (f"{site}/feed/?paged={{page}}", f"{site}/?feed=rss2&paged={{page}}"):
        listed_any = False
        try:
            async for listed in list_numbered_feed(search, template):
                listed_any = True
                yield listed
            return
        except ItemError as error:
            if listed_any or error.retry_after or error.reason == TOO_MANY:
                raise
            failure = error
            told.append(f"feed: {error}")
    detail = "; ".join(dict.fromkeys(told))
    raise ItemError(failure.outcome, "no posts API and no feed", url=site, detail=detail) from failure


def _posts(response: Response) -> list[dict[str, Any]]:
    try:
        posts = loose_json(response.body.decode("utf-8", errors="replace"))
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
    """Return the HTML of a field; a post behind a password has none."""
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
