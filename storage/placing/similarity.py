"""Tell whether two texts tell the same story: containment of word pairs, checked against numbers, size and order.

The measure is C2, the share of the smaller text's pairs of neighbouring words that the other text has too. It finds
cut, wrapped and lightly edited copies alike, where resemblance (Broder, "On the resemblance and containment of
documents", 1997) fails. Overlap alone cannot tell an edited reprint from the same form filled in on another day: the
numbers do. A text wrongly absorbed hides a story, a miss costs one more row: in doubt a text is a story of its own.

The functions are pure: the caller chooses the candidates and acts on the decision.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from types import MappingProxyType

from config.settings import Duplicates
from extractors.records import Relation
from extractors.text import counted
from storage.placing.names import tells_protocol
from storage.placing.prepared import Line, Pair, Prepared, prepare, prepare_words
from storage.placing.slots import Facts, Places, align, compare_facts, is_number, repaired

# With what is compared: all that a caller needs.
__all__ = ["Apart", "Decision", "Prepared", "compare", "containment", "decide", "is_version", "prepare"]

MIN_PAIRS = 20  # of words without digits, in the smaller text; fewer may agree by chance
MIN_WORDS = 20  # that stand side by side
HEAD = 40  # words in which a text names its subject
TEASER = 0.4  # share of the other text's head that a teaser has; a text below this share of its size must have it

# Own and shared text are told apart in stretches; the shares were chosen on real articles with made variants.
STRETCH = 12  # words
LIKE_SHARED = 0.45  # share of a stretch found in the other text, below which it is own text
OWN = 0.2  # share of both texts: more than an edited copy has, unless they begin alike
MOSTLY_OWN = 0.4  # share of both texts, even if they begin alike
OTHER_STORY = 0.5  # share of the larger text from which on its own part must have the subject of the shared part
KIN = 0.13  # share of vocabulary; two parts of one article have less in 5 % of cases, of two articles more in 10 %
BEGINS = 0.9  # share of a text's head that is shared, if it begins with all they share: the other one is a teaser
KIN_OF_TEASER = 0.06  # a teaser of 45 words and the 85 after it have less in 2 to 4 % of cases
LIVE = 3  # lines that begin with a time of day: the parts of a live blog repeat one another and go on
GOES_ON = 1.3  # times what a teaser shares, that a text shares with the whole story if it is more than the teaser
SURE = 0.6  # share of a text's numbers that a copy has beyond doubt
MIN_SURE = 3
NEARLY = 0.8  # share of the pairs that the most like variant of a story shares
DIGEST = 0.6  # share of a round-up that one of its stories may fill

SAME_FORM = 0.8  # C2 without numbers from which the numbers are looked at, however many pairs they break

SITES_OWN = 3  # stories that contain a line that belongs to the site
MIN_SITES_OWN = 4  # words of such a line
NOTHING_OWN = 12  # pairs: about a headline

CORRECTED = 0.7  # share of the longer text that a corrected article keeps
SHORT_FORM = 200  # words; reports of protocol are shorter

_HALVES = {"a", "p", "am", "pm"}  # of a day


@dataclass(frozen=True, slots=True)
class Decision:
    """The relation of a new text to the candidate stories.

    `absorbed_by` is the number of the story that it is a reprint of; `relation` and `score` are those of the best
    match, and `others` the relations worth noting: (number, relation, score), best first, without `absorbed_by`.
    `grounds` say in words what decided, of each story.
    """

    absorbed_by: int | None = None
    relation: Relation | None = None
    score: float = 0.0
    others: tuple[tuple[int, Relation, float], ...] = ()
    grounds: Mapping[int, str] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Apart:
    """How many days before a text a story was published, and in which year."""

    days: int
    year: int


@dataclass(frozen=True, slots=True)
class _Compared:
    relation: Relation | None
    score: float
    facts: Facts | None = None  # of the smaller and the larger text


def containment(new: Prepared, old: Prepared) -> float:
    """Return C2 (0 to 1): the share of the smaller text's word pairs that the other has; 0 if a text has no pairs."""
    return _share(new.pairs, old.pairs)


def compare(new: Prepared, old: Prepared, limits: Duplicates) -> tuple[Relation | None, float]:
    """Return the relation of two texts, None if there is none, and C2 (0 to 1), in whatever order they are given."""
    compared = _compare(*_by_size(new, old), limits)
    return compared.relation, compared.score


def is_version(new: Prepared, earlier: Prepared) -> bool:
    """Return whether two texts of one outlet and one story are one article, corrected: most of both is alike."""
    return len(new.pairs & earlier.pairs) >= CORRECTED * max(len(new.pairs), len(earlier.pairs))


def _by_size(new: Prepared, old: Prepared) -> tuple[Prepared, Prepared]:
    small, large = sorted((new, old), key=lambda text: (len(text.pairs), text.words))
    return small, large


def _compare(small: Prepared, large: Prepared, limits: Duplicates) -> _Compared:
    """Compare two texts, the smaller one first."""
    if len(small.plain) < MIN_PAIRS:  # includes texts of numbers only
        return _Compared(None, 0.0)
    score = containment(small, large)
    form = _share(small.plain, large.plain)
    if score < limits.related and form < SAME_FORM:
        return _Compared(None, score)
    side_by_side = align(small.sequence, large.sequence)
    facts = compare_facts(small.sequence, large.sequence, side_by_side)
    small = prepare_words(repaired(small.sequence, large.sequence, side_by_side), small)
    score = max(score, containment(small, large))
    if score < limits.same_story and form < SAME_FORM:
        return _Compared(Relation.RELATED, score)
    if facts.words < MIN_WORDS:  # the words of a table, which repeats them
        return _Compared(Relation.RELATED if score >= limits.related else None, score)
    if facts.other_numbers or facts.other_names:
        return _Compared(Relation.TEMPLATE, score, facts)
    if min(score, form) < limits.same_story:  # in tables, numbers that never change make much of the score
        return _Compared(Relation.RELATED if score >= limits.related else None, score)
    return _Compared(_by_shares(small, large), score, facts)


def _by_shares(small: Prepared, large: Prepared) -> Relation:
    """Return the relation of two texts with much in common by what either has of its own, and where."""
    _, own_small = _divided(small.words, large.pairs)
    shared, own_large = _divided(large.words, small.pairs)
    heads = _covered(small.words[:HEAD], large.pairs), _covered(large.words[:HEAD], small.pairs)
    own_share = len(own_small) / len(small.words), len(own_large) / len(large.words)
    if min(own_share) >= (OWN if min(heads) < TEASER else MOSTLY_OWN):
        return Relation.RELATED
    if len(small.pairs) < TEASER * len(large.pairs) and heads[1] < TEASER:
        return Relation.CONTAINED_IN
    entries = _entries_apart(small, large)
    live = max(len(_moments(small)), len(_moments(large))) >= LIVE
    if max(entries[1], own_share[1] if live else 0.0) >= OWN:
        return Relation.CONTAINED_IN if max(entries[0], own_share[0]) < OWN else Relation.RELATED
    begins = _covered(large.words[: min(HEAD, len(shared))], small.pairs) >= BEGINS
    kin = KIN_OF_TEASER if begins else KIN
    if own_share[1] >= OTHER_STORY and _kinship(shared, own_large) < kin:
        return Relation.CONTAINED_IN
    return Relation.REPRINT


def _divided(words: Line, pairs: frozenset[Pair]) -> tuple[Line, Line]:
    """Divide `words` into those that stand in the other text and the rest, in stretches of `STRETCH`."""
    same = [pair in pairs for pair in pairwise(words)]
    known = [(same[n] and any(same[max(0, n - 1) : n])) or all(same[n : n + 2]) for n in range(len(same))]
    shared: list[str] = []
    own: list[str] = []
    for start in range(0, len(words), STRETCH):
        part = known[start : start + STRETCH]
        (own if sum(part) < len(part) * LIKE_SHARED else shared).extend(words[start : start + STRETCH])
    return tuple(shared), tuple(own)


def _kinship(first: Line, second: Line) -> float:
    """Return the share of the smaller vocabulary in both: mostly above 0.2 in one article, below 0.1 in two."""
    stems, others = ({word[:5] for word in words if len(word) >= 5 and word.isalpha()} for words in (first, second))
    return len(stems & others) / max(1, min(len(stems), len(others)))


def _moments(text: Prepared) -> set[Line]:
    """Return the times of day with which lines begin, as the entries of a live blog do."""
    return {
        line[:2]
        for line in text.lines
        if len(line) > 1
        and len(line[0]) <= 2
        and line[0].isdecimal()
        and int(line[0]) < 24
        and (line[1] in _HALVES or (line[1].isdecimal() and len(line[1]) == 2))
    }


def _entries_apart(small: Prepared, large: Prepared) -> tuple[float, float]:
    """Return the share of entries that either live blog has and the other has not; 0 unless both are live blogs."""
    ours, theirs = _moments(small), _moments(large)
    if min(len(ours), len(theirs)) < LIVE:
        return 0.0, 0.0
    return len(ours - theirs) / len(ours), len(theirs - ours) / len(theirs)


def _share(small: frozenset[Pair], large: frozenset[Pair]) -> float:
    smaller = min(len(small), len(large))
    return len(small & large) / smaller if smaller else 0.0


def _covered(words: Line, pairs: frozenset[Pair]) -> float:
    """Return the share of the pairs in `words` that stand in `pairs`."""
    return sum(pair in pairs for pair in pairwise(words)) / max(1, len(words) - 1)


def decide(
    new: Prepared,
    candidates: Sequence[tuple[int, Prepared]],
    limits: Duplicates,
    apart: Mapping[int, Apart] = MappingProxyType({}),
) -> Decision:
    """Return the relation of `new` to candidates (article number, text); a story's variants share one number.

    `apart` are the stories that were published weeks before `new`, or later: a form of protocol in the same words is
    then another event (see `_another_time`).
    """
    matches = _another_time(new, _matches(new, candidates, limits), apart)
    copies = _sure_copies(new, matches)
    most = {number: max(m.shared for m in matches if m.number == number) for number in {m.number for m in matches}}
    best: dict[int, _Match] = {}
    for match in matches:  # of a story's variants the copy, unless it has hardly what another has
        before = best.get(match.number, match)
        best[match.number] = max(
            match, before, key=lambda m: (m in copies and m.shared >= NEARLY * most[m.number], m.weight())
        )
    for number in _stories_in(new, best.values(), limits):
        best[number] = replace(best[number], relation=Relation.DIGEST_OF, grounds="")
    if not best:
        return Decision()
    ordered = sorted(best.values(), key=_Match.weight, reverse=True)
    copy = next((match for match in ordered if match in copies and match.relation is Relation.REPRINT), None)
    first = copy or ordered[0]
    others = tuple(
        (m.number, Relation.MERGE_CANDIDATE if m.relation is Relation.REPRINT else m.relation, m.score)
        for m in ordered
        if m is not copy
    )
    grounds = {match.number: match.grounds for match in ordered if match.grounds}
    return Decision(copy.number if copy else None, first.relation, first.score, others, grounds)


def _matches(new: Prepared, candidates: Sequence[tuple[int, Prepared]], limits: Duplicates) -> list[_Match]:
    """Return the candidates that have to do with `new`."""
    compared = [(number, text, _compare(*_by_size(new, text), limits)) for number, text in candidates]
    dropped = _sites_own(new, [(n, text) for n, text, found in compared if found.relation is not Relation.TEMPLATE])
    matches = []
    for number, text, found in compared:
        relation = found.relation
        if dropped and relation is Relation.REPRINT:
            relation = _compare_without(dropped, new, text, limits)
        if relation is Relation.REPRINT and _goes_on_otherwise(new, text, [t for n, t in candidates if n == number]):
            relation = Relation.CONTAINED_IN
        if relation is not None:
            shared = len(new.pairs & text.pairs)
            grounds = _grounds(relation, found.facts, new, text) if found.facts else ""
            matches.append(_Match(shared, number, relation, found.score, text, grounds))
    return matches


def _another_time(new: Prepared, matches: Sequence[_Match], apart: Mapping[int, Apart]) -> Sequence[_Match]:
    """Return the matches; a form of protocol that comes again weeks later in the same words is no copy.

    It is such a form if the corpus has it with other names or numbers, or if it is short and speaks of congratulations,
    credentials … (`protocol` in the language files). Anything else is the same text however much later, and so is a
    form that names the year of the earlier text.
    """
    if not any(match.number in apart and match.relation is Relation.REPRINT for match in matches):
        return matches
    siblings = any(match.relation is Relation.TEMPLATE and match.score >= SAME_FORM for match in matches)
    if not siblings and not (len(new.words) <= SHORT_FORM and tells_protocol(new.text)):
        return matches
    return [
        replace(match, relation=Relation.TEMPLATE, grounds=f"the same form of protocol, {since.days} days apart")
        if match.relation is Relation.REPRINT
        and (since := apart.get(match.number)) is not None
        and str(since.year) not in new.words
        else match
        for match in matches
    ]


def _grounds(relation: Relation, facts: Facts, new: Prepared, old: Prepared) -> str:
    """Return in words what the facts say of two texts, earlier ones first."""
    if relation not in (Relation.TEMPLATE, Relation.REPRINT):
        return ""
    swapped = _by_size(new, old)[0] is new

    def told(places: Places, noun: str) -> str:
        pairs = (pair[::-1] if swapped else pair for pair in places.examples)
        examples = ", ".join(f"{old.shown(this)} – {new.shown(that)}" for this, that in pairs)
        verb = "differs" if places.differ == 1 else "differ"
        return f"{places.differ} of {counted(places.total, noun)} {verb} ({examples})"

    kinds = [(facts.numbers, "number", facts.other_numbers), (facts.names, "name", facts.other_names)]
    if relation is Relation.TEMPLATE:
        kinds = [kind for kind in kinds if kind[2]]
    if parts := [told(places, noun) for places, noun, _ in kinds if places.differ]:
        return f"{', '.join(parts)}, in {counted(facts.words, 'word')} in common"
    same = [counted(places.total, noun) for places, noun, _ in kinds if places.total]
    return f"the same in {' and '.join(same)}" if same else ""


@dataclass(frozen=True, slots=True)
class _Match:
    shared: int  # pairs
    number: int
    relation: Relation
    score: float
    text: Prepared
    grounds: str = ""

    def weight(self) -> tuple[int, int, float, int]:
        """Return the rank of the match: most shared pairs first; in doubt no copy, or one of the earliest story."""
        order = (Relation.REPRINT, Relation.TEMPLATE)
        rank = order.index(self.relation) if self.relation in order else -1
        return self.shared, rank, self.score, -self.number


def _goes_on_otherwise(new: Prepared, teaser: Prepared, story: Iterable[Prepared]) -> bool:
    """Return whether `new` has a teaser of the story, and nothing of what the story goes on with."""
    if len(teaser.pairs) >= TEASER * len(new.pairs):
        return False
    shared = len(teaser.pairs & new.pairs)
    longer = (text for text in story if len(text.pairs) * TEASER > len(teaser.pairs))
    return any(len(text.pairs & new.pairs) < GOES_ON * shared for text in longer)


def _sure_copies(new: Prepared, matches: Sequence[_Match]) -> list[_Match]:
    """Return the matches that are copies beyond doubt.

    A text that shares more with a form of other facts than with a copy may be of that form, and so may the copy: it is
    cut or edited too much for its facts to tell. It is none if it has what the text has and the form has not, or most
    numbers of the text.
    """
    numbers = {word for word in new.facts if is_number(word)}
    templates = [match for match in matches if match.relation is Relation.TEMPLATE]
    forms = [(match.shared, new.facts.difference(match.text.words)) for match in templates]

    def is_sure(copy: _Match) -> bool:
        if len(numbers.intersection(copy.text.words)) >= max(MIN_SURE, SURE * len(numbers)):
            return True
        return all(
            copy.shared >= shared or 2 * len(own.intersection(copy.text.words)) > len(own) for shared, own in forms
        )

    return [match for match in matches if match.relation is Relation.REPRINT and is_sure(match)]


def _stories_in(new: Prepared, matches: Iterable[_Match], limits: Duplicates) -> list[int]:
    """Return the stories of which `new` has most beside one another, if it has several and none fills it."""
    found: list[tuple[int, frozenset[Pair]]] = []
    for match in sorted(matches, key=_Match.weight, reverse=True):
        shared = match.text.pairs & new.pairs
        if (
            match.relation is not Relation.TEMPLATE
            and len(shared) >= limits.same_story * len(match.text.pairs)
            and len(shared) < DIGEST * len(new.pairs)
            and all(_share(shared, other) < 0.5 for _, other in found)
        ):
            found.append((match.number, shared))
    return [number for number, _ in found] if len(found) > 1 else []


def _sites_own(new: Prepared, candidates: Sequence[tuple[int, Prepared]]) -> set[Line]:
    """Return the lines of `new` that stand in three stories: they are the sites', or a form's, and tell no story."""
    stories: dict[Line, set[int]] = {line: set() for line in new.lines if len(line) >= MIN_SITES_OWN}
    for number, text in candidates:
        for line in text.lines:
            if line in stories:
                stories[line].add(number)
    return {line for line, numbers in stories.items() if len(numbers) >= SITES_OWN}


def _compare_without(dropped: set[Line], new: Prepared, old: Prepared, limits: Duplicates) -> Relation | None:
    """Return the relation without the sites' own lines of two texts that look like the same story."""
    new_rest, old_rest = new.without(dropped), old.without(dropped)
    if min(len(new_rest.pairs - old.pairs), len(old_rest.pairs - new.pairs)) <= NOTHING_OWN:
        return Relation.REPRINT  # one of the texts has nothing of its own
    if min(len(new_rest.plain), len(old_rest.plain)) < MIN_PAIRS:
        return Relation.RELATED
    return _compare(*_by_size(new_rest, old_rest), limits).relation
