"""Read a corpus from Python: from its public files only, without a database and without the collecting program.

    from storage import Corpus

    corpus = Corpus.open("data")
    for article in corpus:
        print(article.number, article.date, article.title, len(article.text))

A job that follows the corpus keeps the last number it has worked on, and next time asks for the articles since:

    for article in corpus.since(last + 1):
        ...
        last = article.number

A run may append meanwhile: an article is seen as soon as its line in `manifest.jsonl` is complete; its file
exists by then and never changes. Articles that were taken back are left out. Each call reads the manifest again, so an
opened corpus never grows stale. Without a manifest the article files of a folder are read by themselves; unknown fields
are None.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Self, SupportsIndex

from extractors.records import DateCandidate, Match
from extractors.text import clean_block
from storage.files.article_file import ArticleFile, FileName

MANIFEST = "manifest.jsonl"
FOLDER = "corpus"
REMOVED = b'"removed": {'  # in the line of an article that was taken back; in a text the quotes would be escaped
# Runs that waited for one another write moments that are not quite in the order of the numbers.
DISORDER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Article:
    """An article as the manifest tells it; `text` and `paragraphs` read its file again at each use.

    `date` is the day in the publisher's time zone, None if no trustworthy date is known; `published_at` the time on
    that day, aware and in the zone in which it was stated, None if only the day is known. Articles of a folder
    without a manifest have number, id, file and date, and a title if the file begins with it.
    """

    number: int
    id: str
    file: str
    title: str | None = None
    url: str | None = None  # the address that answered
    canonical_url: str | None = None
    source: str | None = None
    feed: str | None = None
    language: str | None = None
    date: date | None = None
    published_at: datetime | None = None
    date_origin: str | None = None
    dates: tuple[DateCandidate, ...] = ()  # every candidate
    authors: tuple[str, ...] = ()
    topic: str | None = None
    score: float | None = None
    terms: tuple[Match, ...] = ()
    why: str | None = None
    sha256: str | None = None  # of the file's bytes
    text_hash: str | None = None  # equal for texts of equal words; None for short ones
    method: str | None = None
    version: str | None = None
    retrieved_at: datetime | None = None
    appended_at: datetime | None = None
    _read: Callable[[str], bytes] = field(kw_only=True, repr=False, compare=False)

    @property
    def text(self) -> str:
        """The paragraphs divided by one blank line, without the headline. Raises FileNotFoundError."""
        return text_of(ArticleFile.parse(self._read(self.file)), self.title)

    @property
    def paragraphs(self) -> tuple[str, ...]:
        """The paragraphs, without the headline; a list or a table is one of several lines. Raises FileNotFoundError."""
        return ArticleFile(None, self.text).paragraphs


class Corpus:
    """The articles of a corpus in number order, one at a time in memory. Made by `Corpus.open`."""

    def __init__(self, articles: _Manifest | _Listing) -> None:
        self._articles = articles

    @classmethod
    def open(cls, data: str | Path, *, corpus: str | Path | None = None) -> Self:
        """Open the corpus below the folder `data` (given to c5watch as --data), or a plain folder of article files.

        `corpus` names the place of the article files if it is not `data`/corpus: another folder, or an address such as
        "s3://bucket/prefix", for any file system that fsspec knows. Raises FileNotFoundError, naming the missing file
        or folder. Opening takes no longer for a large corpus.
        """
        data, location = Path(data), str(corpus or FOLDER)
        manifest = data / MANIFEST
        if "://" in location:
            if not manifest.is_file():
                raise FileNotFoundError(f"{manifest}: not found: name the folder that c5watch was given as --data")
            return cls(_Manifest(manifest, _Remote(location)))
        folder = data / location
        if manifest.is_file() or (folder.is_dir() and not _names(folder)):
            if not folder.is_dir():
                raise FileNotFoundError(
                    f"{folder}: not found: if the article files are elsewhere, say where, as in "
                    'Corpus.open(data, corpus="s3://bucket/prefix")'
                )
            return cls(_Manifest(manifest, _Local(folder)))
        for folder_of_files in (folder, data):
            if folder_of_files.is_dir() and _names(folder_of_files):
                return cls(_Listing(folder_of_files))
        raise FileNotFoundError(
            f"{data}: no corpus here, neither {MANIFEST} nor article files: name the folder that c5watch was given as "
            "--data, or one that holds files like 000_0123456789abcdef.txt"
        )

    def __len__(self) -> int:
        return self._articles.count()

    def __iter__(self) -> Iterator[Article]:
        return self._articles.from_number(0)

    def __getitem__(self, number: int) -> Article:
        """Return the article with this number. Raises KeyError if there is none."""
        for article in self._articles.from_number(number):
            if article.number == number:
                return article
            break
        raise KeyError(number)

    def since(self, since: int | date | str) -> Iterator[Article]:
        """Return the articles from this number on, or appended at or after this moment, in number order.

        A moment is an aware datetime, or a day, which begins at midnight UTC; either may be written as in ISO 8601:
        "2026-11-23". Numbers are exact and never change: to follow a corpus, keep the number. Moments are to the
        second. Raises ValueError for a moment without a time zone or an unreadable text, TypeError for other types.
        """
        if isinstance(since, SupportsIndex):  # includes the integers of data frames
            return self._articles.from_number(int(since))
        return self._articles.from_moment(_since(since))


class _Local:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, name: str) -> bytes:
        return (self._folder / name).read_bytes()


class _Remote:
    def __init__(self, location: str) -> None:
        from fsspec.core import url_to_fs

        self._files, self._folder = url_to_fs(location.rstrip("/"))

    def read(self, name: str) -> bytes:
        content: bytes = self._files.cat_file(f"{self._folder}/{name}")
        return content


class _Manifest:
    """A manifest's lines in number order. Wanted lines are found by halving the file, without an index of it."""

    def __init__(self, path: Path, files: _Local | _Remote) -> None:
        self._path = path
        self._files = files

    def count(self) -> int:
        if not self._path.exists():
            return 0
        with self._path.open("rb") as file:
            return sum(REMOVED not in line for line in file if line.endswith(b"\n"))

    def from_number(self, number: int) -> Iterator[Article]:
        return map(self._article, self._present(lambda entry: bool(entry["number"] >= number)))

    def from_moment(self, since: datetime) -> Iterator[Article]:
        early = since - DISORDER
        entries = self._present(lambda entry: _moment(entry["appended_at"]) >= early)
        return (self._article(entry) for entry in entries if _moment(entry["appended_at"]) >= since)

    def _present(self, wanted: Callable[[dict[str, Any]], bool]) -> Iterator[dict[str, Any]]:
        return (entry for entry in self._entries(wanted) if "removed" not in entry)

    def _entries(self, wanted: Callable[[dict[str, Any]], bool]) -> Iterator[dict[str, Any]]:
        """Yield the entries from the first `wanted` one on. All after it must be wanted, and none before it."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            position = self._first(file, wanted)
            file.seek(position)
            for line in file:
                if line.endswith(b"\n"):  # else a run is writing the line, or was stopped within it
                    yield self._entry(line)

    def _first(self, file: BinaryIO, wanted: Callable[[dict[str, Any]], bool]) -> int:
        """Return the offset in bytes of the first wanted entry's line."""
        low, high = 0, file.seek(0, 2)  # no line before `low` is wanted, each that begins at `high` or later is
        while low < high:
            middle = (low + high) // 2
            begin = file.seek(max(0, middle - 1))
            if middle:
                begin += len(file.readline())
            line = file.readline()
            if not line.endswith(b"\n") or wanted(self._entry(line)):
                high = middle
            else:
                low = begin + len(line)
        return low

    def _entry(self, line: bytes) -> dict[str, Any]:
        try:
            entry: dict[str, Any] = json.loads(line)
            entry["number"], entry["appended_at"]
        except (ValueError, KeyError, TypeError) as exc:
            raise ValueError(
                f"{self._path}: found a line that c5watch did not write: {line[:80]!r}: delete the file and run "
                "'c5watch monitor' once, which writes it again"
            ) from exc
        return entry

    def _article(self, entry: dict[str, Any]) -> Article:
        get = entry.get
        day, at, retrieved = get("date"), get("published_at"), get("retrieved_at")
        return Article(
            entry["number"], entry["id"], entry["file"], get("title"), get("url"), get("canonical_url"),
            get("source"), get("feed"), get("language"), date.fromisoformat(day) if day else None,
            _moment(at) if at else None, get("date_origin"),
            tuple(DateCandidate(date.fromisoformat(d), origin) for d, origin in get("dates") or ()),
            tuple(get("authors") or ()), get("topic"), get("score"), tuple(Match(*term) for term in get("terms") or ()),
            get("why"), get("sha256"), get("text_hash"), get("method"), get("version"),
            _moment(retrieved) if retrieved else None, _moment(entry["appended_at"]),
            _read=self._files.read,
        )  # fmt: skip


class _Listing:
    """A folder without a manifest."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read = _Local(folder).read

    def count(self) -> int:
        return len(_names(self._folder))

    def from_number(self, number: int) -> Iterator[Article]:
        return map(self._article, (name for name in _names(self._folder) if name.number >= number))

    def from_moment(self, since: datetime) -> Iterator[Article]:
        raise ValueError(
            f"{self._folder} has no {MANIFEST}, which alone says when an article was appended: ask for articles "
            "since a number instead"
        )

    def _article(self, name: FileName) -> Article:
        file = ArticleFile.parse(self._read(str(name)))
        title = None if file.published else file.text.strip("\n").partition("\n")[0] or None
        return Article(name.number, name.id, str(name), title, date=file.published, _read=self._read)


def text_of(file: ArticleFile, title: str | None) -> str:
    """Return the paragraphs divided by one blank line, without the headline that an undated file begins with."""
    text = "\n\n".join(file.paragraphs)
    headline = clean_block(title) if title and file.published is None else ""
    if headline and (text == headline or text.startswith(headline + "\n")):
        return text[len(headline) :].lstrip("\n")
    return text


def _names(folder: Path) -> list[FileName]:
    found: Iterable[FileName | None] = (FileName.parse(path.name) for path in folder.iterdir())
    return sorted((name for name in found if name), key=lambda name: name.number)


def _since(since: date | str) -> datetime:
    moment = since
    if isinstance(moment, str):
        try:
            moment = datetime.fromisoformat(moment) if len(moment) > len("2026-11-23") else date.fromisoformat(moment)
        except ValueError:
            raise ValueError(
                f'found "{since}", expected a number, a day such as 2026-11-23, or a moment such as '
                "2026-11-23T07:00:00+00:00"
            ) from None
    if not isinstance(moment, date):
        raise TypeError(f"found a {type(since).__name__}, expected a number, a day, an aware datetime, or a text")
    if not isinstance(moment, datetime):
        return datetime.combine(moment, time(), UTC)
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone: give an aware datetime, such as datetime.now(UTC)")
    return moment


def _moment(value: str) -> datetime:
    return datetime.fromisoformat(value)
