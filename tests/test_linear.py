"""No input makes us slow out of proportion: four times the text takes about four times as long, whatever it holds."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date
from statistics import median
from typing import Any

import pytest
from lxml.html import document_fromstring

from config.load import CHECKOUT, load_config
from config.settings import masked
from extractors.blocks.lines import is_prose, kind_of_line, without_site_lines
from extractors.dates.visible import dateline_day, visible_date
from extractors.feeds.markup import as_html, plain, repaired
from extractors.language import identify
from extractors.records import Article
from extractors.text import clean_block, count_words, tokens
from extractors.topic.judge import compile_topics
from flows.clean import readable
from flows.digest.sentences import split_sentences
from flows.digest.words import words_of
from storage.placing import fingerprints, similarity
from storage.search.queries import parse as parse_query
from storage.search.snippets import snippet
from storage.search.stems import stems
from tests.support.patterns import Used, attacks, every_pattern

pytestmark = pytest.mark.slow
SHORT, LONG = 600, 2400  # characters
NOTHING_S = 0.005  # of CPU: less for the long text is too little to compare
MOST_S = 5.0  # of CPU, for any long text
MOST_TIMES = 9  # as long for four times the text; 4 is linear, 16 the square
# Patterns that are made of what a configuration or a user gives; each is held by the test of its function.
MADE_AT_RUN_TIME = {
    "config.phrases.pattern_of",
    "config.settings.check",  # the inner function of the next
    "config.settings.matching",
    "extractors.feeds.sections._number_behind",  # a text of the catalogue, taken literally, before a number
    "extractors.topic.screen._pattern",
    "storage.placing.prepared.shown",
    "flows.clean.pattern_of",
    "flows.digest.words._sentence",
}
PATTERNS, UNKNOWN = every_pattern()


class TooSlow(Exception):
    """The limit of CPU time."""


@contextmanager
def limited_cpu(seconds: float) -> Iterator[None]:
    """Raise TooSlow after so much CPU time; other programs' work does not count."""

    def end(*_: object) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGVTALRM, end)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def cpu_s(work: Callable[[str], object], text: str) -> float:
    """The CPU seconds that it takes. With a timer set, only the thread's clock is finer than 4 ms."""
    with limited_cpu(MOST_S):
        started = time.thread_time()
        work(text)
        return time.thread_time() - started


def is_linear(work: Callable[[str], object], text: Callable[[int], str], *, times: int = 1) -> bool:
    """Tell whether a long text takes little time, or at most MOST_TIMES as long as a short one; the best of many tries.

    The short one counts as its median does: the system's clock of CPU time, which may move in steps, sometimes says 0.
    """
    long_s, short_s = MOST_S, list[float]()
    try:
        for _ in range(25):  # most end at the first; a busy machine disturbs some
            long_s = min(long_s, cpu_s(work, text(LONG * times)))
            if long_s < NOTHING_S:
                return True
            short_s += (cpu_s(work, text(SHORT * times)) for _ in range(4))
            if long_s <= MOST_TIMES * median(short_s):
                return True
    except TooSlow:
        pass
    return False


def user(pattern: re.Pattern[Any], method: str) -> Callable[[str], object]:
    """A function that uses a pattern in one way, on text or bytes as it needs."""
    is_bytes = isinstance(pattern.pattern, bytes)

    def use(text: str) -> object:
        given: Any = text.encode(errors="replace") if is_bytes else text
        if method in ("sub", "subn"):
            return getattr(pattern, method)(given[:0], given)
        found = getattr(pattern, method)(given)
        return list(found) if method == "finditer" else found

    return use


def repeated(before: str, piece: str, behind: str) -> Callable[[int], str]:
    """A text of about so many characters."""
    return lambda size: before + piece * (size // len(piece)) + behind


@pytest.mark.parametrize("used", PATTERNS, ids=[used.where for used in PATTERNS])
def test_no_pattern_runs_away_on_any_run_of_characters(used: Used) -> None:
    slow = []
    for before, piece in attacks(used.pattern):
        for behind in ("", "x" * 40 + "!"):
            for method in used.methods:
                if not is_linear(user(used.pattern, method), repeated(before, piece, behind)):
                    slow.append((method, before, piece, behind))
        assert not slow, used.pattern.pattern


def test_every_pattern_is_known_here() -> None:
    assert set(UNKNOWN) == MADE_AT_RUN_TIME
    assert len(PATTERNS) > 200


# --- Functions that take a whole text ---------------------------------------------------------------------------------

TODAY = date(2026, 3, 1)
TOPICS = compile_topics(load_config(CHECKOUT).topics)
FRAME = words_of("ru")


def _article(text: str) -> Article:
    paragraphs = tuple(text[start : start + 400] for start in range(0, len(text), 400))
    return Article(paragraphs, "T", authors=(), published=None, date_origin=None, language=None, method="test")


def _shown(text: str) -> object:
    body = f"<html><body><h1>Headline of it</h1><p>6{text}ноября 2025</p><p>{text}</p></body></html>"
    return visible_date(document_fromstring(body), ["Headline of it"], zone=UTC, today=TODAY)


FUNCTIONS: dict[str, Callable[[str], object]] = {
    "visible_date": _shown,
    "dateline_day": lambda text: dateline_day([f"ASTANA{text}", text], zone=UTC, today=TODAY),
    "judge": lambda text: TOPICS.judge(_article(text)),
    "screen": lambda text: TOPICS.screen(text),
    "kind_of_line": kind_of_line,
    "without_site_lines": lambda text: without_site_lines([text, *text.split(" ")[:50]], lambda _: False),
    "is_prose": is_prose,
    "clean_block": clean_block,
    "count_words": count_words,
    "tokens": tokens,
    "identify": identify,
    "plain": plain,
    "as_html": as_html,
    "repaired": repaired,
    "masked": masked,
    "sentences": lambda text: split_sentences(text, language="ru", most=100),
    "similarity": similarity.prepare,
    "signature": fingerprints.signature,
    "stems": stems,
    "readable": lambda text: readable("(госдеп*|Бел(ый|ого) (дом|дома))", text),
    "readable term": lambda text: readable(text, text),
    "reason": FRAME.reason,
    "snippet": lambda text: snippet(text, parse_query("мост"), marks=("", "")),
}
PIECES = (
    *(" ", "\t", "\n", "1", "a", "б", "中", ".", "-", "«", '"', "(", "<", "<a ", "&", "&#", "/", "|", "]]>", "<!--"),
    *(
        "1 ",
        "2025 ",
        "6 ноября ",
        "10:30 ",
        "a. ",
        "A. ",
        "б, ",
        " - ",
        "comments 9 ",
        "share on ",
        "read more ",
        "https://",
    ),
    "nothing new for its longest pause so far was ",
    "texts of words where were usual ",
    "Президент Казахстана принял послов США и передал им ноты. ",
    "托卡耶夫总统在首都会见美国代表团，双方谈到贸易与投资。",
)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_function_takes_out_of_proportion_long_for_a_longer_text(name: str) -> None:
    work = FUNCTIONS[name]
    work("слово")  # what is loaded or compiled at the first call
    slow = [
        (piece, behind)
        for piece in PIECES
        for behind in ("", "x" * 40 + "!")
        if not is_linear(work, repeated("", piece, behind), times=5)
    ]
    assert not slow
