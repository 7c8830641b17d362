"""The folder `digests` below --data: every digest as a page and as a mail, their index, and a feed of their articles.

All of it is written from the index database, so that whatever a crash has left out is there after the next run. A
digest's own files are written once and left alone; the index and the feed are replaced when they change. The feed
follows RFC 4287.
"""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from config.load import Config
from config.settings import VERSION
from extractors.text import clean_line
from flows.digest.words import words_of
from flows.pages import atom_moment, pages
from storage.digests.archive import FeedArticle, Issue, load_feed_articles, load_files, load_issues
from storage.files.folder import in_thread
from storage.files.local_folder import named_disk_errors, put_file, sync_folder
from storage.index.database import Database

FOLDER = "digests"
INDEX, FEED = "index.html", "feed.xml"
FEED_ARTICLES = 200
TITLE_CHARACTERS, OPENING_CHARACTERS = 300, 400
FEED_ID = uuid.uuid5(uuid.NAMESPACE_URL, "c5watch digests")  # of a feed that has no address of its own
_WEB_ADDRESS = re.compile(r"""https?://[^\s<>"{}|\\^`]+""")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


async def write_files(config: Config, data: Path, database: Database) -> list[Path]:
    """Bring the folder up to date with the outbox; return the digests' files that were written.

    Raises StorageError when the folder cannot be used.
    """
    folder = data / FOLDER
    async with database.write() as connection:  # for its lock: one writer of files at a time
        issues = await load_issues(connection)
        if not issues:
            return []
        present = await in_thread(_names, folder)
        written: list[Path] = []
        for issue in reversed(issues):
            lacking = [suffix for suffix in (".html", ".eml") if issue.stem + suffix not in present]
            if lacking:
                page, message = await load_files(connection, issue.stem)
                for suffix in lacking if page else ():
                    path = folder / (issue.stem + suffix)
                    await in_thread(_put, path, page if suffix == ".html" else message)
                    written.append(path)
        articles = await load_feed_articles(connection, FEED_ARTICLES)
        await in_thread(_put, folder / INDEX, _index(config, issues).encode())
        await in_thread(_put, folder / FEED, _feed(config, issues[0].created_at, articles).encode())
    return written


def _names(folder: Path) -> set[str]:
    with named_disk_errors(folder):
        folder.mkdir(exist_ok=True)
        return {path.name for path in folder.iterdir()}


def _put(path: Path, content: bytes) -> None:
    with named_disk_errors(path):
        if not path.exists() or path.read_bytes() != content:
            put_file(path, content)
            sync_folder(path.parent)


def zone_of(config: Config, name: str) -> ZoneInfo:
    """Return the zone of a digest's readers; the schedule's zone if the settings no longer hold the digest."""
    own = (digest.timezone for digest in config.settings.digests if digest.name == name)
    return ZoneInfo(next(own, None) or config.settings.schedule.timezone)


def _index(config: Config, issues: list[Issue]) -> str:
    titles = {digest.name: digest.title for digest in config.settings.digests}
    lines = [
        {
            "file": f"{issue.stem}.html",
            "moment": issue.created_at.astimezone(zone_of(config, issue.name)),
            "title": titles.get(issue.name) or (issue.name if len(titles) > 1 else None),
            "articles": issue.articles,
        }
        for issue in issues
    ]
    frame = config.settings.digests[0].frame
    return pages().get_template("digest_index.html").render(lines=lines, frame=frame, words=words_of(frame), feed=FEED)


def _feed(config: Config, updated: datetime, articles: list[FeedArticle]) -> str:
    frame = config.settings.digests[0].frame
    archive = config.settings.mail.archive_url if config.settings.mail else None
    names = {source.id: source.name for source in config.sources}
    titles = [digest.title for digest in config.settings.digests if digest.title]
    return (
        pages()
        .get_template("feed.xml")
        .render(
            id=(uuid.uuid5(uuid.NAMESPACE_URL, archive) if archive else FEED_ID).urn,
            title=titles[0] if len(titles) == 1 else f"c5watch: {words_of(frame).list_title}",
            updated=_moment(updated),
            archive=archive,
            frame=frame,
            version=VERSION,
            entries=[_entry(article, names) for article in articles],
        )
    )


def _entry(article: FeedArticle, names: dict[str, str]) -> dict[str, Any]:
    """Return an article's values for the template: text only, shortened, without characters that XML cannot hold."""
    source = names.get(article.source_id or "", article.source_id)
    return {
        "id": uuid.uuid5(uuid.NAMESPACE_URL, f"c5watch article {article.id}").urn,
        "title": _text(article.title or "", TITLE_CHARACTERS) or article.id,
        "url": article.url if article.url and _WEB_ADDRESS.fullmatch(article.url) else None,
        "authors": [name for author in article.authors if (name := _text(author, TITLE_CHARACTERS))],
        "source": _text(source or "c5watch", TITLE_CHARACTERS),
        "language": article.language,
        "published": atom_moment(article.published, article.published_at),
        "updated": _moment(article.added_at),
        "opening": _text(article.opening, OPENING_CHARACTERS),
    }


def _text(text: str, most: int) -> str:
    line = _NOT_XML.sub("", clean_line(text))
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
