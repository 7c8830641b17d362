"""Labelled documents for the tests of duplicate detection: copies of a text, and texts that only look like copies.

`DUPLICATES` and `LOOK_ALIKES` name the kinds. Each works on any article (paragraphs, the headline first), composed or
real: what it adds of its own is composed. `stream` lays out originals and their variants as they would come in.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.support.variant_texts import LEXICONS, PHRASES, Story, compose

Paragraphs = list[str]


@dataclass(frozen=True, slots=True)
class Document:
    """One text that comes in. `story` is what it tells: documents of one story are duplicates of one another."""

    text: str
    language: str
    story: int
    kind: str
    duplicate: bool


NAMES = ("Степной вестник", "Harborline", "Orda Press", "Кентавр", "Silk Gazette", "Чинар", "Delta Wire")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)?")
_WORD = re.compile(r"[^\W\d_]{4,}")
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+(?=[«“\"–—]?\s?[^\W\d_a-zа-я])")


class Maker:
    """Makes variants of one article; `others` are articles of other stories in the same language."""

    def __init__(self, rng: random.Random, language: str, others: Sequence[Paragraphs]) -> None:
        """Nothing is drawn yet."""
        self.rng = rng
        self.language = language
        self.others = others
        self._phrases = PHRASES[language]

    def story(self) -> Story:
        """Words for a text that has nothing to do with any other."""
        return Story(self.rng, self.language)

    def phrase(self, kind: str) -> str:
        """A line such as sites add."""
        text = self.rng.choice(self._phrases[kind].split("|"))
        town = self.rng.choice(LEXICONS[self.language].slots["city"]).upper()
        text = text.replace("{town}", town).replace("{name}", self.rng.choice(NAMES))
        return text.replace("{d}", str(self.rng.randint(10, 28)))

    def word(self) -> str:
        """Some word of the language."""
        slot = self.rng.choice(("adj", "noun", "head", "org", "verb"))
        return self.rng.choice(LEXICONS[self.language].slots[slot]).split()[0]

    def foreign(self, count: int) -> list[Paragraphs]:
        """Articles of other stories."""
        return self.rng.sample(list(self.others), min(count, len(self.others)))

    def each_word(self, article: Paragraphs, share: float, change: Callable[[str], str]) -> Paragraphs:
        """`article` with a share of its words (four letters or more) changed."""
        return [
            _WORD.sub(lambda match: change(match[0]) if self.rng.random() < share else match[0], paragraph)
            for paragraph in article
        ]


def sentences(paragraph: str) -> list[str]:
    """The sentences of a paragraph, roughly."""
    return _SENTENCE_END.split(paragraph)


def count_words(article: Paragraphs) -> int:
    """Words divided by spaces."""
    return sum(len(paragraph.split()) for paragraph in article)


# Copies: from the article to another text of the same story, or None where the article does not lend itself to it.


def _exact(make: Maker, article: Paragraphs) -> Paragraphs:
    return list(article)


def _light_edits(make: Maker, article: Paragraphs) -> Paragraphs:
    return make.each_word(article, 0.04, lambda word: make.rng.choice((make.word(), "", f"{word} {make.word()}")))


def _dateline_added(make: Maker, article: Paragraphs) -> Paragraphs:
    at = min(1, len(article) - 1)
    return [*article[:at], f"{make.phrase('dateline')} {article[at]}", *article[at + 1 :]]


def _dateline_changed(make: Maker, article: Paragraphs) -> Paragraphs:
    return _dateline_added(make, [f"{make.phrase('dateline')} {article[0]}", *article[1:]])


def _boilerplate(make: Maker, article: Paragraphs) -> Paragraphs:
    return [*article, *(make.phrase("footer") for _ in range(3))]


def _typography(make: Maker, article: Paragraphs) -> Paragraphs:
    table = str.maketrans({"«": "“", "»": "”", "“": '"', "”": '"', "–": "—", "’": "'", "'": "’", "ё": "е", "ʻ": "‘"})
    return [re.sub(r"(?<=\w{5})(?=\w{4})", "\u00ad", p.translate(table)).replace(" ", "\u00a0", 3) for p in article]


def _capitals(make: Maker, article: Paragraphs) -> Paragraphs:
    return [article[0].upper(), *(paragraph.upper() for paragraph in article[1:2]), *article[2:]]


def _white_space(make: Maker, article: Paragraphs) -> Paragraphs:
    return [paragraph.replace(" ", make.rng.choice(("  ", "\u2009", "\t", " \u200b"))) for paragraph in article]


def _broken_lines(make: Maker, article: Paragraphs) -> Paragraphs:
    return make.each_word(article, 0.08, lambda word: f"{word[:2]}-\n{word[2:]}" if len(word) > 5 else word)


def _cut(share: float) -> Callable[[Maker, Paragraphs], Paragraphs | None]:
    def cut(make: Maker, article: Paragraphs) -> Paragraphs | None:
        left = round(count_words(article) * share)
        if left < 30:
            return None
        kept = []
        for paragraph in article:
            words = paragraph.split()[:left]
            kept.append(" ".join(words))
            left -= len(words)
            if left <= 0:
                break
        return [*kept[:-1], kept[-1] + "…"]

    return cut


def _reordered(make: Maker, article: Paragraphs) -> Paragraphs | None:
    body = article[1:]
    make.rng.shuffle(body)
    return [article[0], *body] if len(body) > 2 else None


def _new_headline(make: Maker, article: Paragraphs) -> Paragraphs:
    return [make.story().headline(), *article[1:]]


def _new_lead(make: Maker, article: Paragraphs) -> Paragraphs | None:
    rest = article[2:]
    return [article[0], make.story().sentence(), *rest] if count_words(rest) > 0.7 * count_words(article) else None


def _scanned(make: Maker, article: Paragraphs) -> Paragraphs:
    def misread(word: str) -> str:
        at = make.rng.randrange(len(word))
        return word[:at] + make.rng.choice("ceopaxси1l") + word[at + 1 :]

    return make.each_word(article, 0.08, misread)


def _wrapped(make: Maker, article: Paragraphs) -> Paragraphs:
    return [f"{make.phrase('wrap')} {make.story().sentence()}", *article, make.phrase("credit"), make.phrase("footer")]


def _sentences_dropped(make: Maker, article: Paragraphs) -> Paragraphs:
    kept = [" ".join(s for s in sentences(paragraph) if make.rng.random() > 0.2) for paragraph in article]
    return [paragraph for paragraph in kept if paragraph] or article


def _synonyms(make: Maker, article: Paragraphs) -> Paragraphs:
    return make.each_word(article, 0.12, lambda word: make.word())


def _inflected(make: Maker, article: Paragraphs) -> Paragraphs:
    return make.each_word(article, 0.12, lambda word: word[:-1] + make.rng.choice(("ами", "ых", "s", "lar", "ing")))


def _number_format(make: Maker, article: Paragraphs) -> Paragraphs | None:
    space = make.rng.choice(("\u00a0", "\u202f", " "))

    def write(match: re.Match[str]) -> str:
        number = match[0]
        if not number.isdecimal():
            return number.replace(",", ".") if "," in number else number.replace(".", ",")
        return number[:-3] + space + number[-3:] if 5 <= len(number) <= 6 else number

    changed = [_NUMBER.sub(write, paragraph) for paragraph in article]
    return changed if changed != article else None


def _merged(make: Maker, article: Paragraphs) -> Paragraphs:
    return [article[0], *(" ".join(article[at : at + 3]) for at in range(1, len(article), 3))]


def _split(make: Maker, article: Paragraphs) -> Paragraphs:
    return [sentence for paragraph in article for sentence in sentences(paragraph)]


def _other_script(make: Maker, article: Paragraphs) -> Paragraphs | None:
    return [to_cyrillic(paragraph) for paragraph in article] if make.language == "uz" else None


def _credits(make: Maker, article: Paragraphs) -> Paragraphs:
    return [make.phrase("credit"), article[0], *article[1:], make.phrase("credit")]


def _combined(make: Maker, article: Paragraphs) -> Paragraphs:
    light = (_dateline_added, _boilerplate, _typography, _new_headline, _merged, _sentences_dropped, _light_edits)
    for change in make.rng.sample(light, 3):
        article = change(make, article)
    return article


DUPLICATES: dict[str, Callable[[Maker, Paragraphs], Paragraphs | None]] = {
    "exact": _exact,
    "light edits": _light_edits,
    "dateline added": _dateline_added,
    "dateline changed": _dateline_changed,
    "boilerplate added": _boilerplate,
    "typography": _typography,
    "capitals": _capitals,
    "white space": _white_space,
    "broken lines": _broken_lines,
    "cut by half": _cut(0.5),
    "cut by 75 %": _cut(0.25),
    "cut by 90 %": _cut(0.1),
    "reordered": _reordered,
    "new headline": _new_headline,
    "new lead": _new_lead,
    "scanned": _scanned,
    "wrapped": _wrapped,
    "sentences dropped": _sentences_dropped,
    "synonyms": _synonyms,
    "inflected": _inflected,
    "number format": _number_format,
    "merged paragraphs": _merged,
    "split paragraphs": _split,
    "other script": _other_script,
    "credits": _credits,
    "combined": _combined,
}


# Look-alikes: from the article to texts that are stories of their own, each different from all others.


def _own_write_up(make: Maker, article: Paragraphs) -> list[Paragraphs]:
    quoted = sorted((s for p in article for s in sentences(p)), key=len)[-2:]
    own = make.story().paragraphs(2 * count_words(quoted))
    return [[*own[: len(own) // 2], *quoted, *own[len(own) // 2 :]]]


def _follow_up(make: Maker, article: Paragraphs) -> list[Paragraphs]:
    middle = article[len(article) // 2]
    return [[*make.story().paragraphs(count_words([middle]) + 40), middle]]


def _background_tail(make: Maker, article: Paragraphs) -> list[Paragraphs]:
    tail: Paragraphs = []
    for paragraph in reversed(article[2:]):
        if count_words(tail) >= 60:
            break
        tail.insert(0, paragraph)
    own = make.story().paragraphs(round(count_words(tail) * make.rng.uniform(0.5, 1.0)))
    return [[*own, make.phrase("background"), *tail]]


def _numbers_changed(share: float) -> Callable[[Maker, Paragraphs], list[Paragraphs]]:
    """The article as a form: `share` of its numbers are others, every word stays. Few numbers make no form."""

    def changed(make: Maker, article: Paragraphs) -> list[Paragraphs]:
        places = [(i, m.start()) for i, paragraph in enumerate(article) for m in _NUMBER.finditer(paragraph)]
        if len(places) < max(4, count_words(article) / 60):
            return []
        chosen = set(make.rng.sample(places, round(share * len(places))))
        made = list(article)
        for index, start in sorted(chosen, reverse=True):
            old = _NUMBER.match(made[index], start)
            assert old is not None
            made[index] = made[index][:start] + _another(make.rng, old[0]) + made[index][old.end() :]
        return [made]

    return changed


def _another(rng: random.Random, number: str) -> str:
    """Another number of the same form."""
    while (made := "".join(rng.choice("123456789") if c.isdecimal() else c for c in number)) == number:
        pass
    return made


def _series(pattern: str) -> Callable[[Maker, Paragraphs], list[Paragraphs]]:
    """A form filled in on three days; what is not {…} is the same each time."""

    def series(make: Maker, article: Paragraphs) -> list[Paragraphs]:
        story, slots = make.story(), LEXICONS[make.language].slots
        frame = [story.sentence() for _ in range(3)]  # the words of this site's form
        towns = make.rng.sample(slots["city"], 4)
        unit = make.rng.choice(PHRASES[make.language]["units"].split("|"))
        used: set[str] = set()

        def number(kind: str) -> str:
            while True:
                value = {"small": str(make.rng.randint(0, 9)), "two": str(make.rng.randint(10, 99))}.get(
                    kind, f"{make.rng.randint(100, 999)}.{make.rng.randint(10, 99)}"
                )
                if kind == "small" or value not in used:
                    used.add(value)
                    return value

        days = []
        for _ in range(3):
            text = pattern
            for index, town in enumerate(towns):
                text = text.replace(f"{{town{index}}}", town)
            for index, line in enumerate(frame):
                text = text.replace(f"{{frame{index}}}", line)
            text = re.sub(r"\{(small|two|rate)\}", lambda match: number(match[1]), text.replace("{unit}", unit))
            days.append(text.split("\n"))
        return days

    return series


def _live_blog(make: Maker, article: Paragraphs) -> list[Paragraphs]:
    story = make.story()
    hour = make.rng.randint(7, 12)
    intro = [f"{story.headline()} – online", story.paragraph()]
    entries = [f"{hour + i // 2:02}:{make.rng.randint(10, 59)} {story.paragraph()}" for i in range(12)]
    return [[*intro, *entries[:5]], [*intro, *entries[3:8]], [*intro, *entries[7:]]]


def _digest(make: Maker, article: Paragraphs) -> list[Paragraphs]:
    parts = [_beginning(text, 70) for text in (article, *make.foreign(1))]
    parts += [make.story().paragraphs(70) for _ in range(3)]
    make.rng.shuffle(parts)
    return [[make.story().headline(), *(paragraph for part in parts for paragraph in part)]]


def _beginning(article: Paragraphs, words: int) -> Paragraphs:
    """The first paragraphs, so many words at least."""
    return article[: next((n for n in range(1, len(article)) if count_words(article[:n]) >= words), len(article))]


def _digest_that_begins_with_it(make: Maker, article: Paragraphs) -> list[Paragraphs]:
    short = article[: max(2, len(article) // 3)]
    return [[*short, *(paragraph for _ in range(4) for paragraph in make.story().paragraphs(count_words(short)))]]


def _site_boilerplate(make: Maker, article: Paragraphs) -> list[Paragraphs]:
    site = [make.phrase("footer") for _ in range(2)] + make.story().paragraphs(70)
    return [[*make.story().paragraphs(60), *site] for _ in range(5)]


def _short_item(make: Maker, article: Paragraphs) -> list[Paragraphs]:
    item = max(article[2:] or article, key=len)
    return [[*make.story().paragraphs(count_words([item]) * 3), item]]


LOOK_ALIKES: dict[str, Callable[[Maker, Paragraphs], list[Paragraphs]]] = {
    "own write-up": _own_write_up,
    "follow-up with a quote": _follow_up,
    "background tail": _background_tail,
    "all numbers changed": _numbers_changed(1.0),
    "most numbers changed": _numbers_changed(0.7),
    "exchange rates": _series(
        "{frame0}\nUSD {rate}, EUR {rate}, RUB {rate}, CNY {rate}, GBP {rate}, TRY {rate}.\n{frame1}\n{frame2}"
    ),
    "fuel prices": _series(
        "{frame0}\n{town0}: АИ-92 – {rate}, АИ-95 – 262, АИ-98 – 310, 2025.\n{frame1}\n"
        "{town1}: АИ-92 – 205, АИ-95 – 261, АИ-98 – {rate}, 2025.\n{town2}: АИ-92 – 206, АИ-95 – 263, АИ-98 – 309."
        "\n{frame2}"
    ),
    "weather": _series("{frame0}\n{town0} {two} {unit}, {town1} {two} {unit}.\n{frame1}\n{frame2}"),
    "match results": _series(
        "{frame0}\n{town0} – {town1} {small}:{small}, {town2} – {town3} {small}:{small}, {two} {unit}."
        "\n{frame1}\n{frame2}"
    ),
    "one number": _series("{frame0}\n{frame1} {two} {unit}.\n{frame2}"),
    "live blog": _live_blog,
    "digest": _digest,
    "digest that begins with it": _digest_that_begins_with_it,
    "site boilerplate": _site_boilerplate,
    "short item": _short_item,
}
TEMPLATES = frozenset(name for name in LOOK_ALIKES if "numbers" in name) | {
    "exchange rates", "fuel prices", "weather", "match results", "one number"
}  # fmt: skip


def stream(seed: int, originals: Sequence[tuple[str, Paragraphs]]) -> list[Document]:
    """(language, article) with all their variants: originals first, the rest mixed."""
    rng = random.Random(seed)
    first = [Document("\n\n".join(a), language, n, "original", False) for n, (language, a) in enumerate(originals)]
    later: list[Document] = []
    story = len(first)
    for number, (language, article) in enumerate(originals):
        others = [text for n, (other, text) in enumerate(originals) if other == language and n != number]
        make = Maker(rng, language, others)
        for kind, copy in DUPLICATES.items():
            if (made := copy(make, article)) is not None:
                later.append(Document("\n\n".join(made), language, number, kind, True))
        for kind, imitate in LOOK_ALIKES.items():
            for text in imitate(make, article):
                later.append(Document("\n\n".join(text), language, story, kind, False))
                story += 1
    rng.shuffle(later)
    stories: dict[str, int] = {}
    return [d for d in first + later if stories.setdefault(d.text, d.story) == d.story]  # with few digits, forms repeat


def composed(seed: int, count: int) -> list[tuple[str, Paragraphs]]:
    """(language, article), half of them Russian, a quarter English."""
    rng = random.Random(seed)
    languages = ("ru", "en", "ru", "kk", "ru", "en", "ru", "uz")
    return [(language, compose(rng, language)) for language in (languages[n % 8] for n in range(count))]


_DIGRAPHS = {"oʻ": "ў", "gʻ": "ғ", "sh": "ш", "ch": "ч", "yo": "ё", "yu": "ю", "ya": "я", "ye": "е", "ts": "ц"}
_SINGLE = dict(zip("abdefghijklmnopqrstuvxyzʼ", "абдефгҳижклмнопқрстувхйзъ", strict=True))
_LATIN = re.compile("|".join([*_DIGRAPHS, *_SINGLE]), re.IGNORECASE)


def to_cyrillic(text: str) -> str:
    """Uzbek in Latin letters as it is written in Cyrillic ones."""

    def letter(match: re.Match[str]) -> str:
        found = (_DIGRAPHS | _SINGLE)[match[0].lower()]
        if found == "е" and len(match[0]) == 1 and not text[max(0, match.start() - 1) : match.start()].isalpha():
            found = "э"
        return found.upper() if match[0][0].isupper() else found

    return _LATIN.sub(letter, text)
