"""How well duplicates are found, and what is wrongly absorbed.

    python -m tests.benchmarks.duplicates [--seeds 3] [--count 48] [--texts FOLDER] [--half first|second] [--wire]

Documents come in one by one, as in production: candidates are the eight stories that share the most fingerprints, two
at least (of a short text one), and the decision is `storage.placing.similarity`'s. Texts are composed, or, with
--texts, real ones: FOLDER holds `NAME/gold.jsonl`, {"paragraphs", "title", …} a line. Thresholds were chosen on the
first half of these (even lines); the second half says what they are worth. With --wire the variants are those of
`tests.support.wire_kinds`: what becomes of a text in other newsrooms, and forms filled in with other names and figures.
Yardsticks: equal words, and containment of word pairs alone.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from config.settings import Duplicates
from extractors.records import Relation
from extractors.text import exact_key
from storage.placing.fingerprints import AT_LEAST, signature
from storage.placing.prepared import Prepared, prepare
from storage.placing.similarity import Decision, containment, decide
from tests.support.variants import TEMPLATES, Document, Paragraphs, composed, stream
from tests.support.wire_kinds import NUMBER_FORMS, wire

CANDIDATES = 8
SHARED = 2
Decide = Callable[[Prepared, Sequence[tuple[int, Prepared]], Duplicates], Decision]


@dataclass(slots=True)
class Report:
    """Counts per kind and language, and milliseconds per text or decision."""

    right: Counter[tuple[str, str]] = field(default_factory=Counter)  # duplicates absorbed by their own story
    missed: Counter[tuple[str, str]] = field(default_factory=Counter)
    wrong: Counter[tuple[str, str]] = field(default_factory=Counter)  # absorbed by another story
    documents: Counter[tuple[str, str]] = field(default_factory=Counter)
    ms: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    mistakes: list[tuple[Document, Document]] = field(default_factory=list)  # a document, and what absorbed it

    @property
    def precision(self) -> float:
        """Of those absorbed, the share absorbed by their own story."""
        right = self.right.total()
        return right / max(1, right + self.wrong.total())

    @property
    def recall(self) -> float:
        """Of the duplicates, the share absorbed by their own story."""
        right = self.right.total()
        wrong_copies = sum(original.duplicate for original, _ in self.mistakes)
        return right / max(1, right + self.missed.total() + wrong_copies)

    @property
    def f1(self) -> float:
        """The harmonic mean of the two."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0

    @property
    def wrong_share(self) -> float:
        """Documents absorbed by a story that is not theirs."""
        return self.wrong.total() / max(1, self.documents.total())

    @property
    def templates(self) -> int:
        """Of these, forms filled in with other numbers or names."""
        return sum(count for (kind, _), count in self.wrong.items() if kind in TEMPLATES | NUMBER_FORMS | {"names"})

    def line(self) -> str:
        """The figures that count, on one line."""
        ms = "  ".join(f"{name} {sum(values) / len(values):.2f} ms" for name, values in self.ms.items())
        return (
            f"F1 {self.f1:.4f}  P {self.precision:.4f}  R {self.recall:.4f}  "
            f"wrongly absorbed {self.wrong.total()} of {self.documents.total()} ({self.wrong_share:.2%}), "
            f"templates {self.templates}  {ms}"
        )

    def table(self, by: int) -> Iterable[str]:
        """A line for each kind (0) or language (1)."""
        for name in dict.fromkeys(key[by] for key in self.documents):
            right, missed, wrong, every = (
                sum(count for key, count in counts.items() if key[by] == name)
                for counts in (self.right, self.missed, self.wrong, self.documents)
            )
            yield f"  {name:28} documents {every:5}  found {right:5}  missed {missed:4}  wrong {wrong:3}"


def run(documents: Iterable[Document], choose: Decide = decide) -> Report:
    """Place the documents one after another; `choose` decides."""
    report, limits = Report(), Duplicates()
    postings: defaultdict[int, set[int]] = defaultdict(set)
    texts: defaultdict[int, list[Prepared]] = defaultdict(list)
    founders: list[Document] = []
    for document in documents:
        key = document.kind, document.language
        start = time.perf_counter()
        hashes = signature(document.text, document.language).hashes
        signed = time.perf_counter()
        prepared = prepare(document.text, document.language)
        ready = time.perf_counter()
        shared = Counter(number for value in hashes for number in postings[value])
        least = SHARED if len(hashes) > AT_LEAST else 1
        best = sorted((n for n, count in shared.items() if count >= least), key=lambda n: (-shared[n], -n))
        candidates = [(number, text) for number in best[:CANDIDATES] for text in texts[number][:4]]
        found = time.perf_counter()
        decision = choose(prepared, candidates, limits)
        report.ms["signature"].append((signed - start) * 1000)
        report.ms["prepare"].append((ready - signed) * 1000)
        if candidates:
            report.ms["decide"].append((time.perf_counter() - found) * 1000)
        report.documents[key] += 1
        number = decision.absorbed_by
        if number is None:
            number = len(founders)
            founders.append(document)
            report.missed[key] += document.duplicate
        elif founders[number].story == document.story:
            report.right[key] += 1
        else:
            report.wrong[key] += 1
            report.mistakes.append((document, founders[number]))
        texts[number].append(prepared)
        if not any(relation is Relation.DIGEST_OF for _, relation, _ in decision.others):
            for value in hashes:
                postings[value].add(number)
    return report


def equal_words(documents: Iterable[Document]) -> Report:
    """The yardstick of exact keys."""
    report = Report()
    known: dict[bytes, Document] = {}
    for document in documents:
        key = document.kind, document.language
        report.documents[key] += 1
        digest = exact_key(document.text)
        first = known.setdefault(digest, document) if digest else document
        if first is document:
            report.missed[key] += document.duplicate
        elif first.story == document.story:
            report.right[key] += 1
        else:
            report.wrong[key] += 1
            report.mistakes.append((document, first))
    return report


def pairs_alone(new: Prepared, candidates: Sequence[tuple[int, Prepared]], limits: Duplicates) -> Decision:
    """The yardstick of containment: no numbers, no order, no sizes."""
    scores = [
        (containment(new, old), -number) for number, old in candidates if min(len(new.pairs), len(old.pairs)) > 20
    ]
    score, number = max(scores, default=(0.0, 0))
    return Decision(-number, Relation.REPRINT, score) if score >= limits.same_story else Decision()


def load(folder: Path) -> list[tuple[str, Paragraphs]]:
    """(language, article) of the real texts; Cyrillic ones are Russian."""
    found = []
    for gold in sorted(folder.glob("*/gold.jsonl")):
        for line in gold.open(encoding="utf-8", newline="\n"):
            row = json.loads(line)
            article = [row["title"], *row["paragraphs"]] if row["title"] else row["paragraphs"]
            if sum(len(paragraph.split()) for paragraph in article) >= 60 and len(article) > 2:
                found.append(("ru" if re.search("[а-я]{3}", " ".join(article)) else "en", article))
    return found


def distinct(originals: Sequence[tuple[str, Paragraphs]]) -> list[tuple[str, Paragraphs]]:
    """Those that have nothing to do with an earlier one: the real texts hold copies themselves."""
    kept: list[tuple[str, Paragraphs]] = []
    known: list[Prepared] = []
    for language, article in originals:
        text = prepare("\n\n".join(article), language)
        if all(containment(text, other) < 0.2 for other in known):
            kept.append((language, article))
            known.append(text)
    return kept


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--count", type=int, default=48, help="composed originals per seed")
    parser.add_argument("--texts", type=Path)
    parser.add_argument("--half", choices=["first", "second"], help="of the real texts: even or odd ones")
    parser.add_argument("--wire", action="store_true", help="as newsrooms pass texts on (`tests.support.wire_kinds`)")
    parser.add_argument("--mistakes", action="store_true", help="print what was wrongly absorbed")
    options = parser.parse_args()
    sets: dict[str, list[tuple[str, Paragraphs]]] = {}
    if options.texts:
        real = load(options.texts)
        originals = distinct(real)
        halves = {"first": originals[::2], "second": originals[1::2]}
        sets = {f"real, {half} half": halves[half] for half in halves if options.half in (None, half)}
        every = run(Document("\n\n".join(a), language, n, "real", False) for n, (language, a) in enumerate(real))
        print(f"{len(real)} real texts, {len(originals)} of them without a relative; absorbed as they come:")
        for new, old in every.mistakes:
            print(f"  {new.text[:70]!r} by {old.text[:70]!r}")
    for seed in range(options.seeds):
        for name, originals in (sets or {"composed": composed(seed, options.count)}).items():
            documents = (wire if options.wire else stream)(seed, originals)
            print(f"{name}, seed {seed}\n  equal words: {equal_words(documents).line()}")
            print(f"  pairs alone: {run(documents, pairs_alone).line()}")
            report = run(documents)
            print(f"  c5watch:     {report.line()}")
            for line in (*report.table(1), *report.table(0)):
                print(line)
            if options.mistakes:
                for new, old in report.mistakes:
                    print(f"--- {new.kind}: {new.text[:600]!r}\n    {old.kind}: {old.text[:600]!r}")


if __name__ == "__main__":
    main()
