"""Imported by the fork server alone: what every child process needs, loaded once and shared by all of them."""

from extractors import article, feeds, language

language.identify("Эта строка только загружает модель, которая определяет язык.")

__all__ = ["article", "feeds"]
