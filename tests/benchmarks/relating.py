"""How well and how fast translations and events are found in a month made up of facts: precision, recall, CPU.

    python -m tests.benchmarks.relating [--days 10] [--articles 300] [--seed 1]

Every event has names, numbers and words of its own beside what the whole field has in common. It is written up by one
to four outlets, each with part of the facts in an order of its own; some of these are translated, faithfully but for
a few facts that get lost. Daily rates and columns, which only look alike, come with them. Names and sentences are
random: the figures say how the rules behave in bulk and what they cost, not how well they would do on real news.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import random
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from pathlib import Path
from resource import RUSAGE_SELF, getrusage

from sqlalchemy import insert, select

from extractors.records import Relation
from storage.files.article_file import compose
from storage.index.database import open_database
from storage.index.schema import articles, events, relations
from storage.relating.relating import relate_new

NOW = datetime(2025, 12, 31, tzinfo=UTC)
FIRST = date(2025, 11, 1)
LETTERS = {"ru": "абвгдезиклмнопрстуф", "en": "abvgdeziklmnoprstuf"}
FIELD = {
    "ru": "Казахстан Токаев Вашингтон США инвестиции минералы соглашение развитие сотрудничество министр регион проект",
    "en": "Kazakhstan Tokayev Washington investment minerals agreement development cooperation minister region project",
    "kk": "Қазақстан Тоқаев Вашингтон инвестиция минералдар келісім даму ынтымақтастық министр өңір жоба үкімет",
    "uz": "Oʻzbekiston Mirziyoyev Vashington investitsiya minerallar kelishuv rivojlanish hamkorlik vazir hudud loyiha",
}  # fmt: skip
LANGUAGES = ("ru", "ru", "ru", "en", "en", "kk", "uz")
COMMON_WORDS = 2500  # of a language, used by frequency
WORDS_OF_EVENT = 35


@dataclass(frozen=True, slots=True)
class Made:
    """An article with its labels: its event, and the text that it is one version of."""

    day: date
    language: str
    text: str
    event: int
    text_of: int


class Maker:
    """Events and articles from one seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._words = {name: [self._word(name) for _ in range(COMMON_WORDS)] for name in FIELD}
        self._popular = [1 / (rank + 5) for rank in range(COMMON_WORDS)]
        self._people = [self._syllables() for _ in range(400)]  # names come back in other events
        self._texts = 0

    def day(self, day: date, count: int, first_event: int) -> list[Made]:
        """About `count` articles of one day."""
        made = self._rates(day, first_event)
        event = first_event + 2
        while len(made) < count:
            made += self._event(day, event)
            event += 1
        return made[:count]

    def _event(self, day: date, event: int) -> list[Made]:
        names = [
            self._random.choice(self._people) if self._random.random() < 0.5 else self._syllables() for _ in range(14)
        ]
        numbers = [self._number() for _ in range(9)]
        own = {name: [self._word(name) for _ in range(WORDS_OF_EVENT)] for name in FIELD}
        made = []
        for _ in range(self._random.choice((1, 1, 1, 2, 2, 3, 4))):
            language = self._random.choice(LANGUAGES)
            # Each outlet picks: the gist, some of the facts, an order.
            facts: list[object] = [*self._random.sample(names, 8), *self._random.sample(numbers, 4)]
            self._random.shuffle(facts)
            self._texts += 1
            made.append(Made(day, language, self._write(language, facts, own[language]), event, self._texts))
            if self._random.random() < 0.2:
                other = self._random.choice([name for name in FIELD if name != language])
                kept = [fact for fact in facts if self._random.random() < 0.92]
                place = self._random.randrange(len(kept) - 1)
                kept[place : place + 2] = reversed(kept[place : place + 2])
                later = day + timedelta(days=self._random.choice((0, 0, 1)))
                made.append(Made(later, other, self._write(other, kept, own[other]), event, self._texts))
        return made

    def _rates(self, day: date, event: int) -> list[Made]:
        """One day's exchange rates in two languages, by two outlets: one event, and no translation."""
        rates = [f"{self._random.uniform(5, 600):.2f}".replace(".", ",") for _ in range(5)]
        texts = {
            "ru": "Доллар стоит {} тенге, евро {} тенге, рубль {} тенге, юань {} тенге, фунт {} тенге. Торги KASE. ",
            "kk": "Доллар {} теңге, еуро {} теңге, рубль {} теңге, юань {} теңге, фунт {} теңге болды. KASE саудасы. ",
        }
        made = []
        for language, text in texts.items():
            self._texts += 1
            made.append(Made(day, language, text.format(*rates) * 2, event, self._texts))
        return made

    def _write(self, language: str, facts: Sequence[object], own: Sequence[str]) -> str:
        field = FIELD[language].split()
        sentences = []
        for fact in facts:
            words = self._random.choices(self._words[language], self._popular, k=13)
            words += self._random.sample(own, 5) + self._random.sample(field, 2)
            self._random.shuffle(words)
            shown = _number_in(language, fact) if isinstance(fact, float) else _name_in(language, str(fact))
            words.insert(self._random.randrange(3, 10), shown)
            sentences.append(" ".join([words[0].capitalize(), *words[1:]]) + ".")
        return "\n\n".join(" ".join(sentences[start : start + 3]) for start in range(0, len(sentences), 3))

    def _word(self, language: str) -> str:
        letters = LETTERS["en" if language in ("en", "uz") else "ru"]
        return "".join(self._random.choices(letters, k=self._random.randrange(4, 10)))

    def _syllables(self) -> str:
        return "".join(
            self._random.choice("bvgdzklmnprst") + self._random.choice("aeiou") for _ in range(4)
        ).capitalize()

    def _number(self) -> float:
        kind = self._random.random()
        if kind < 0.3:
            return float(self._random.choice((10, 20, 30, 50, 70, 100, 300, 500)))
        if kind < 0.6:
            return round(self._random.uniform(1, 90), 1)
        return float(self._random.randrange(11, 1900))


def _name_in(language: str, name: str) -> str:
    if language in ("en", "uz"):
        return name
    cyrillic = name.lower().translate(str.maketrans("bvgdzklmnprstaeiou", "бвгдзклмнпрстаеиоу"))
    return (cyrillic + ("а" if language == "ru" else "ның")).capitalize()


def _number_in(language: str, number: float) -> str:
    text = f"{number:.0f}" if number == int(number) else f"{number:.1f}"
    return text if language == "en" else text.replace(".", ",")


def rows(made: Sequence[Made]) -> list[dict[str, object]]:
    """The rows of the index for these articles, in the order given."""
    return [
        {
            "number": number, "id": hashlib.sha256(str(number).encode()).hexdigest()[:16], "file": str(number),
            "body": compose(article.text.split("\n\n"), title="Заголовок", published=article.day).to_bytes().decode(),
            "sha256": "", "source_id": f"source{number % 150}", "title": "Заголовок", "published": article.day,
            "language": article.language, "method": "made", "retrieved_at": NOW, "appended_at": NOW,
        }
        for number, article in enumerate(made)
    ]  # fmt: skip


def pairs_of(groups: Sequence[int]) -> set[tuple[int, int]]:
    """All pairs of places (later, earlier) with the same label."""
    members = defaultdict(list)
    for number, label in enumerate(groups):
        members[label].append(number)
    return {(b, a) for group in members.values() for a, b in combinations(group, 2)}


def report(name: str, found: set[tuple[int, int]], true: set[tuple[int, int]]) -> None:
    """One line."""
    right = len(found & true)
    print(f"{name}: {right} of {len(true)} pairs found (recall {right / max(1, len(true)):.3f}), "
          f"{len(found - true)} wrong (precision {right / max(1, len(found)):.4f})")  # fmt: skip


async def run(days: int, count: int, seed: int, folder: Path) -> None:
    """Make, store, relate, compare with the labels."""
    maker = Maker(seed)
    made = [article for day in range(days) for article in maker.day(FIRST + timedelta(days=day), count, day * 10_000)]
    database = await open_database(folder / "index.sqlite")
    try:
        async with database.write() as connection:
            await connection.execute(insert(articles), rows(made))
        started = time.process_time()
        done = await relate_new(database, now=NOW)
        spent = time.process_time() - started
        last = len(made) - 6
        async with database.write() as connection:  # what one more pass of a monitor would cost
            await connection.execute(articles.update().where(articles.c.number >= last).values(related_at=None))
        started = time.process_time()
        await relate_new(database, now=NOW)
        one_pass = time.process_time() - started
        async with database.read() as connection:
            event_of = {r.number: r.event for r in await connection.execute(select(events.c.number, events.c.event))}
            found = await connection.execute(select(relations).where(relations.c.kind == Relation.TRANSLATION_OF))
            translations = {(r.number, r.other) for r in found}
    finally:
        await database.close()
    texts = pairs_of([article.text_of for article in made])
    print(f"{len(made)} articles of {days} days: {done}")
    report("translations", translations, texts)
    report("events", pairs_of([event_of[number] for number in range(len(made))]), pairs_of([a.event for a in made]))
    print(f"{1000 * spent / len(made):.1f} ms CPU an article all at once; a pass of 6 articles {one_pass:.2f} s; "
          f"peak memory {getrusage(RUSAGE_SELF).ru_maxrss // 1024} MB")  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=10)
    parser.add_argument("--articles", type=int, default=300, help="a day")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        asyncio.run(run(options.days, options.articles, options.seed, Path(place)))
