"""The time of publication: found with its zone, never against the day, and kept up to every reader."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from config.settings import Duplicates, Storage
from extractors.dates.choice import CLOCKS
from extractors.dates.stated import Stated, read_stated
from extractors.pages.article import extract
from extractors.pages.job import ArticleJob
from extractors.records import Article, Entry, Page
from flows.pages import atom_moment
from storage import Corpus
from storage.corpus.export import export
from storage.corpus.importing import import_lines
from storage.corpus.writer import open_corpus
from tests.support.results import NOW as PLACED
from tests.support.results import result

ALMATY = ZoneInfo("Asia/Almaty")
NOW = datetime(2025, 11, 22, 9, 30, tzinfo=UTC)
SIXTH = date(2025, 11, 6)
TEXT = "Рабочие закончили бетонировать опоры нового моста через реку, и в декабре по нему поедут первые машины."


def at(hour: int, minute: int = 15, *, offset: int = 5, day: int = 6) -> datetime:
    return datetime(2025, 11, day, hour, minute, tzinfo=timezone(timedelta(hours=offset)))


def article_on(head: str = "", line: str = "", *, feed: datetime | None = None, url: str = "bridge") -> Article:
    body = f"<h1>Мост открыт</h1>{line}<p>{TEXT}</p><p>{TEXT} Так сказал мастер.</p>"
    page = f"<html><head><title>Мост открыт</title>{head}</head><body><article>{body}</article></body></html>"
    address = f"https://site.kz/{url}"
    entry = Entry(address, "https://site.kz/rss", "Мост открыт", published=feed)
    return extract(ArticleJob(Page(address, page.encode(), "utf-8", NOW), entry, ALMATY, 5, NOW))


def json_ld(stated: str) -> str:
    return f'<script type="application/ld+json">{{"@type": "NewsArticle", "datePublished": "{stated}"}}</script>'


def meta(stated: str) -> str:
    return f'<meta property="article:published_time" content="{stated}">'


@pytest.mark.parametrize(
    ("article", "expected"),
    [
        (article_on(json_ld("2025-11-06T10:15:00+05:00")), at(10)),
        (article_on(json_ld("2025-11-06T05:15:00Z")), at(5, offset=0)),
        (article_on(json_ld("2025-11-06T10:15:40.123")), at(10) + timedelta(seconds=40)),  # the publisher's zone
        (article_on(meta("2025-11-06 10:15:00 +0600")), at(10, offset=6)),
        (article_on(meta("Thu, 06 Nov 2025 10:15:00 +0500")), at(10)),
        (article_on(meta("1762406100")), at(10)),
        (article_on(meta("06.11.2025 10:15")), at(10)),
        (article_on(line='<time class="published" datetime="2025-11-06T10:15+05:00">6 ноября</time>'), at(10)),
        (article_on(line="<p>6 ноября 2025, 10:15 | Просмотров: 192</p>"), at(10)),
        (article_on(line="<p>10:15, 06.11.2025</p>"), at(10)),
        (article_on(line="<p>06.11.2025</p><p>10:15</p>"), at(10)),
        (article_on(line="<p>6 ноября 2025, 07:15 (МСК)</p>"), at(7, offset=3)),
        (article_on(meta("2025-11-06"), "<p>6 ноября 2025, 10:15</p>"), at(10)),  # the day is settled, the time shown
        (article_on(feed=at(5, offset=0)), at(10)),  # of a feed the moment is kept, in the publisher's zone
        (article_on(meta("2025-11-06"), feed=at(10)), at(10)),
    ],
)  # fmt: skip
def test_the_time_is_read_where_page_or_feed_state_it(article: Article, expected: datetime) -> None:
    assert (article.published, article.published_at) == (SIXTH, expected)
    assert article.published_at is not None and article.published_at.utcoffset() == expected.utcoffset()


@pytest.mark.parametrize(
    "article",
    [
        article_on(json_ld("2025-11-06")),
        article_on(json_ld("2025-11-06T00:00:00+05:00")),  # midnight is how a day is written
        article_on(json_ld("2025-11-05T19:00:00Z")),  # in whatever zone
        article_on(line="<p>6 ноября 2025</p>"),
        article_on(meta("2025-11-06"), "<p>6 ноября 2025, обновлено 12:40</p>"),
        article_on(line="<p>6 ноября 2025, 10:15 — 12:40</p>"),  # which of the two?
        article_on(feed=datetime(2025, 11, 6, tzinfo=ALMATY)),
        article_on(url="2025/11/06/bridge"),
    ],
)
def test_a_day_without_a_time_has_none(article: Article) -> None:
    assert (article.published, article.published_at) == (SIXTH, None)


@pytest.mark.parametrize(
    ("article", "expected"),
    [
        # As many for each: what is stated for machines.
        (article_on(json_ld("2025-11-06T12:00:00+05:00"), "<p>6 ноября 2025, 10:15</p>", feed=at(10)), at(12, 0)),
        (article_on(json_ld("2025-11-06T10:15:00Z"), feed=at(10)), at(10)),  # the same hands: an empty Z
        (article_on(json_ld("2025-11-22T23:00:00+05:00")), None),  # is still to come
        (article_on(json_ld("2025-11-06T12:00:00+05:00"), "<p>7 ноября 2025, 10:15</p>", feed=at(10, day=7)),
         at(10, day=7)),
    ],
)  # fmt: skip
def test_where_times_differ_the_day_and_the_witnesses_decide(article: Article, expected: datetime | None) -> None:
    assert article.published_at == expected
    if expected is not None:
        assert article.published == expected.astimezone(ALMATY).date()


def test_a_clock_may_be_some_minutes_ahead() -> None:
    assert article_on(json_ld((NOW + CLOCKS).isoformat())).published_at == NOW + CLOCKS
    assert article_on(json_ld((NOW + 2 * CLOCKS).isoformat())).published_at is None


def test_a_time_that_its_zone_carries_to_another_day_is_left_out() -> None:
    assert read_stated("2025-11-06 23:30 UTC", ALMATY) == Stated(SIXTH)


@pytest.mark.parametrize(
    ("day", "moment", "expected"),
    [
        (SIXTH, at(10), "2025-11-06T10:15:00+05:00"),
        (SIXTH, None, "2025-11-06T00:00:00Z"),
        (None, None, None),
    ],
)
def test_a_feed_tells_the_time_or_the_beginning_of_the_day(
    day: date | None, moment: datetime | None, expected: str | None
) -> None:
    assert atom_moment(day, moment) == expected


async def test_the_time_reaches_manifest_export_and_readers_with_its_zone(tmp_path: Path, storage: Storage) -> None:
    results = [result(0, published_at=at(10)), result(1)]
    async with open_corpus(tmp_path, storage) as corpus:
        await corpus.place(results, now=PLACED, listed=False)
        await export(corpus, tmp_path / "all.jsonl", form="jsonl")
    lines = [json.loads(line) for line in (tmp_path / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
    rows = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line.get("published_at", "none") for line in lines] == ["2025-11-06T10:15:00+05:00", "none"]
    assert [row["published_at"] for row in rows] == ["2025-11-06T10:15:00+05:00", None]
    first, second = Corpus.open(tmp_path)
    assert (first.published_at, second.published_at) == (at(10), None)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2025-11-06T10:15:00+05:00", at(10)),
        ("2025-11-05T21:15:00-08:00", at(10)),
        ("2025-11-06T10:15:00", None),  # of which zone?
        ("2025-11-09T10:15:00+05:00", None),  # of another day
        ("morning", None),
    ],
)
async def test_an_import_takes_the_time_of_an_export_back(
    tmp_path: Path, written: str, expected: datetime | None
) -> None:
    line = {"url": "https://site.kz/1", "title": "Мост", "date": "2025-11-06", "published_at": written, "text": TEXT}
    (tmp_path / "in.jsonl").write_text(json.dumps(line), encoding="utf-8")
    async with open_corpus(tmp_path, Storage()) as corpus:
        lines = import_lines(
            corpus, tmp_path / "in.jsonl", now=lambda: PLACED, limits=Duplicates(), min_words=5, source_of=lambda _: "s"
        )
        assert [len(batch) async for batch in lines] == [1]
    (article,) = Corpus.open(tmp_path)
    assert (article.date, article.published_at) == (SIXTH, expected)
