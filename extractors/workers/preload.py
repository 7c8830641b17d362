"""Imported by the fork server alone: what every child process needs, loaded once and shared by all of them."""

from extractors import language
from extractors.feeds import parsing
from extractors.pages import article

language.identify("Эта строка только загружает модель, которая определяет язык.")

__all__ = ["article", "parsing"]
