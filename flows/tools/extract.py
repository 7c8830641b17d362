"""Fetch or read one page, extract it as a pass would, and tell what was taken out of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from config.errors import RequestError
from config.load import Config
from config.settings import masked
from config.sites import site_of
from extractors.blocks.memory import SiteMemory, cleaned, line_hash, site_of_page
from extractors.pages.job import ArticleJob, SiteRule
from extractors.records import Article, Entry, Page
from extractors.urls import canonical_url, same_site
from extractors.workers.pool import Workers
from extractors.workers.tasks import article_and_trace_from
from extractors.zones import zone_of, zone_of_host
from flows.passes.context import open_client, utc_now
from storage.corpus.writer import open_for_reading
from storage.files.article_file import compose
from storage.index.database import index_location
from storage.state.site_pages import load_site_pages

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
    rule = SiteRule.of(site_of(config.sites, page.url))
    source = next((s for s in config.sources if same_site(s.homepage, page.url)), None)
    job = ArticleJob(
        page=page,
        entry=Entry(url=page.url, feed_url=source.homepage if source else page.url),
        zone=zone_of(source.country) if source else zone_of_host(urlsplit(page.url).hostname or ""),
        min_words=config.settings.extraction.min_words,
        now=utc_now(),
        rule=rule,
    )
    with Workers(config.settings.extraction.model_copy(update={"workers": 1})) as workers:
        article, trace = await workers.run(article_and_trace_from, job, url=page.url)
    removed = [(one.step, one.line) for one in trace]
    if page.url != NO_ADDRESS:
        article, more = await _without_site_lines(config, data, page.url, article)
        removed += [(SITE_LINES, line) for line in more]
    return Extracted(article, tuple(removed), rule is not None)


async def _without_site_lines(config: Config, data: Path, url: str, article: Article) -> tuple[Article, list[str]]:
    """Return the article without the site's repeated lines that the index knows, and the lines removed."""
    storage = config.settings.storage
    if isinstance(location := index_location(data, storage), Path) and not location.exists():
        return article, []
    site, key = site_of_page(url), canonical_url(url)
    memory = SiteMemory()
    async with open_for_reading(data, storage) as corpus, corpus.database.read() as connection:
        for known in await load_site_pages(connection, {site}):
            memory.learn(known.key, known.lines)
    memory.learn(key, article.lines)
    of_the_site = memory.of_the_site(key)
    removed = [line for block in article.paragraphs for line in block.split("\n") if line_hash(line) in of_the_site]
    return cleaned(article, of_the_site, min_words=config.settings.extraction.min_words, url=url), removed


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
