"""Imported by the fork server alone: what every child process needs, loaded once and shared by all of them."""

from extractors import article, dates, feeds, language

language.identify("Эта строка только загружает модель, которая определяет язык.")
dates.date_parser().get_date_data("6 ноября 2025")

__all__ = ["article", "feeds"]
