"""Servers on loopback that speak what archives speak, with their paging, limits and refusals.

Each is a function from a request to an answer, given to `serve`; what was asked of it stands in `Server.asked`.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, urlsplit
from zoneinfo import ZoneInfo

from config.settings import Archives, Network
from config.sources import Backfill, Source
from extractors.archives.search import Listed, Search, Tally, list_entries
from extractors.fetching.client import Client
from extractors.period import Period
from tests.support.feed_documents import rss
from tests.support.loopback import MISSING, Asked, Reply

TASHKENT = ZoneInfo("Asia/Tashkent")
NOW = datetime(2025, 12, 20, 6, tzinfo=UTC)


# --- Looking through them ---------------------------------------------------------------------------------------


@dataclass
class Found:
    """What a search gave."""

    listed: list[Listed]
    tally: Tally

    @property
    def urls(self) -> list[str]:
        """The addresses, in order."""
        return [listed.entry.url for listed in self.listed]

    @property
    def paths(self) -> list[str]:
        """The addresses without their host."""
        return [urlsplit(url).path for url in self.urls]

    @property
    def problems(self) -> list[str]:
        """The reasons of the problems."""
        return [problem.reason for problem in self.tally.problems]


def window(first: str, last: str | None = None) -> Period:
    """The days from `first` to `last`, or one day."""
    return Period(date.fromisoformat(first), date.fromisoformat(last or first))


def client(**named: Any) -> Client:
    """A client that may go to loopback, does not wait between requests and tries once, unless told otherwise."""
    usual = {"allow_networks": ("127.0.0.0/8",), "per_host_interval": 0, "timeout": 30, "retry_delays": ()}
    return Client(Network(**(usual | named)), now=lambda: NOW)


def source_of(homepage: str, *feeds: str) -> Source:
    """An outlet in Uzbekistan."""
    return Source(
        id="site",
        name="Site",
        homepage=homepage,
        feeds=feeds or (f"{homepage}/rss",),
        language="ru",
        country="UZ",
        category="national",
    )


async def look(
    homepage: str,
    route: Backfill,
    days: Period,
    *,
    archives: Archives | None = None,
    folder: Path = Path(),
    feeds: Sequence[str] = (),
    now: datetime = NOW,
    network: Mapping[str, Any] | None = None,
) -> Found:
    """Everything that a route lists."""
    archives = archives or Archives(gdelt_interval=0, wayback_interval=0)
    async with client(**(network or {})) as session:
        source = source_of(homepage, *feeds)
        search = Search(session, source, route, days, TASHKENT, archives, lambda: now, folder=folder)
        return Found([listed async for listed in list_entries(search)], search.tally)


# --- WordPress --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Post:
    """A post by its moment of publication."""

    number: int
    moment: datetime
    protected: bool = False

    @property
    def path(self) -> str:
        """Its permanent address."""
        return f"/{self.number}-post/"


@dataclass
class WordPress:
    """The posts API and the feed of a site, which can be switched off.

    `plain` moves both to the addresses of a site with plain permalinks. If only `most` posts fit on a page, it
    refuses to give more (`strict`) or gives fewer. `before` and `after` stand around its JSON.
    """

    posts: Sequence[Post]
    zone: tzinfo = TASHKENT
    has_api: bool = True
    has_feed: bool = True
    says_total: bool = True
    per_feed: int = 10
    plain: bool = False
    most: int = 100
    strict: bool = True
    before: str = ""
    after: str = ""

    def __call__(self, asked: Asked) -> Reply:
        host = f"http://{asked.headers['host']}"
        is_api = asked.path == "/wp-json/wp/v2/posts"
        is_feed = asked.path == "/feed/"
        if self.plain:
            is_api = asked.query.get("rest_route") == "/wp/v2/posts"
            is_feed = asked.query.get("feed") == "rss2"
        if is_api and self.has_api:
            return self._api(asked, host)
        if is_feed and self.has_feed:
            newest_first = sorted(self.posts, key=lambda post: post.moment, reverse=True)
            page = int(asked.query.get("paged", 1)) - 1
            items = newest_first[page * self.per_feed : (page + 1) * self.per_feed]
            if not items:
                return MISSING
            return Reply(rss({host + post.path: post.moment for post in items}).encode())
        return MISSING

    def _api(self, asked: Asked, host: str) -> Reply:
        query = asked.query
        after, before = (datetime.fromisoformat(query[name]).replace(tzinfo=self.zone) for name in ("after", "before"))
        assert (query["orderby"], query["order"]) == ("date", "asc")
        wanted = sorted((p for p in self.posts if after < p.moment < before), key=lambda post: post.moment)
        size, page = int(query["per_page"]), int(query["page"])
        if size > self.most and self.strict:
            return Reply(b'{"code":"rest_invalid_param"}', 400)
        size = min(size, self.most)
        pages = -(-len(wanted) // size)
        if page > max(pages, 1):
            return Reply(b'{"code":"rest_post_invalid_page_number"}', 400)
        chosen = [self._post(post, host) for post in wanted[(page - 1) * size : page * size]]
        headers = {"X-WP-Total": str(len(wanted)), "X-WP-TotalPages": str(pages)} if self.says_total else {}
        return Reply(f"{self.before}{json.dumps(chosen)}{self.after}".encode(), headers=headers)

    def _post(self, post: Post, host: str) -> dict[str, Any]:
        text = "" if post.protected else f"<p>Text of post {post.number} &amp; more.</p>"
        return {
            "id": post.number,
            "date": post.moment.astimezone(self.zone).strftime("%Y-%m-%dT%H:%M:%S"),
            "date_gmt": post.moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
            "link": host + post.path,
            "title": {"rendered": f"Headline &#8211; {post.number}"},
            "excerpt": {"rendered": "<p>In short.</p>", "protected": post.protected},
            "content": {"rendered": text, "protected": post.protected},
        }


# --- Wayback Machine --------------------------------------------------------------------------------------------


@dataclass
class Wayback:
    """The index of captures and the captures: address → timestamp → body. It answers with `limit` rows at most."""

    captures: Mapping[str, Mapping[str, bytes]]
    limit: int = 1000
    failing: frozenset[str] = frozenset()

    def __call__(self, asked: Asked) -> Reply:
        if asked.path == "/cdx/search/cdx":
            return self._index(asked)
        if asked.path.startswith("/web/"):
            stamp, _, original = asked.target.removeprefix("/web/").partition("id_/")
            body = self.captures.get(original, {}).get(stamp)
            if stamp in self.failing or body is None:
                return Reply(b"", 503 if body else 404)
            return Reply(body)
        return MISSING

    def _index(self, asked: Asked) -> Reply:
        query = asked.query
        assert (query["output"], query["showResumeKey"], query["filter"]) == ("json", "true", "statuscode:200")
        names = query["fl"].split(",")
        rows: list[list[str]] = []
        last = None
        for stamp, body in sorted(self.captures.get(query["url"], {}).items()):
            if not query["from"] <= stamp <= query["to"]:
                continue
            if "resumeKey" in query and stamp <= query["resumeKey"].split()[1].rstrip("!"):
                last = stamp[:8]
                continue
            if stamp[:8] == last:  # collapse=timestamp:8
                continue
            last = stamp[:8]
            fields = {"timestamp": stamp, "original": query["url"], "digest": str(hash(body))}
            rows.append([fields[name] for name in names])
        if not rows:
            return Reply(b"[]")
        limit = min(int(query["limit"]), self.limit)
        end = [[], [quote_plus(f"key {rows[limit - 1][0]}!")]] if len(rows) > limit else []
        return Reply(json.dumps([names, *rows[:limit], *end]).encode())


# --- GDELT ------------------------------------------------------------------------------------------------------


@dataclass
class Gdelt:
    """Articles (address → when seen) of any host. Who asks again within `interval_s` is told off, with status 200."""

    articles: Mapping[str, datetime]
    interval_s: float = 0.0
    most: int = 250
    told_off: int = 0
    last: float = 0.0

    def __call__(self, asked: Asked) -> Reply:
        too_soon = asked.at - self.last < self.interval_s
        self.last = asked.at
        if too_soon:
            self.told_off += 1
            return Reply(b"Please limit requests to one every 5 seconds or contact us for larger queries.")
        query = asked.query
        assert (query["mode"], query["format"]) == ("artlist", "json")
        host, *words = query["query"].removeprefix("domainis:").split()
        if any(len(word) < 3 for word in words):
            return Reply(b"The specified phrase is too short.", headers={"Content-Type": "text/html"})
        start, end = (
            datetime.strptime(query[name], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
            for name in ("startdatetime", "enddatetime")
        )
        found = [
            (url, seen)
            for url, seen in sorted(self.articles.items(), key=lambda pair: pair[1])
            if urlsplit(url).hostname == host and start <= seen <= end and all(word in url for word in words)
        ]
        rows = [
            {"url": url, "title": "A headline", "seendate": seen.strftime("%Y%m%dT%H%M%SZ"), "domain": host}
            for url, seen in found[: min(int(query["maxrecords"]), self.most)]
        ]
        return Reply(json.dumps({"articles": rows} if rows else {}).encode())


# --- Common Crawl -----------------------------------------------------------------------------------------------


def warc_record(
    url: str,
    body: bytes,
    *,
    at: str = "2025-11-06T05:00:00Z",
    kind: str = "response",
    status: int = 200,
    content_type: str = "text/html; charset=utf-8",
    headers: str = "",
    named: str = "",
) -> bytes:
    """One packed record; `headers` are further ones of the page, `named` those of the record."""
    http = f"HTTP/1.1 {status} OK\r\nContent-Type: {content_type}\r\n{headers}\r\n".encode() + body
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {url}\r\nWARC-Date: {at}\r\n"
        "WARC-Record-ID: <urn:uuid:00000000-0000-4000-8000-000000000000>\r\n"
        f"Content-Type: application/http; msgtype={kind}\r\n{named}Content-Length: {len(http)}\r\n\r\n"
    )
    return gzip.compress(head.encode() + http + b"\r\n\r\n", compresslevel=1)


@dataclass
class CommonCrawl:
    """WARC files by their path below crawl-data/CC-NEWS/. A download ends after `broken_off` bytes, once."""

    warcs: Mapping[str, bytes]
    broken_off: int | None = None
    knows_ranges: bool = True

    def __call__(self, asked: Asked) -> Reply:
        path = asked.path.removeprefix("/crawl-data/CC-NEWS/")
        if path.endswith("/warc.paths.gz"):
            month = path.removesuffix("/warc.paths.gz")
            lines = [f"crawl-data/CC-NEWS/{name}\n" for name in self.warcs if name.startswith(month)]
            return Reply(gzip.compress("".join(lines).encode())) if lines else MISSING
        if path not in self.warcs:
            return MISSING
        body = self.warcs[path]
        if "range" in asked.headers and self.knows_ranges:
            start = int(asked.headers["range"].removeprefix("bytes=").rstrip("-"))
            return Reply(body[start:], 206)
        broken_off, self.broken_off = self.broken_off, None
        return Reply(body, broken_off=broken_off)
