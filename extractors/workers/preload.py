"""Imported by the fork server alone: what every child process needs, loaded once and shared by all of them."""

import sys
from datetime import UTC, date
from types import TracebackType

from lxml.html import document_fromstring

from extractors import language
from extractors.blocks.lines import kind_of_line
from extractors.dates.visible import visible_date
from extractors.economies import load_stop_words
from extractors.feeds import parsing
from extractors.pages import article

# These only load the model that tells languages apart, and compile the patterns of `config/languages/`.
language.identify("This line only loads the model that tells languages apart.")
kind_of_line("06.11.2025")
load_stop_words()
visible_date(document_fromstring("<h1>a</h1><p>06.11.2025, 12:30"), ["a"], zone=UTC, today=date(2025, 11, 7))


def _say_unless_told_to_end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print why a child could not start, unless the program has ended meanwhile and taken their common locks away."""
    if not isinstance(error, FileNotFoundError | EOFError):
        sys.__excepthook__(kind, error, trace)


sys.excepthook = _say_unless_told_to_end

__all__ = ["article", "parsing"]
