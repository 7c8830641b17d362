"""Names in a text, and the key by which one name is known in any spelling.

A name is recognised by its consonants in Latin letters ("Мирзиёевым", "Mirziyoyev"): spellings differ in vowels,
endings and doublings.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache, lru_cache

from config.languages import Languages, languages
from config.phrases import any_of

_CAPITALS = "A-ZА-ЯЁӘҒҚҢӨҰҮҺІЎҲҶӢӮЄЇҐ"
_CAPITAL = re.compile(rf"(?<![\w'’ʻ‘ʼ`-])[{_CAPITALS}][^\W\d_]*(?:['’ʻ‘ʼ`-][^\W\d_]+)*")
_SENTENCE_START = re.compile(r"^(?=\W*$)|(?<=\w)(?=\W*$)\W*?(?:[.!?…:\n—–•]|\s-)")
_APOSTROPHES = re.compile(r"['’ʻ‘ʼ`]s?\b|['’ʻ‘ʼ`-]")

_CYRILLIC = str.maketrans({
    "а": "a", "ә": "a", "б": "b", "в": "v", "г": "g", "ғ": "g", "д": "d", "е": "e", "ё": "o", "ж": "j", "җ": "j",
    "ҷ": "j", "з": "z", "и": "i", "і": "i", "ӣ": "i", "й": "i", "к": "k", "қ": "k", "л": "l", "м": "m", "н": "n",
    "ң": "n", "о": "o", "ө": "o", "п": "p", "р": "r", "с": "s", "т": "t", "у": "u", "ұ": "u", "ү": "u", "ӯ": "u",
    "ў": "o", "ф": "f", "х": "", "ҳ": "", "һ": "", "ц": "ts", "ч": "C", "ш": "S", "щ": "S", "ъ": "", "ы": "i", "ь": "",
    "э": "e", "ю": "u", "я": "a", "є": "e", "ї": "i", "ґ": "g",
})  # fmt: skip
# Letter groups for a single sound in English and in Latin Uzbek.
_LATIN = {
    "tch": "C", "dzh": "j", "sch": "S", "zh": "j", "kh": "", "gh": "g", "sh": "S", "ch": "C", "ph": "f", "th": "t",
    "ck": "k", "tz": "ts", "qu": "kv", "q": "k", "w": "v", "y": "i", "h": "", "x": "ks",
}  # fmt: skip
_LATIN_SOUND = re.compile("|".join(_LATIN))
_UZBEK_SOUND = {**_LATIN, "x": ""}


@cache
def _endings(known: Languages) -> dict[str, re.Pattern[str]]:
    """Return the endings of case and number, which follow names, by the language's code."""
    endings: dict[str, list[str]] = defaultdict(list)
    for code, language in known.by_code.items():
        endings[code.partition("-")[0]] += language.names.endings
    return {
        code: re.compile(rf"(?<=\w{{5}})(?:{'|'.join(map(re.escape, known_endings))})$")
        for code, known_endings in endings.items()
        if known_endings
    }


def capitals(text: str) -> Iterator[tuple[int, str, bool]]:
    """Yield each word with a capital letter: where it stands, the word, and whether it begins a sentence."""
    for match in _CAPITAL.finditer(text):
        start = match.start()
        yield start, match[0], _SENTENCE_START.search(text[max(0, start - 9) : start]) is not None


@lru_cache(maxsize=50_000)
def name_key(word: str, language: str | None, known: Languages) -> str | None:
    """Return the key of a capitalised word, None if too little is left of it. The key of an acronym is itself."""
    if word.isupper() and word.isascii() and len(word) <= 6:
        return f"={word.lower()}"
    lower = _APOSTROPHES.sub("", word.lower())
    if language and (endings := _endings(known).get(language)):
        lower = endings.sub("", lower)
    if lower.isascii():
        sounds = _UZBEK_SOUND if language == "uz" else _LATIN
        lower = _LATIN_SOUND.sub(lambda found: sounds[found[0]], lower)
        lower = re.sub("c(?=[eiy])", "s", lower).replace("c", "k")
    else:
        lower = lower.replace("дж", "ж").translate(_CYRILLIC)
    lower = re.sub(r"(.)\1+", r"\1", lower)
    consonants = _consonants(re.sub(r"(?<![aeoui])(?<![aeoui]m)(?:[aeoui]+m)*[aeoui]*$", "", lower))  # Russian endings
    if len(consonants) < 3:
        consonants = _consonants(lower)
    if len(consonants) >= 3:
        return consonants
    short = re.sub(r"(?<![aeoui])[aeoui]+$", "", lower)
    return short if len(short) >= 3 else None


def _consonants(word: str) -> str:
    return re.sub(r"(.)\1+", r"\1", re.sub(r"[aeoui]", "", word))


def tells_protocol(text: str) -> bool:
    """Return whether a text speaks of congratulations, credentials and the like (`protocol` in `config/languages/`)."""
    return _protocol(languages()).search(text) is not None


@cache
def _protocol(known: Languages) -> re.Pattern[str]:
    phrases = any_of(phrase for language in known for phrase in language.names.protocol)
    return re.compile(rf"(?<!\w)(?:{phrases})(?!\w)", re.IGNORECASE)
