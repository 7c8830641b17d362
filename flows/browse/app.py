"""The reading room: the corpus as pages to look through, search and judge, on loopback. No page needs JavaScript.

Reads only, but for two forms: an answer to "is this on topic?" is a mark, as `c5watch topics mark` writes it, and an
article is taken back as `c5watch corpus remove` takes it back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ExceptionHandler

from config.languages import BrowseWords, languages
from config.load import Config
from extractors.urls import canonical_url
from flows.browse.asked import FILTERS, MAX_NUMBER, ONLY, asked_for
from flows.browse.downloads import KINDS, download
from flows.browse.guard import Access, door, read_form, sent_by_us
from flows.browse.views import PAGE, key_of, load_article, load_differences, load_list
from flows.clean import clean, link
from flows.digest.words import words_of
from flows.pages import pages
from flows.tools.corpus import remove_article
from flows.tools.explaining import explanation
from storage.corpus.writer import CorpusWriter, open_index
from storage.errors import StorageError
from storage.health.history import load_story
from storage.health.report import load_report
from storage.index.removed import load_removed
from storage.search.timeline import neighbours
from storage.state.marks import store_mark

MAX_LINE = 2000  # characters of a fact
ASSETS = {"style.css": "text/css", "keys.js": "text/javascript"}


@dataclass(frozen=True, eq=False)
class Room:
    """What all pages need. `corpus` is opened for reading."""

    config: Config
    data: Path
    corpus: CorpusWriter
    access: Access
    frame: str

    @cached_property
    def names(self) -> dict[str, str]:
        """The name of each source."""
        return {source.id: source.name for source in self.config.sources}

    @cached_property
    def countries(self) -> dict[str, str]:
        """The country of each source."""
        return {source.id: source.country for source in self.config.sources}

    def page(self, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        """Return a page; its words are those of the frame's language."""
        html = pages().get_template(template).render(
            w=words_of_room(self.frame), words=words_of(self.frame), frame=self.frame, names=self.names,
            zone=ZoneInfo(self.config.settings.schedule.timezone), token=self.access.token, link=link, clean=clean,
            **values,
        )  # fmt: skip
        return HTMLResponse(html, status)


def words_of_room(frame: str) -> BrowseWords:
    """Return the fixed words of the reading room in a language that has them: the settings were checked for it."""
    words = languages().by_code[frame].browse
    assert words is not None
    return words


def application(room: Room) -> Starlette:
    """Return the reading room as an ASGI application."""

    def page(answer: Callable[[Room, Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def answered(request: Request) -> Response:
            return await answer(room, request)

        return answered

    routes = [
        Route("/", page(_list)),
        Route("/article/{number}", page(_article)),
        Route("/article/{number}/mark", page(_mark), methods=["POST"]),
        Route("/article/{number}/remove", page(_remove), methods=["POST"]),
        Route("/article/{number}/differences/{variant}", page(_differences)),
        Route("/sources", page(_sources)),
        Route("/explain", page(_explain)),
        *(Route(f"/{name}", page(_download)) for name in KINDS),
        *(Route(f"/{name}", page(_asset)) for name in ASSETS),
        Route("/favicon.ico", page(_no_picture)),
    ]
    handlers: dict[Any, ExceptionHandler] = {StorageError: _out_of_reach, 404: _nothing_here}
    guard = Middleware(BaseHTTPMiddleware, dispatch=door(room.access))
    return Starlette(routes=routes, middleware=[guard], exception_handlers=handlers)


async def _list(room: Room, request: Request) -> Response:
    asked = asked_for(request.query_params.multi_items())
    async with room.corpus.database.read() as connection:
        listed = await load_list(connection, asked, room.countries, limit=PAGE)
    return room.page("browse_list.html", asked=asked, listed=listed, only=ONLY, kinds=KINDS, filters=FILTERS)


async def _article(room: Room, request: Request) -> Response:
    number = _number(request)
    async with room.corpus.database.read() as connection:
        found = await load_article(connection, number)
        gone = await load_removed(connection, [number])
        around = await neighbours(connection, number)
    if found is not None:
        return room.page("browse_article.html", **found)
    if not gone:
        return _nothing_here(request)
    return room.page("browse_removed.html", 410, gone=gone[0], before=around[0], after=around[1])


async def _differences(room: Room, request: Request) -> Response:
    async with room.corpus.database.read() as connection:
        found = await load_differences(connection, _number(request), _number(request, "variant"))
    return _nothing_here(request) if found is None else room.page("browse_differences.html", **found)


async def _remove(room: Room, request: Request) -> Response:
    form, number = await read_form(request), _number(request)
    if not sent_by_us(room.access, request, form):
        return _not_ours()
    if not (why := form.get("why", "").strip()):
        return _nothing_here(request)
    await remove_article(room.config, room.data, number, why=why[:MAX_LINE])
    return RedirectResponse(f"/article/{number}", 303)


async def _mark(room: Room, request: Request) -> Response:
    form = await read_form(request)
    if not sent_by_us(room.access, request, form):
        return _not_ours()
    answer, number = form.get("answer"), _number(request)
    async with room.corpus.database.read() as connection:
        key = await key_of(connection, number)
    if key is None or answer not in ("yes", "no"):
        return _nothing_here(request)
    async with open_index(room.data, room.config.settings.storage) as database, database.write() as connection:
        await store_mark(connection, key, relevant=answer == "yes", now=datetime.now(UTC))
    return RedirectResponse(f"/article/{number}", 303)


async def _sources(room: Room, request: Request) -> Response:
    zone = ZoneInfo(room.config.settings.schedule.timezone)
    now = datetime.now(UTC).astimezone(zone)
    async with room.corpus.database.read() as connection:
        report = await load_report(connection, room.config.sources, zone=zone, now=now)
    return room.page("browse_sources.html", report=report, now=now)


async def _explain(room: Room, request: Request) -> Response:
    url = request.query_params.get("url", "").strip()
    lines: list[tuple[str, str]] = []
    problem = ""
    if url:
        try:
            key = canonical_url(url)
        except ValueError:
            problem = url
        else:
            async with room.corpus.database.read() as connection:
                told = explanation(await load_story(connection, key))
            lines = [(name.strip(), clean(text, MAX_LINE)) for name, _, text in (line.partition(": ") for line in told)]
    return room.page("browse_explain.html", url=url, lines=lines, problem=problem)


async def _download(room: Room, request: Request) -> Response:
    kind = request.url.path.removeprefix("/")
    asked = asked_for(request.query_params.multi_items())
    return await download(
        room.corpus, asked, kind, sources={one.id: one for one in room.config.sources}, address=str(request.url)
    )


async def _asset(room: Room, request: Request) -> Response:
    name = request.url.path.removeprefix("/")
    content = await asyncio.to_thread((Path(__file__).parents[1] / "templates" / f"browse_{name}").read_text, "utf-8")
    return Response(content, media_type=ASSETS[name])


def _number(request: Request, name: str = "number") -> int:
    text: str = request.path_params[name]
    if not (text.isascii() and text.isdecimal()) or len(text) > 10 or int(text) > MAX_NUMBER:
        raise HTTPException(404)
    return int(text)


async def _no_picture(room: Room, request: Request) -> Response:
    return Response(status_code=204)  # browsers ask for one whatever a page says


def _out_of_reach(request: Request, error: Exception) -> Response:
    return PlainTextResponse(f"{error}\n", 503)


def _not_ours() -> Response:
    return PlainTextResponse("This form did not come from this page: go back, load it again, and try anew.", 403)


def _nothing_here(request: Request, error: Exception | None = None) -> Response:
    return PlainTextResponse("There is nothing at this address.\n", 404)
