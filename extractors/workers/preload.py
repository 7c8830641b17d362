"""Imported by the fork server alone: what every child process needs, loaded once and shared by all of them."""

from datetime import UTC, date

from lxml.html import document_fromstring

from extractors import language
from extractors.blocks.lines import kind_of_line
from extractors.dates.visible import visible_day
from extractors.economies import load_stop_words
from extractors.feeds import parsing
from extractors.pages import article

# These only load the model that tells languages apart, and compile the patterns of `config/languages/`.
language.identify("Эта строка только загружает модель, которая определяет язык.")
load_stop_words()
kind_of_line("6 ноября 2025")
visible_day(document_fromstring("<h1>a</h1><p>6 ноября 2025, в 12:30"), ["a"], zone=UTC, today=date(2025, 11, 7))

__all__ = ["article", "parsing"]
