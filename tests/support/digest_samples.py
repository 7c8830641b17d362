"""A small corpus composed for digests: some days of news, who else printed them, sources in trouble, passes."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import insert

from config.sources import Source
from extractors.topic.country import story_country
from extractors.urls import article_id, canonical_url
from flows.digest.contents import load_content
from flows.digest.records import Content, Edition
from storage.files.article_file import compose
from storage.index.database import Database
from storage.index.schema import articles, events, feeds, flags, relations, runs, urls, variants
from tests.support.composed import ARTICLES

NOW = datetime(2025, 11, 9, 2, 0, tzinfo=UTC)
SINCE = datetime(2025, 11, 8, 2, 0, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Almaty")
TITLES = {"ru": "Центральная Азия и США", "en": "Central Asia and the United States"}
COMPOSED = {article.name: article for article in ARTICLES}
US_AND_REGION = [
    ["region", "казахстан*", "headline", 1], ["region", "Астан(а|ы|е|у|ой)", "lead", 2], ["us", "америк*", "lead", 1],
    ["us", "=США", "body", 3], ["us", "госдеп*", "body", 1],
]  # fmt: skip
ENGLISH_TERMS = [
    ["region", "kazakh*", "headline", 1], ["region", "uzbek*", "body", 1], ["us", "=U.S.", "lead", 2],
    ["us", "white house", "body", 1],
]  # fmt: skip


def source(id: str, name: str, country: str, language: str = "ru", **more: Any) -> Source:
    """A source of the catalogue."""
    return Source(
        id=id, name=name, homepage=f"https://{id}.example", feeds=(f"https://{id}.example/rss",), language=language,
        country=country, category="national", **more,
    )  # fmt: skip


SOURCES = {
    made.id: made
    for made in (
        source("vestnik", "Степной вестник", "KZ"),
        source("habary", "Дала хабары", "KZ", "kk"),
        source("inform", "Арыс-Информ", "KZ"),
        source("gazeta", "Чу-Газета", "KG"),
        source("orient", "Orient Brief", "UZ", "uz"),
        source("pamir", "Памирский курьер", "TJ"),
        source("ledger", "The Corridor Ledger", "US", "en"),
        source("desk", "Potomac Desk", "US", "en"),
        source("caspian", "Каспийская хроника", "TM"),
        source("thames", "Thames & Steppe Review", "GB", "en"),
    )
}

LINES: Sequence[dict[str, Any]] = (
    {"name": "tungsten-ru", "source": "vestnik", "event": 1},
    {"name": "tungsten-kk", "source": "habary", "event": 1},
    {"name": "tungsten-own-en", "source": "ledger", "event": 1, "matches": ENGLISH_TERMS},
    {"name": "tungsten-en", "source": "desk", "event": 1, "matches": ENGLISH_TERMS},
    {"name": "locomotives-uz", "source": "orient", "event": 5},
    {"name": "locomotives-en", "source": "thames", "event": 5, "matches": ENGLISH_TERMS},
    {"name": "summit-ru", "source": "inform", "event": 7},
    {"name": "summit-en", "source": "desk", "event": 7, "matches": ENGLISH_TERMS},
    {"name": "envoy-ru", "source": "gazeta"},
    {"name": "envoy-en", "source": "ledger", "matches": ENGLISH_TERMS},
    {"name": "trade-ru", "source": "inform"},
    {"name": "trade-en", "source": "desk", "matches": ENGLISH_TERMS},
    {"name": "tungsten-own-ru", "source": "vestnik"},
    {
        "source": "pamir", "language": "ru",
        "title": "Американские наблюдатели осмотрели ледниковые станции в верховьях Пянджа и пообещали приборы",
        "text": "ДУШАНБЕ, 8 ноября. /Памирский курьер/. Группа гляциологов из университета штата Юта закончила осмотр "
        "шести станций. По словам начальника экспедиции А. К. Саидова, приборы на сумму 1,2 млн долл. прибудут до "
        "конца 2025 г. Замеры начнутся весной.",
    },
    {
        "source": "caspian", "language": "ru", "title": "Порт готовится принять паром с американским оборудованием",
        "text": "Фото: пресс-служба порта\n\nВ порту заканчивают углубление второго причала. Первый паром с "
        "оборудованием для завода удобрений ждут в декабре.",
    },
    {
        "source": "gazeta", "language": "ru", "borderline": True,
        "title": "Бишкекский повар занял второе место на конкурсе в Чикаго",
        "text": "Повар из Бишкека занял второе место среди сорока участников. Он готовил лагман по рецепту бабушки.",
    },
    {
        "source": "thames", "language": "en", "borderline": True, "matches": ENGLISH_TERMS, "published": None,
        "title": "A London Reader's Guide to Steppe Railways",
        "text": "Three new books retell the railway age. Only one of them has looked at the archives in Tashkent and "
        "in Washington, D.C.",
    },
)  # fmt: skip


def row(number: int, line: dict[str, Any]) -> dict[str, Any]:
    """The article of a line, as the corpus writes it."""
    composed = COMPOSED.get(line.get("name", ""))
    values = {key: value for key, value in line.items() if key not in ("name", "source", "event", "text")}
    if composed:
        values |= {"title": composed.title, "language": composed.language}
    text = composed.text if composed else line["text"]
    published = values.setdefault("published", date(2025, 11, 8))
    url = values.pop("url", f"https://www.{line['source']}.example/news/{number}")
    address = f"https://{line['source']}.example/news/{number}"
    return {
        "number": number, "id": article_id(canonical_url(address)), "file": f"{number:03d}", "sha256": "",
        "body": compose(text.split("\n\n"), title=values["title"], published=published).to_bytes().decode(),
        "url": url, "canonical_url": address, "source_id": line["source"], "topic": "central-asia-us",
        "score": 4.6 if line.get("borderline") else 9.0, "matches": US_AND_REGION, "why": "", "method": "trafilatura",
        "retrieved_at": NOW,
        "story_country": story_country(values["title"], text.split("\n\n"), values["language"]),
        "appended_at": NOW, "alternates": [], "links": [], "borderline": False,
    } | values  # fmt: skip


def reprint(number: int, source_id: str, place: int = 0, language: str = "ru") -> dict[str, Any]:
    """A page elsewhere with the text of an article."""
    url = f"https://{source_id}.example/other/{number}-{place}"
    return {
        "number": number, "key": url, "relation": "reprint", "score": 0.9, "url": url, "source_id": source_id,
        "language": language, "text": "…", "stored_at": NOW,
    }  # fmt: skip


def history() -> list[dict[str, Any]]:
    """The articles of the month before: more on working days."""
    chance = random.Random(4)
    found: list[dict[str, Any]] = []
    weights = {"vestnik": 9, "inform": 7, "desk": 6, "ledger": 5, "gazeta": 5, "orient": 6, "pamir": 2, "thames": 2}
    for back in range(1, 31):
        day = date(2025, 11, 8) - timedelta(days=back)
        for _ in range(chance.randint(8, 24) // (3 if day.weekday() > 4 else 1)):
            source_id = chance.choices(list(weights), list(weights.values()))[0]
            number = 100 + len(found)
            line = {"source": source_id, "title": f"Новость {number}", "text": "Текст.", "published": day}
            found.append(row(number, {**line, "language": "ru"}))
    return found


async def fill(database: Database) -> list[int]:
    """Store the sample; returns the numbers of the articles for the digest."""
    numbered = list(enumerate(LINES, 1))
    passes = {"new": 412, "appended": 17, "duplicates": 64, "off_topic": 310, "failed": 9, "pending": 12}
    async with database.write() as connection:
        await connection.execute(insert(articles), [row(number, line) for number, line in numbered])
        await connection.execute(insert(articles), history())
        await connection.execute(insert(events), [{"number": n, "event": line.get("event", n)} for n, line in numbered])
        pairs = [(2, 1, "translation_of"), (4, 1, "translation_of"), (6, 5, "translation_of"), (3, 1, "related"),
                 (10, 9, "translation_of")]  # fmt: skip
        await connection.execute(
            insert(relations), [{"number": a, "other": b, "kind": kind, "score": 0.8} for a, b, kind in pairs]
        )
        copies = [reprint(1, "inform"), reprint(1, "gazeta", 1), reprint(1, "gazeta", 2), reprint(1, "vestnik"),
                  reprint(9, "pamir"), reprint(11, "caspian")]  # fmt: skip
        await connection.execute(insert(variants), copies)
        duplicate = {
            "key": "https://orient.example/x", "url": "https://orient.example/x", "source_id": "orient",
            "feed_url": "https://orient.example/rss", "first_seen": NOW, "attempts": 1, "outcome": "duplicate",
            "reason": "same text", "article": 11, "decided_at": NOW,
        }  # fmt: skip
        await connection.execute(insert(urls), [duplicate])
        read = {"polled_at": NOW, "succeeded_at": NOW, "failures": 0}
        await connection.execute(
            insert(feeds),
            [{"url": feed, "source_id": one.id, **read} for one in SOURCES.values() for feed in one.feeds],
        )
        raised = [
            ("pamir", "silent", 2, "nothing new for 80 h; its longest pause so far was 21 h"),
            ("desk", "failing", 1, "5 polls failed in a row"),
            ("orient", "redesigned", 4, "texts of 14 words where 310 were usual"),
        ]
        await connection.execute(
            insert(flags),
            [{"source_id": s, "flag": f, "since": NOW - timedelta(days=d), "why": why} for s, f, d, why in raised],
        )
        await connection.execute(
            insert(runs),
            [
                {"kind": "monitor", "engine": "direct", "started_at": NOW, "finished_at": NOW - timedelta(hours=h),
                 "summary": passes}
                for h in (1, 6, 12)
            ],
        )  # fmt: skip
    return [number for number, _ in numbered]


async def sample(database: Database, frame: str, numbers: Sequence[int] | None = None) -> Content:
    """The digest of the sample, which `fill` has stored."""
    async with database.read() as connection:
        return await load_content(
            connection,
            numbers if numbers is not None else range(1, len(LINES) + 1),
            Edition("digest", TITLES[frame], frame, ZONE, thresholds={"central-asia-us": 4.5}),
            now=NOW,
            since=SINCE,
            sources=SOURCES,
        )
