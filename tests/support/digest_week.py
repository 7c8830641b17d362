"""A week of 300 composed articles for digests: events in three languages, reprints, borderline ones, late finds.

One day is quiet.

python -m tests.support.digest_week FOLDER writes its digests, to be looked at.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from config.load import Config
from config.settings import Digest, Storage
from flows.digest.digest import DigestRequest, digest
from storage.corpus.writer import open_corpus
from storage.index.schema import articles, events, feeds, relations, urls, variants
from tests.support.digest_corpus import configured
from tests.support.digest_samples import SOURCES, reprint, row

MONDAY = date(2025, 11, 3)
QUIET = 5  # the Saturday
ARTICLES = 300
COUNTRIES = {
    "KZ": ("Казахстан", "Kazakhstan", "Қазақстан"), "KG": ("Кыргызстан", "Kyrgyzstan", "Қырғызстан"),
    "TJ": ("Таджикистан", "Tajikistan", "Тәжікстан"), "TM": ("Туркменистан", "Turkmenistan", "Түрікменстан"),
    "UZ": ("Узбекистан", "Uzbekistan", "Өзбекстан"), "region": ("Центральная Азия", "Central Asia", "Орталық Азия"),
}  # fmt: skip
MATTERS = (
    ("США и {}: {} соглашение по урану", "US and {} sign uranium deal No. {}", "АҚШ пен {}: уран туралы {} келісім"),
    ("{}: американские визы, выпуск {}", "{}: American visas, part {}", "{}: америкалық визалар, {} бөлім"),
    (
        "Госдеп о правах человека, {}: доклад {}",
        "State Department on rights in {}: report {}",
        "{}: құқық туралы {} есеп",
    ),
    ("{} покупает самолёты Boeing, партия {}", "{} buys Boeing aircraft, lot {}", "{} Boeing ұшақтарын алады, {} топ"),
)
SPEAKERS = {
    "ru": ("vestnik", "inform", "gazeta", "pamir", "caspian"),
    "en": ("ledger", "desk", "thames"),
    "kk": ("habary",),
}


@dataclass(frozen=True)
class Line:
    """An article of the week, and the pages that have reprinted it."""

    number: int
    found: datetime
    event: int
    values: dict[str, Any]
    reprints: int = 0
    translates: int | None = None


def lines() -> list[Line]:
    """The articles, in the order in which they were found."""
    chance = random.Random(21)
    made: list[Line] = []
    running = 0  # the event that goes on all week
    while len(made) < ARTICLES:
        for offset in range(7):
            if offset != QUIET and len(made) < ARTICLES:
                day = MONDAY + timedelta(days=offset)
                if not made:
                    made += _event(chance, 0, day, 0)
                elif len([line for line in made if line.found.date() == day]) == 0 and offset:
                    made += _event(chance, len(made), day, running)
                made += _event(chance, len(made), day, len(made)) if chance.random() < 0.3 else []
                made.append(_single(chance, len(made), day))
    ordered = sorted(made[:ARTICLES], key=lambda line: (line.found, line.number))
    numbers = {line.number: number for number, line in enumerate(ordered)}
    return [
        replace(
            line, number=numbers[line.number], event=numbers[line.event],
            translates=None if line.translates is None else numbers[line.translates],
        )
        for line in ordered
    ]  # fmt: skip


def _event(chance: random.Random, number: int, day: date, event: int) -> list[Line]:
    """An event as three languages tell it: the English one translates the Russian one."""
    country, matter = chance.choice(list(COUNTRIES)), chance.choice(MATTERS)
    told = []
    for place, language in enumerate(("ru", "en", "kk")):
        title = matter[place].format(COUNTRIES[country][place], event)
        values = _values(title, chance.choice(SPEAKERS[language]), language, day, score=chance.randint(50, 120) / 10)
        translates = number if language == "en" else None
        told.append(Line(number + place, _found(chance, day), event, values, chance.randint(0, 2), translates))
    return told


def _single(chance: random.Random, number: int, day: date) -> Line:
    """An article by itself: news, a borderline one, or one that was found weeks late."""
    language = chance.choice(("ru", "ru", "en", "kk"))
    country, matter = chance.choice(list(COUNTRIES)), chance.choice(MATTERS)
    place = ("ru", "en", "kk").index(language)
    title = matter[place].format(COUNTRIES[country][place], number)
    late, borderline = chance.random() < 0.05, chance.random() < 0.1
    values = _values(
        title, chance.choice(SPEAKERS[language]), language, day - timedelta(days=40) if late else day,
        score=4.7 if borderline else chance.randint(45, 100) / 10, borderline=borderline,
    )  # fmt: skip
    return Line(number, _found(chance, day), number, values, int(chance.random() < 0.15))


def _values(title: str, source: str, language: str, day: date, **more: Any) -> dict[str, Any]:
    return {
        "source": source,
        "language": language,
        "title": title,
        "text": f"{title}. Подробности.",
        "published": day,
    } | more


def _found(chance: random.Random, day: date) -> datetime:
    """A moment before seven in the morning of the next day in Almaty."""
    return datetime(day.year, day.month, day.day, 3, tzinfo=UTC) + timedelta(minutes=chance.randint(0, 1300))


async def fill(config: Config, data: Path, found: Sequence[Line]) -> None:
    """Store these articles as passes would have."""
    async with open_corpus(data, config.settings.storage) as corpus, corpus.database.write() as connection:
        for line in found:
            moments = {"appended_at": line.found, "retrieved_at": line.found, "related_at": line.found}
            made = row(line.number, dict(line.values)) | moments
            await connection.execute(insert(articles), [made])
            entry = {"key": made["canonical_url"], "url": made["url"], "source_id": made["source_id"], "feed_url": "f"}
            entry |= {"first_seen": line.found, "decided_at": line.found, "attempts": 1}
            await connection.execute(insert(urls).values(**entry, outcome="appended", article=line.number))
            await connection.execute(insert(events), [{"number": line.number, "event": line.event}])
            for place in range(line.reprints):
                copy = reprint(line.number, ("orient", "caspian")[place], place, line.values["language"])
                await connection.execute(insert(variants), [copy])
        pairs = [(line.number, line.translates) for line in found if line.translates is not None]
        for number, other in pairs:
            pair = {"number": max(number, other), "other": min(number, other), "kind": "translation_of", "score": 0.8}
            await connection.execute(insert(relations), [pair])


async def week(data: Path) -> list[Path]:
    """Make the digests of the week, a day at a time, then the weekly edition; return their mails."""
    daily = configured(Storage(), sources=SOURCES.values(), digests=[Digest(empty="line")])
    weekly = configured(Storage(), sources=SOURCES.values(), digests=[Digest(name="week", every="week")])
    every = lines()
    answer = {"polled_at": every[0].found, "succeeded_at": every[0].found, "failures": 0}
    async with open_corpus(data, Storage()) as corpus, corpus.database.write() as connection:
        rows = [{"url": feed, "source_id": one.id, **answer} for one in SOURCES.values() for feed in one.feeds]
        await connection.execute(insert(feeds), rows)
    mails = []
    for offset in range(7):
        morning = datetime(2025, 11, 4, 2, tzinfo=UTC) + timedelta(days=offset)
        await fill(daily, data, [line for line in every if morning - timedelta(days=1) <= line.found < morning])
        mails += (await digest(daily, data, DigestRequest(), now=lambda now=morning: now)).written  # type: ignore[misc]
    mails += (await digest(weekly, data, DigestRequest(), now=lambda: morning)).written
    return [path for path in mails if path.suffix == ".eml"]


def outline(mail: Path) -> Iterator[str]:
    """The subject and the lines of a mail's plain text, but for texts, addresses and what is quoted in the middle."""
    message = message_from_bytes(mail.read_bytes(), policy=policy.default)
    yield f"=== {message['subject']}"
    body = message.get_body(("plain",))
    assert body is not None
    for line in body.get_content().splitlines():
        if line.strip(" -") and not line.startswith(("http", "   ", "  Подробности")) and "Подробности" not in line:
            yield line


if __name__ == "__main__":
    for path in asyncio.run(week(Path(sys.argv[1]))):
        print(path)
