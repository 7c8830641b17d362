"""The hosts of the demonstration: one small HTTP/1.1 server per outlet, each with an address of its own.

All answers are made once, when the site starts: a page that does not change between two requests is what makes
its ETag worth sending.
"""

from __future__ import annotations

import errno
import json
import socket
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from tests.demo_site import pages
from tests.demo_site.feeds import FEEDS
from tests.demo_site.model import DemoArticle, Outlet, build_articles, load_outlets
from tests.demo_site.wire import Answer, Hit, HostServer

__all__ = ["DemoArticle", "DemoSite", "Hit"]

DEAD_ADDRESS = "127.0.1.99"
DEAD_SOURCE = "zhetisu-online"
DEAD_FEED = "/rss.xml"
ATTEMPTS = 20


def answers_for(outlet: Outlet, host: str, articles: Sequence[DemoArticle]) -> dict[str, Answer]:
    """Everything that a host serves, by path (and query, where the CMS puts the article's number there)."""
    feed = FEEDS[outlet.feed]
    home = f"http://{host}/"
    page = pages.PageMaker(outlet, home, feed.path, feed.content_type, articles)
    html_type = "text/html" if outlet.charset != "utf-8" else "text/html; charset=utf-8"

    def encoded(text: str) -> bytes:
        return text.encode(outlet.charset, "xmlcharrefreplace")

    table = {
        "/": Answer(200, html_type, encoded(page.index())),
        "/search": Answer(200, html_type, encoded(page.index())),
        "/robots.txt": Answer(200, "text/plain; charset=utf-8", page.robots().encode()),
        feed.path: Answer(200, feed.content_type, encoded(feed.write(outlet, home, articles)), articles[0].published),
    }
    for article in articles:
        table[article.target] = Answer(200, html_type, encoded(page.article(article)))
        if outlet.look == "amp":
            table[f"{article.target}/amp"] = Answer(200, html_type, encoded(page.amp(article)))
    table["404"] = Answer(404, html_type, encoded(page.not_found()))
    return table


class DemoSite:
    """Context manager: ``with DemoSite() as site:`` starts all hosts. Addresses are known only while it runs."""

    def __init__(self, now: datetime | None = None, delay: float = 0.0, *, port: int = 0, first_port: int = 0) -> None:
        """``now`` fixes the moment that the articles' ages count from; ``port`` fixes the common port.

        ``first_port`` is the port to try first, before any that is free.
        """
        self.now = now or datetime.now(UTC)
        if self.now.tzinfo is None:
            raise ValueError("now must carry a time zone")
        self.delay = delay
        self.port = port
        self.first_port = first_port
        self.hits: list[Hit] = []
        self.articles: tuple[DemoArticle, ...] = ()
        self.outlets = load_outlets()
        self.hosts: dict[str, str] = {}
        self.dead_host = ""
        self._servers: list[HostServer] = []
        self._dead: socket.socket | None = None

    def __enter__(self) -> Self:
        """Start all hosts."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop all hosts, whatever happened inside."""
        self.stop()

    def start(self) -> None:
        """Bind all hosts, make their pages and begin to answer."""
        self._bind()
        self.hosts = {o.source_id: s.host for o, s in zip(self.outlets, self._servers, strict=True)}
        self.articles = build_articles(self.outlets, self.hosts, self.now)
        for outlet, server in zip(self.outlets, self._servers, strict=True):
            own = [article for article in self.articles if article.source_id == outlet.source_id]
            server.answers = answers_for(outlet, server.host, own)
            server.missing = server.answers.pop("404")
            server.hits, server.delay = self.hits, self.delay
            # A short poll interval, because stopping a server waits for one.
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True, name=server.host).start()

    def stop(self) -> None:
        """Stop all hosts; the hits and the articles stay readable."""
        for server in self._servers:
            server.close()
        self._release()

    def _bind(self) -> None:
        """Take one address per outlet at a common free port, or ports of 127.0.0.1 where others cannot be had.

        The dead source gets a socket that is bound but never listens: it refuses every connection, and no
        other program can come to listen there meanwhile.
        """
        for attempt in range(1 if self.port else ATTEMPTS):
            try:
                port = self.port or (0 if attempt else self.first_port)
                for outlet in self.outlets:
                    port = self._listen(outlet.address, port)
                self._bind_dead(DEAD_ADDRESS, port)
                return
            except OSError as error:
                self._release()
                if error.errno == errno.EADDRNOTAVAIL:
                    break
                if error.errno != errno.EADDRINUSE or self.port:
                    raise
        for _ in self.outlets:
            self._listen("127.0.0.1", 0)
        self._bind_dead("127.0.0.1", 0)

    def _listen(self, address: str, port: int) -> int:
        server = HostServer((address, port))
        server.host = f"{address}:{server.server_port}"
        self._servers.append(server)
        return server.server_port

    def _bind_dead(self, address: str, port: int) -> None:
        self._dead = socket.socket()
        self._dead.bind((address, port))
        self.dead_host = f"{address}:{self._dead.getsockname()[1]}"

    def _release(self) -> None:
        for server in self._servers:
            server.server_close()
        self._servers.clear()
        if self._dead:
            self._dead.close()
            self._dead = None

    def sources_toml(self) -> str:
        """A complete sources.toml: the outlets and, at the end, the dead source."""
        rows = [
            (o.source_id, o.name, self.hosts[o.source_id], FEEDS[o.feed].path, o.language, o.country, o.category)
            for o in self.outlets
        ]
        rows.append((DEAD_SOURCE, "Жетісу онлайн", self.dead_host, DEAD_FEED, "kk", "KZ", "regional"))
        return "\n".join(_source_table(*row) for row in rows)

    def settings_toml(self) -> str:
        """Settings that let a collector reach loopback, and that do not make it wait long between requests."""
        return '[network]\nallow_networks = ["127.0.0.0/8"]\nper_host_interval = 0.05\ntimeout = 5.0\n'


def _source_table(source: str, name: str, host: str, feed: str, language: str, country: str, category: str) -> str:
    home = f"http://{host}/"
    return (
        f'[[sources]]\nid = "{source}"\nname = {json.dumps(name, ensure_ascii=False)}\nhomepage = "{home}"\n'
        f'feeds = ["{home.rstrip("/")}{feed}"]\nlanguage = "{language}"\ncountry = "{country}"\n'
        f'category = "{category}"\nenabled = true\n'
    )
