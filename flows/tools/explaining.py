"""Print for `c5watch explain` what became of one address, a line for each step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from extractors.records import Relation
from extractors.text import clean_line

LABELS = {
    "canonical_url": "address", "source": "source", "title": "title", "published": "published", "seen_in": "seen in",
    "archived_copy": "archived copy", "attempts": "attempts", "outcome": "outcome", "reason": "reason",
    "detail": "detail", "decided_at": "decided at", "next_attempt": "next attempt", "words": "words", "day": "dated",
}  # fmt: skip
WIDTH = 13


SHOWN, LONGEST = 3, 300  # lines of a kind, and characters of a line, of a short explanation


def explanation(facts: Mapping[str, Any], *, full: bool = True) -> Iterator[str]:
    """Return the lines for the facts of `load_story`; harmless on a terminal, whatever a page is called.

    Unless `full`, long lines are cut, and of many of a kind the first are shown.
    """
    told: Counter[str] = Counter()
    for name, text in _steps(facts):
        told[name] += 1
        line = clean_line(text)
        if full or told[name] <= SHOWN:
            yield f"{name:>{WIDTH}}: {line if full or len(line) <= LONGEST else line[:LONGEST] + ' …'}"
    for name, count in told.items():
        if not full and count > SHOWN:
            yield f"{name:>{WIDTH}}: … and {count - SHOWN} more: --full shows them"


def _steps(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, label in LABELS.items():
        if (value := facts.get(name)) is not None:
            yield label, _shown(value)
    if facts.get("score") is not None and facts.get("terms") is not None:
        needed = f", it needs {facts['threshold']:g}" if facts.get("threshold") else ""
        near = ", borderline" if facts.get("borderline") else ""
        yield "score", f"{facts['score']:g} points{needed}{near}"
    yield from _by_group(facts.get("terms") or []).items()
    if facts.get("taken_out"):
        yield "taken out", ", ".join(f'"{text}"' for text in facts["taken_out"])
    if facts.get("veto"):
        yield "veto", facts["veto"]
    if like := facts.get("like"):
        grounds = f"; {like['grounds']}" if like.get("grounds") else ""
        yield "compared", f"{_related({**like, 'grounds': None})} of {_named(like)}{grounds}"
    if facts.get("text_kept") is False:
        yield "text", "not kept: 'topics preview' goes by headline and summary"
    if facts.get("article"):
        yield "article", f"{facts['article']} {facts.get('article_url') or ''}"
        if facts.get("why") != facts.get("reason"):
            yield "why", facts.get("why") or "adopted, not judged"
    for relation in facts.get("relations", ()):
        yield "related", f"{_named(relation)}: {_related(relation)}"
    for variant in facts.get("repeated_by", ()):
        if variant["relation"] == Relation.VERSION:
            had = f", {facts['words']} words before" if facts.get("words") is not None else ""
            yield "later text", f"{_shown(variant['stored_at'])}: {variant['words']} words{had}, {_related(variant)}"
        else:
            yield "repeated by", f"{variant['url']}: {_related(variant)}"
    if facts.get("mark"):
        yield "marked", f"{facts['mark']}, {_shown(facts['marked_at'])}"
    for digest in facts.get("digests", ()):
        yield "digest", f"{digest['page']} ({digest['name']})"


def _by_group(terms: list[list[Any]]) -> dict[str, str]:
    """Return the terms of each group with their places."""
    groups: dict[str, list[str]] = {}
    for group, term, part, count in terms:
        times = f"{count} × " if count > 1 else ""
        groups.setdefault(group, []).append(f'"{term.removeprefix("=")}" {times}in the {part}')
    return {group: ", ".join(listed) for group, listed in groups.items()}


def _named(article: Mapping[str, Any]) -> str:
    title = f" “{article['title']}”" if article.get("title") else ""
    return f"{article['article']}{title}"


def _related(relation: Mapping[str, Any]) -> str:
    share = f", {relation['share']:.0%} of the shorter text" if relation.get("share") is not None else ""
    grounds = f"; {relation['grounds']}" if relation.get("grounds") else ""
    return f"{relation['relation']}{share}{grounds}"


def _shown(value: Any) -> str:
    return f"{value:%Y-%m-%d %H:%M} UTC" if isinstance(value, datetime) else str(value)
