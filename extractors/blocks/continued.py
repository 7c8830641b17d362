"""Whether an article says that it is not whole yet: "more details to follow"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from config.languages import Languages, languages
from config.phrases import any_of

LAST_LINES = 2


def is_continued(title: str | None, paragraphs: Sequence[str]) -> bool:
    """Return whether it says so where articles do: in the headline, the first or the last lines."""
    said = (title or "", *paragraphs[:1], *paragraphs[-LAST_LINES:])
    return any(map(_pattern(languages()).search, said))


@cache
def _pattern(known: Languages) -> re.Pattern[str]:
    phrases = any_of(phrase for language in known for phrase in language.pages.continued)
    return re.compile(rf"\b{phrases}", re.IGNORECASE)
