"""The folder `digests` below --data: every digest as a page and as a mail, their index, and a feed of their articles.

All of it is written from the index database, so that whatever a crash has left out is there after the next run. A
digest's own files are written once and left alone; the index and the feed are replaced when they change. The feed
follows RFC 4287.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from config.load import Config
from config.settings import VERSION
from extractors.text import clean_line
from extractors.topic.country import OTHER
from flows.clean import clean
from flows.digest.words import words_of
from flows.pages import atom_moment, pages, script_policy
from storage.digests.archive import (
    FeedArticle,
    Headline,
    Issue,
    load_feed_articles,
    load_files,
    load_headlines,
    load_issues,
)
from storage.files.folder import in_thread
from storage.files.local_folder import named_disk_errors, put_file, sync_folder
from storage.index.database import Database

FOLDER = "digests"
INDEX, FEED = "index.html", "feed.xml"
FEED_ARTICLES = 200
SEARCHED = 400  # digests of the list whose headlines are shown and searched
HEADLINES = 3  # shown of a digest
MOST_WORDS = 100  # headlines of a digest that are searched
# The list's only script: it hides what lacks a word that is asked for, or is of another name.
SEARCH = """(function () {
  var query = document.getElementById("q"), name = document.getElementById("n"), form = document.getElementById("s");
  form.hidden = false;
  function search() {
    var words = query.value.toLowerCase().split(/\\s+/), chosen = name ? name.value : "";
    document.querySelectorAll("ol > li").forEach(function (line) {
      var text = (line.textContent + " " + (line.dataset.words || "")).toLowerCase();
      var fits = words.every(function (word) { return text.includes(word); });
      line.hidden = !fits || (chosen && line.dataset.name !== chosen);
    });
  }
  query.addEventListener("input", search);
  if (name) { name.addEventListener("change", search); }
})();"""
TITLE_CHARACTERS = 300
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
        headlines = await load_headlines(connection, [issue.stem for issue in issues[:SEARCHED]])
        await in_thread(_put, folder / INDEX, list_of_digests(config, issues, headlines).encode())
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


def list_of_digests(config: Config, issues: Sequence[Issue], headlines: Mapping[str, Sequence[Headline]]) -> str:
    """Return the page that lists the digests, with the first headlines of each and a search by word."""
    titles = {digest.name: digest.title for digest in config.settings.digests}
    frame = config.settings.digests[0].frame
    lines = [
        {
            "file": f"{issue.stem}.html",
            "moment": issue.created_at.astimezone(zone_of(config, issue.name)),
            "title": titles.get(issue.name) or (issue.name if len(titles) > 1 else None),
            "name": issue.name,
            "articles": issue.articles,
            "first": _first(headlines.get(issue.stem, ()), frame),
            "words": " ".join(clean(one.title, TITLE_CHARACTERS) for one in headlines.get(issue.stem, ())[:MOST_WORDS]),
        }
        for issue in issues
    ]
    names = {issue.name: titles.get(issue.name) or issue.name for issue in issues}
    return (
        pages()
        .get_template("digest_index.html")
        .render(
            lines=lines,
            names=names if len(names) > 1 else {},
            frame=frame,
            words=words_of(frame),
            feed=FEED,
            script=SEARCH,
            policy=script_policy(SEARCH),
        )
    )


def _first(headlines: Sequence[Headline], frame: str) -> list[Headline]:
    """Return the headlines of the events that most outlets have told, one of each."""
    ordered = sorted(headlines, key=lambda one: (-one.outlets, one.language != frame, -one.score))
    firsts = list({one.event: one for one in reversed(ordered)}.values())[::-1][:HEADLINES]
    return [replace(one, title=clean(one.title, TITLE_CHARACTERS)) for one in firsts]


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
        "content": "".join(f"<p>{escape(_NOT_XML.sub('', clean_line(one)))}</p>" for one in article.paragraphs),
        "country": article.country if article.country not in (None, OTHER) else None,
        "event": article.event,
    }


def _text(text: str, most: int) -> str:
    line = _NOT_XML.sub("", clean_line(text))
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
