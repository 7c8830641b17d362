"""Fetch or read one page, extract it as a pass would, and tell what was taken out of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from sqlalchemy import ColumnElement, Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from config.errors import RequestError
from config.load import Config
from config.settings import masked
from config.sites import site_of
from extractors.blocks.memory import SiteMemory, cleaned, line_hash, site_of_page
from extractors.pages.job import ArticleJob, SiteRule
from extractors.records import Article, Entry, Found, ItemError, Outcome, Page, Relation, Verdict
from extractors.text import tokens
from extractors.urls import canonical_url, same_site
from extractors.workers.pool import Workers
from extractors.workers.tasks import article_and_trace_from, article_from
from extractors.zones import zone_of, zone_of_host
from flows.differences import differences
from flows.passes.context import open_client, utc_now
from flows.tools.corpus import article_facts
from storage.corpus.writer import CorpusWriter, open_corpus, open_for_reading
from storage.errors import StorageError
from storage.files.article_file import ArticleFile, compose
from storage.files.reading import text_of
from storage.files.warc import KeptPage
from storage.index.database import index_location
from storage.index.schema import articles, urls
from storage.state.site_pages import load_site_pages

AT_A_TIME = 20  # pages
AS_BEFORE = Verdict(True, None, 0.0, (), "extracted anew")
SITE_LINES = "site lines"  # the step that needs what earlier passes have learnt
NO_ADDRESS = "https://unknown.invalid/"  # RFC 2606: of a file that nobody has named the address of


@dataclass(frozen=True, slots=True)
class Extracted:
    """An article, the lines taken out of it in their order, and what else is worth knowing of how it came about."""

    article: Article
    removed: tuple[tuple[str, str], ...]  # step and line
    rule: bool

    def stored(self) -> str:
        """Return the text that the article's file in the corpus would hold."""
        article = self.article
        return compose(article.paragraphs, title=article.title, published=article.published).to_bytes().decode("utf-8")

    @property
    def notes(self) -> list[str]:
        """Tell where the date comes from, and whether the site's rule fits."""
        dates = ", ".join(f"{c.day} ({c.origin})" for c in self.article.dates)
        at = f", {self.article.published_at.isoformat()}" if self.article.published_at else ""
        notes = [f"date: {self.article.date_origin or 'none'}{at}; found were: {dates or 'none'}"]
        if self.rule:
            missed = " and ".join(self.article.unmatched or ())
            notes.append(f"site rule: {f'its {missed} found nothing' if missed else 'matched'}")
        return notes

    def to_json(self, *, trace: bool) -> dict[str, Any]:
        """Return the values of `--json`; with `trace` also the removed lines and every date that was found."""
        article = self.article
        value: dict[str, Any] = {
            "text": article.text,
            "date": article.published.isoformat() if article.published else None,
            "title": article.title,
            "language": article.language,
            "method": article.method,
        }
        if trace:
            value["removed"] = [{"step": step, "line": line} for step, line in self.removed]
            value["published_at"] = article.published_at.isoformat() if article.published_at else None
            value["dates"] = [{"date": c.day.isoformat(), "origin": c.origin} for c in article.dates]
            if self.rule:
                value["unmatched"] = list(article.unmatched or ())
        return value


def loaded(name: str, stdin: BinaryIO) -> bytes:
    """Return the bytes of the file `name`, or of `stdin` for "-". Raises RequestError."""
    if name == "-":
        return stdin.read()
    if not name:
        raise RequestError("found nothing, expected an address, the name of an HTML file, or -")
    path = Path(name)
    try:
        return path.read_bytes()
    except FileNotFoundError as exc:
        hint = f"; for an address write https://{name}" if "." in name.partition("/")[0] and " " not in name else ""
        raise RequestError(f"{name}: no such file, expected an address, the name of an HTML file, or -{hint}") from exc
    except (OSError, ValueError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "not a file name"
        raise RequestError(f"{name}: cannot be read: {reason}") from exc


async def extract_page(config: Config, data: Path, name: str, body: bytes | None, *, url: str | None) -> Extracted:
    """Return the article on the page at the address `name`, or in `body`, which came from `url`. Stores nothing.

    What the index below `data`, if there is one, has learnt of the site is applied as well.
    Raises RequestError, ItemError, Deferred, StorageError.
    """
    if body is None:
        if url is not None:
            raise RequestError("--url: is for a file or standard input; an address speaks for itself")
        _check_address(name, "URL")
        async with open_client(config, data) as client:
            response = await client.fetch(name)
        assert response is not None  # only a request with validators can be answered "not modified"
        page = response.page()
    else:
        if url is not None:
            _check_address(url, "--url")
        page = Page(url or NO_ADDRESS, body, None, utc_now())
    job = _job(config, page)
    with Workers(config.settings.extraction.model_copy(update={"workers": 1})) as workers:
        article, trace = await workers.run(article_and_trace_from, job, url=page.url)
    removed = [(one.step, one.line) for one in trace]
    location = index_location(data, config.settings.storage)
    if page.url != NO_ADDRESS and not (isinstance(location, Path) and not location.exists()):
        async with open_for_reading(data, config.settings.storage) as corpus, corpus.database.read() as connection:
            article, more = await _without_site_lines(config, connection, page.url, article)
        removed += [(SITE_LINES, line) for line in more]
    return Extracted(article, tuple(removed), job.rule is not None)


async def _without_site_lines(
    config: Config, connection: AsyncConnection, url: str, article: Article
) -> tuple[Article, list[str]]:
    """Return the article without the site's repeated lines that the index knows, and the lines removed."""
    site, key = site_of_page(url), canonical_url(url)
    memory = SiteMemory()
    for known in await load_site_pages(connection, {site}):
        memory.learn(known.key, known.lines)
    memory.learn(key, article.lines)
    of_the_site = memory.of_the_site(key)
    removed = [line for block in article.paragraphs for line in block.split("\n") if line_hash(line) in of_the_site]
    return cleaned(article, of_the_site, min_words=config.settings.extraction.min_words, url=url), removed


def _job(config: Config, page: Page, entry: Entry | None = None) -> ArticleJob:
    source = next((s for s in config.sources if same_site(s.homepage, page.url)), None)
    return ArticleJob(
        page=page,
        entry=entry or Entry(url=page.url, feed_url=source.homepage if source else page.url),
        zone=zone_of(source.country) if source else zone_of_host(urlsplit(page.url).hostname or ""),
        min_words=config.settings.extraction.min_words,
        now=utc_now(),
        rule=SiteRule.of(site_of(config.sites, page.url)),
    )


async def kept_page(config: Config, data: Path, number: int) -> tuple[dict[str, Any], KeptPage]:
    """Return where the page of an article is kept, and the page. Raises StorageError."""
    async with open_for_reading(data, config.settings.storage) as corpus:
        async with corpus.database.read() as connection:
            facts, _ = await article_facts(connection, number)
        if "page" not in facts:
            kept = config.settings.storage.pages
            raise StorageError(
                f'the page of number {number:03d} was not kept: [storage] pages = "{kept}" says which are'
            )
        return facts["page"], await corpus.pages.read(facts["page"])


@dataclass(frozen=True, slots=True)
class Anew:
    """What today's extraction makes of an article's kept page. `text` is None if it finds no article: see `problem`."""

    number: int
    title: str | None
    old: str
    text: str | None
    problem: str = ""
    kept: bool = False  # as a version

    @property
    def is_better(self) -> bool:
        """Whether it is worth keeping: another text that is no fragment of the old one."""
        return self.text is not None and self.text != self.old and 2 * len(tokens(self.text)) > len(tokens(self.old))

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        words = [len(tokens(self.old)), len(tokens(self.text)) if self.text is not None else None]
        pieces = differences(self.old, self.text) if self.text is not None else []
        return {
            "number": self.number, "title": self.title, "words": words, "problem": self.problem, "kept": self.kept,
            "differences": [(kind, text.strip()) for text, kind in pieces if kind],
        }  # fmt: skip


async def extract_again(
    config: Config, data: Path, numbers: Collection[int], *, since: date | None, keep: bool,
    report: Callable[[Anew], None],
) -> int:  # fmt: skip
    """Run today's extraction over kept pages; return how many. `report` hears of each article whose text would differ.

    With `keep`, a better text becomes a version of its article: files never change. Raises StorageError.
    """
    settings = config.settings
    opened = open_corpus(data, settings.storage) if keep else open_for_reading(data, settings.storage)
    wanted: list[ColumnElement[bool]] = [articles.c.page.is_not(None)]
    wanted += [articles.c.number.in_(numbers)] if numbers else []
    wanted += [articles.c.published >= since] if since else []
    columns = (articles.c.number, articles.c.title, articles.c.body, articles.c.page, articles.c.canonical_url,
               articles.c.source_id)  # fmt: skip
    count, last = 0, -1
    async with opened as corpus:
        with Workers(settings.extraction) as workers:
            query = select(*columns).where(*wanted).order_by(articles.c.number).limit(AT_A_TIME)
            while True:
                async with corpus.database.read() as connection:
                    rows = (await connection.execute(query.where(articles.c.number > last))).all()
                for done in await asyncio.gather(*(_anew(config, corpus, workers, row, keep=keep) for row in rows)):
                    if done.text != done.old:
                        report(done)
                count += len(rows)
                if len(rows) < AT_A_TIME:
                    return count
                last = rows[-1].number


async def _anew(config: Config, corpus: CorpusWriter, workers: Workers, row: Row[Any], *, keep: bool) -> Anew:
    parsed = ArticleFile.parse(row.body.encode("utf-8"))
    old = Anew(row.number, row.title, text_of(parsed, row.title), None)
    try:
        page = (await corpus.pages.read(row.page)).page
        async with corpus.database.read() as connection:
            named = select(urls).where(urls.c.article == row.number, urls.c.outcome == Outcome.APPENDED)
            entry = (await connection.execute(named)).first()
        asked = Entry(entry.url, entry.feed_url, entry.title, entry.summary, entry.published) if entry else None
        article = await workers.run(article_from, _job(config, page, asked), url=page.url)
        async with corpus.database.read() as connection:
            article, _ = await _without_site_lines(config, connection, page.url, article)
    except (ItemError, StorageError) as error:
        return replace(old, problem=str(error))
    made = compose(article.paragraphs, title=article.title, published=article.published)
    done = replace(old, text=text_of(made, article.title))
    if not (keep and done.is_better):
        return done
    asked = asked or Entry(page.url, page.url)
    key = entry.key if entry else row.canonical_url
    found = Found(key, asked, row.source_id, page.url, page.fetched_at, article=article, verdict=AS_BEFORE)
    (placed,) = await corpus.place([found], now=utc_now(), limits=config.settings.duplicates)
    return replace(done, kept=placed.relation is Relation.VERSION)


def _check_address(url: str, where: str) -> None:
    try:
        parts = urlsplit(url)
        usable = (
            parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and "@" not in parts.netloc
        )
    except ValueError:
        usable = False
    if not usable or any(c.isspace() for c in url):
        raise RequestError(
            f"{where}: found {masked(url)}, expected a complete address such as https://example.kz/news/1, "
            "without user and password"
        )
