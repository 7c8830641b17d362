"""Find articles that are one text in two languages. Precision comes before recall: a wrong link misleads.

There are three kinds of sign, the surest first:

- the pages say so: one names the other as its edition in another language (hreflang), or both stand on one site under
  one number or one path;
- one text leads to the other's address, or credits it by its headline: it may still only report on it, so the facts
  must agree as well;
- the facts alone: nearly all numbers and most names, in the same order, in texts of like length, within two days.

Two texts in one language are never translations, whatever their letters (Uzbek has two alphabets).
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations
from urllib.parse import parse_qsl, urlsplit

from config.languages import languages
from extractors.text import tokens
from extractors.urls import canonical_host
from storage.relating.nearby import Nearby, Piece

DAYS = timedelta(days=2)
DAYS_BETWEEN_EDITIONS = timedelta(days=7)  # a site translates the same week
CANDIDATES = 12  # articles whose facts are compared, those with most in common
MIN_CREDITED_WORDS = 4  # of a headline that a text names
DEVIATIONS = 3  # standard deviations; one pair in 740 exceeds them by chance
AS_SURE = 0.03  # of the score
SAME_WORDS = 0.5  # share of words in the same alphabet: the texts are then in one language, whatever was detected
_ID = re.compile(r"(?<![0-9])[0-9]{5,12}(?![0-9])")
_NAMED = re.compile(
    r"(?=[a-z0-9_%.-]*\Z).*?(?:(?<![a-z0-9%])[0-9]*[a-z%][a-z0-9%]*[-_][a-z0-9%]|[0-9]{3}).*", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Translation:
    """Article `number`, the later one, and article `other` are one text; `score` says how sure that is, up to 1."""

    number: int
    other: int
    score: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far the facts of two texts agree. `numbers` and `names` are shares of the smaller text's, weighted by
    rarity for names; `all_numbers` is the share of the larger one's; `order` the share of pairs of the `facts` that
    stand in the same order in both.
    """

    shared_numbers: int
    numbers: float
    all_numbers: float
    rare_names: int
    names: float
    facts: int
    order: float

    @property
    def by_chance(self) -> bool:
        """Whether independent reports of the same facts could agree in their order as much as these do.

        Kendall's rank correlation: for n facts the variance of agreeing less disagreeing pairs is n(n-1)(2n+5)/18.
        """
        count = self.facts
        pairs = count * (count - 1) / 2
        deviation = math.sqrt(count * (count - 1) * (2 * count + 5) / 18)
        return pairs == 0 or (2 * self.order - 1) * pairs < DEVIATIONS * deviation

    @property
    def score(self) -> float:
        """The score, 0 to 1; 1 if all numbers and names agree and stand in the same order."""
        parts = [min(1.0, self.names), self.order, *([self.numbers] if self.shared_numbers else [])]
        return sum(parts) / len(parts)


def find_translations(nearby: Nearby, numbers: Iterable[int]) -> list[Translation]:
    """Return the translations of the articles `numbers`: of one article, the surest in each language.

    Two may be equally sure: one text in two alphabets, or printed by two papers.
    """
    signs = _Signs(nearby)
    found: dict[tuple[int, int], float] = {}
    for number in numbers:
        scores = _scores(nearby, signs, nearby.pieces[number])
        best: defaultdict[str | None, float] = defaultdict(float)
        for other, score in scores.items():
            language = nearby.pieces[other].language
            best[language] = max(best[language], score)
        for other, score in scores.items():
            if score >= best[nearby.pieces[other].language] - AS_SURE:
                pair = (max(number, other), min(number, other))
                found[pair] = max(found.get(pair, 0.0), score)
    return [Translation(*pair, round(score, 3)) for pair, score in sorted(found.items())]


def page_keys(url: str) -> tuple[str, ...]:
    """Return keys that the addresses of an article in several languages share on a site: path and number.

    Both are a sign only for pages in different languages, and only if no third page has them.
    """
    editions = languages().editions(in_paths=True)
    parts = urlsplit(url)
    labels = canonical_host(parts.hostname or "").split(".")
    if len(labels) > 2 and labels[0] in editions:
        labels = labels[1:]
    site = ".".join(labels)
    segments = [segment for segment in parts.path.split("/") if segment]
    rest = [segment for segment in segments if segment.lower() not in editions]
    query = sorted(pair for pair in parse_qsl(parts.query) if pair[1].lower() not in editions)
    keys = []
    if rest and _NAMED.fullmatch(rest[-1]) and not _is_day("".join(rest[-3:])):
        keys.append(f"path {site}/{'/'.join(rest)}?{query}")
    last = [*rest[-2:], *(value for _, value in query)]
    keys += [f"id {site} {found}" for part in last for found in _ID.findall(part) if not _is_day(found)]
    return tuple(dict.fromkeys(keys))


def agreement(nearby: Nearby, first: Piece, second: Piece) -> Agreement:
    """Return how far the facts of two articles agree."""
    marks, others = first.traits.marks, second.traits.marks
    position = {mark: rank for rank, mark in enumerate(others)}
    shared = [mark for mark in marks if mark in position]
    ours, theirs = first.traits.numbers, second.traits.numbers
    numbers = len(ours & theirs)
    weight = sum(nearby.rarity(mark) for mark in shared if mark[0] != "#")
    least = min(sum(nearby.rarity(mark) for mark in side if mark[0] != "#") for side in (marks, others))
    ranks = [position[mark] for mark in shared if nearby.rarity(mark) > 0.1]
    pairs = len(ranks) * (len(ranks) - 1) // 2
    return Agreement(
        shared_numbers=numbers,
        numbers=numbers / max(1, min(len(ours), len(theirs))),
        all_numbers=numbers / max(1, len(ours), len(theirs)),
        rare_names=sum(mark[0] != "#" and nearby.rarity(mark) > 0.5 for mark in shared),
        names=weight / max(1.0, least),
        facts=len(ranks),
        order=sum(a < b for a, b in combinations(ranks, 2)) / pairs if pairs else 0.0,
    )


class _Signs:
    """The index of articles that name, link to, credit or stand beside each other."""

    def __init__(self, nearby: Nearby) -> None:
        self._of: defaultdict[str, set[int]] = defaultdict(set)  # an address or page key → its articles
        self._naming: defaultdict[str, set[int]] = defaultdict(set)  # … → articles that name it as their edition
        self._linking: defaultdict[str, set[int]] = defaultdict(set)
        self._quoting: list[tuple[int, str]] = []
        self._headlines: list[tuple[int, str]] = []
        paged: defaultdict[str, list[int]] = defaultdict(list)
        for number, piece in nearby.pieces.items():
            for table, addresses in (
                (self._of, piece.addresses), (self._naming, piece.leads_to), (self._linking, piece.links_to),
            ):  # fmt: skip
                for address in addresses:
                    table[address].add(number)
            for key in piece.pages:
                paged[key].append(number)
            if piece.traits.quoted:
                self._quoting.append((number, f" {' | '.join(piece.traits.quoted)} "))
            if headline := _headline(piece):
                self._headlines.append((number, headline))
        for key, numbers in paged.items():
            # A key of two articles in one language is not an article's but a section's or the day's.
            if len({nearby.pieces[number].language for number in numbers}) == len(numbers):
                self._of[key].update(numbers)

    def stated(self, piece: Piece) -> set[int]:
        """Return the articles that this one, or that name this one, as the other's edition in another language."""
        return self._met(piece.leads_to, self._of) | self._met(piece.addresses, self._naming)

    def beside(self, piece: Piece) -> set[int]:
        """Return the articles of the site under the same number or path."""
        return self._met(piece.pages, self._of)

    def led_to(self, piece: Piece) -> set[int]:
        """Return the articles that this one leads to or credits, and those that lead to it or credit it."""
        found = self._met(piece.links_to, self._of) | self._met(piece.addresses, self._linking)
        if piece.traits.quoted:
            runs = f" {' | '.join(piece.traits.quoted)} "
            found.update(number for number, headline in self._headlines if headline in runs)
        if headline := _headline(piece):
            found.update(number for number, runs in self._quoting if headline in runs)
        return found

    @staticmethod
    def _met(keys: Iterable[str], table: dict[str, set[int]]) -> set[int]:
        return {number for key in keys for number in table.get(key, ())}


def _scores(nearby: Nearby, signs: _Signs, piece: Piece) -> dict[int, float]:
    """Return the articles that are this one in another language, with how sure that is."""
    if piece.language is None:
        return {}
    stated, paired, led_to = signs.stated(piece), signs.beside(piece), signs.led_to(piece)
    likenesses = nearby.likenesses(piece.number, words=False)
    foreign = [n for n in likenesses if nearby.pieces[n].language not in (None, piece.language)]
    foreign.sort(key=lambda n: (-nearby.marks_cosine(piece.number, n, likenesses[n]), n))
    scores: dict[int, float] = {}
    for number in {*stated, *paired, *led_to, *foreign[:CANDIDATES]}:
        other = nearby.pieces[number]
        if other.language in (None, piece.language):
            continue
        agreed = agreement(nearby, piece, other)
        if number in stated:
            scores[number] = 1.0
        elif number in paired and _near(piece, other, DAYS_BETWEEN_EDITIONS) and _not_at_odds(piece, other, agreed):
            scores[number] = 0.95
        elif number in led_to and _near(piece, other, DAYS_BETWEEN_EDITIONS) and _supported(piece, other, agreed):
            scores[number] = 0.7 + 0.25 * agreed.score
        elif _near(piece, other, DAYS) and _convincing(piece, other, agreed):
            scores[number] = agreed.score
    return {number: score for number, score in scores.items() if not _same_words(piece, nearby.pieces[number])}


def _convincing(first: Piece, second: Piece, agreed: Agreement) -> bool:
    """Return whether the facts alone prove a translation; in texts of mostly figures (rates, weather) they cannot."""
    sizes = sorted((first.traits.size, second.traits.size))
    if 2 * sizes[0] < sizes[1] or _figures(first) or _figures(second) or agreed.order < 0.75 or agreed.by_chance:
        return False
    by_numbers = (
        agreed.shared_numbers >= 3 and agreed.numbers >= 0.7 and agreed.all_numbers >= 0.55
        and agreed.rare_names >= 3 and agreed.names >= 0.45
    )  # fmt: skip
    by_names = agreed.rare_names >= 6 and agreed.names >= 0.65 and _no_other_numbers(first, second, agreed)
    return by_numbers or by_names


def _supported(first: Piece, second: Piece, agreed: Agreement) -> bool:
    """Return whether the facts bear out what a link or a credit suggests: that the texts are one."""
    sizes = sorted((first.traits.size, second.traits.size))
    return (
        3 * sizes[0] >= sizes[1] and agreed.order >= 0.65 and agreed.names >= 0.4
        and agreed.rare_names + agreed.shared_numbers >= 4 and _no_other_numbers(first, second, agreed)
    )  # fmt: skip


def _not_at_odds(first: Piece, second: Piece, agreed: Agreement) -> bool:
    """Return whether a site's two pages with one number may be one text: languages may share numbers by chance."""
    if min(len(first.traits.marks), len(second.traits.marks)) < 5:
        return True
    return (
        agreed.rare_names >= 1 and agreed.rare_names + agreed.shared_numbers >= 2
        and max(agreed.names, agreed.numbers) >= 0.3
    )  # fmt: skip


def _no_other_numbers(first: Piece, second: Piece, agreed: Agreement) -> bool:
    least = min(len(first.traits.numbers), len(second.traits.numbers))
    return least == 0 or agreed.numbers >= 0.7


def _figures(piece: Piece) -> bool:
    return piece.traits.figures > 0.1 * piece.traits.tokens


def _near(first: Piece, second: Piece, most: timedelta) -> bool:
    """Return whether the days are near; an undated adopted article is compared with all adopted at the same time."""
    if first.day is not None and second.day is not None:
        return abs(first.day - second.day) <= most
    return first.adopted_at is not None and first.adopted_at == second.adopted_at


def _same_words(first: Piece, second: Piece) -> bool:
    ours, theirs = ({word for word, _ in piece.traits.words} for piece in (first, second))
    return len(ours & theirs) >= SAME_WORDS * max(1, min(len(ours), len(theirs)))


def _headline(piece: Piece) -> str:
    words = tokens(piece.title)
    return f" {' '.join(words)} " if len(words) >= MIN_CREDITED_WORDS else ""


def _is_day(digits: str) -> bool:
    """Return whether digits in an address are a date: 20251106, 202511, 06112025."""
    for year, month, day in ((0, 4, 6), (4, 2, 0)):
        if len(digits) == 8 and digits.isdigit():
            try:
                date(int(digits[year : year + 4]), int(digits[month : month + 2]), int(digits[day : day + 2]))
            except ValueError:
                continue
            return True
    return len(digits) == 6 and digits.isdigit() and digits[:2] in ("19", "20") and 1 <= int(digits[4:]) <= 12
