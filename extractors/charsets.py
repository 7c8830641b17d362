"""Charsets as browsers take them (https://encoding.spec.whatwg.org/), for pages and feeds alike.

A label names a codec, and a codec makes text of bytes, as in browsers: "iso-8859-9" is windows-1254, bytes that a
code page leaves undefined are control characters. Where nothing is stated, or what is stated makes no sense, a guess
looks at the letters. Text that was read by the wrong charset ("РњРѕСЃС‚", "Ìîñò", "лНЯР") is recognised as such.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from itertools import chain, islice

from w3lib.encoding import resolve_encoding

_MARKS = (
    # UTF-32 first: its little-endian mark begins with that of UTF-16.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# The codecs that browsers know, and two code pages for Kazakh. Python has more: some interpret escapes, cost quadratic
# time, or hide ASCII.
_KNOWN = frozenset(
    ["utf-8", "utf-16-le", "utf-16-be", "cp866", "koi8-r", "koi8-u", "mac-roman", "mac-cyrillic", "cp874", "gb18030"]
    + ["big5hkscs", "euc_jp", "iso2022_jp", "cp932", "cp949", "kz1048", "ptcp154"]
    + [f"cp125{page}" for page in range(9)]
    + [f"iso8859-{part}" for part in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)]
)
_CODE_PAGE = re.compile(r"(?:x-|ms-?)?(?:cp|win|windows|ansi|ibm|dos|codepage)?[-_ ]?(125[0-8]|866|874|932|949)(?!\d)")
_OTHER_LABELS = {
    "x-mac-cyrillic": "mac-cyrillic", "x-mac-ukrainian": "mac-cyrillic", "koi8-ru": "koi8-u", "koi8": "koi8-r",
    "unicode-1-1-utf-8": "utf-8", "utf": "utf-8", "unicode": "utf-16-le", "ucs-2": "utf-16-le", "utf-16": "utf-16-le",
    "iso-10646-ucs-2": "utf-16-le", "iso-8859-8-i": "iso8859-8", "logical": "iso8859-8", "936": "gb18030",
    "cp936": "gb18030", "windows-936": "gb18030", "big5-hkscs": "big5hkscs", "kz-1048": "kz1048", "rk1048": "kz1048",
    "x-user-defined": "cp1252",
}  # fmt: skip
_CYRILLIC = ("cp1251", "koi8-r", "iso8859-5", "cp866")
_UNDEFINED = "c5watch-undefined"
_SOUND_TO_DAMAGED = (
    10  # one damaged letter to so many sound ones is damage; windows-1251 read as UTF-8 is nearly all that
)

_HIGH_RUN = re.compile(rb"([A-Za-z]?)([\x80-\xff]+)(?=([A-Za-z]?))")
_BEYOND = re.compile(r"[^\x00-\x7f]+")
_WRONG = re.compile(r"[\ufffd\x80-\x9f]")
_ALL_ACCENTED = re.compile(r"[\xa8-\u017f]{4,}")
SAMPLE = 200_000  # bytes of which a guess is made
RUNS = 300  # words of which it is made, and by which a text is known as mojibake
FEW_RUNS = 50  # for what costs more
# These fifteen are two thirds of all letters, or more, in any text of ours in Russian, Kazakh, Kyrgyz, Tajik or Uzbek.
# Read by the wrong charset they become others, and the share is a half at most.
_FREQUENT = frozenset("оеаинтсрвлдкмыб")
_FREQUENT_SHARE = 0.6
FEWEST_LETTERS = 4
ENOUGH_LETTERS = 40  # to tell capitals that were small letters from a name in capitals

_DECLARATION = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']\s*([A-Za-z0-9._:-]{1,40})")


def _as_control(error: UnicodeError) -> tuple[str, int]:
    """Take an undefined byte of a code page for a control character, as browsers do; anything else is U+FFFD."""
    assert isinstance(error, UnicodeDecodeError)
    byte = error.object[error.start]
    is_undefined = error.encoding.startswith("charmap") and 0x80 <= byte < 0xA0
    return (chr(byte) if is_undefined else "\ufffd"), error.start + 1 if is_undefined else error.end


codecs.register_error(_UNDEFINED, _as_control)
_EIGHT_BITS = bytes(range(0x80, 0x100))
_BYTES_OF = [  # from the characters of a code page to those of Latin-1, which are numbered as its bytes
    str.maketrans(_EIGHT_BITS.decode(codec, errors=_UNDEFINED), _EIGHT_BITS.decode("latin-1"))
    for codec in ("cp1251", "cp1252", "koi8-r", "cp866", "cp1254")
]
# For each of them the characters that stand for a first byte of UTF-8, and for one that follows it.
_FIRST, _FOLLOWING = (
    [
        frozenset(c for c in map(chr, {*bytes_of, *range(0x80, 0x100)}) if bytes_of.get(ord(c), ord(c)) in those)
        for bytes_of in _BYTES_OF
    ]
    for those in (range(0xC2, 0xF5), range(0x80, 0xC0))
)


def codec_of(label: str | None) -> str | None:
    """Return Python's name of the codec that browsers use for a label; None if they know none."""
    plain = re.split(r"[;,\s]", (label or "").strip(" \t\r\n\f\"';,").lower(), maxsplit=1)[0].strip("\"'")
    if not plain or not plain.isascii() or not plain.isprintable():
        return None
    if page := _CODE_PAGE.fullmatch(plain):
        return f"cp{page[1]}"
    name = _OTHER_LABELS.get(plain) or resolve_encoding(plain)
    return name if name in _KNOWN else None


def xml_codec(body: bytes) -> str | None:
    """Return the codec that the XML declaration at the beginning of a document names."""
    declaration = _DECLARATION.search(body, 0, 1024)
    return codec_of(declaration[1].decode("ascii")) if declaration else None


def marked_codec(body: bytes) -> str | None:
    """Return the codec that the first bytes of a document tell: a byte order mark, or NULs beside ASCII."""
    for mark, codec in _MARKS:
        if body.startswith(mark):
            return codec
    start = body[:64]
    if start.count(0) * 3 < len(start) or len(start) < 2:
        return None
    return "utf-16-le" if start[1::2].count(0) > start[::2].count(0) else "utf-16-be"


def decode_as(body: bytes, codec: str) -> str | None:
    """Return the text of `body` without byte order mark; None if it is no such text: more than a little is damaged."""
    text = body.decode(codec, errors=_UNDEFINED).removeprefix("\ufeff")
    damaged = text.count("\ufffd")
    if damaged and sum(not c.isascii() for c in text) - damaged <= _SOUND_TO_DAMAGED * damaged:
        return None
    return text


def first_sound(body: bytes, stated: Iterable[str | None]) -> tuple[str, str] | None:
    """Return the text of `body`, and the codec: the first of the `stated` ones that makes sense of it.

    What carries a mark, or is UTF-8, is that, whatever is stated. None: nothing makes sense, or all is ASCII.
    """
    if codec := marked_codec(body):
        return body.decode(codec, errors="replace").removeprefix("\ufeff"), codec
    tried = set[str]()
    for codec in chain(["utf-8"], stated):  # what is stated is looked for only when UTF-8 has failed
        # XML 1.0, appendix F: a declaration that reads as ASCII is in no UTF-16.
        if codec is None or codec in tried or codec.startswith("utf-16") or (body.isascii() and codec != "iso2022_jp"):
            continue
        tried.add(codec)
        text = decode_as(body, codec)
        if text is not None and not is_mojibake(text):
            return text, codec
    return None


def guess(body: bytes) -> str | None:
    """Return the codec of an undeclared text with Cyrillic or Latin letters; None if it is neither."""
    beside_latin: list[bytes] = []
    alone: list[bytes] = []
    for run in _HIGH_RUN.finditer(body, 0, SAMPLE):
        if (run[1] or run[3]) and len(run[2]) < 3:
            beside_latin.append(run[2])
        elif len(run[2]) > 1:
            alone.append(run[2])
    if len(beside_latin) > len(alone):
        return _latin_codec(b"".join(beside_latin))
    sample = b" ".join(alone[:RUNS])
    share, codec = max((_frequent_share(sample.decode(codec, errors="replace")), codec) for codec in _CYRILLIC)
    return codec if share >= _FREQUENT_SHARE else None


def _latin_codec(letters: bytes) -> str:
    """Return the code page of a text in Latin letters, given those beyond ASCII.

    Its signs are letters that are rare or none in the others: ş of windows-1250 (Turkmen), ş, ı, ğ of windows-1254.
    """
    if letters.count(b"\xba") * 30 > len(letters):
        return "cp1250"
    turkish = sum(map(letters.count, (b"\xfe", b"\xfd", b"\xf0")))
    return "cp1254" if turkish * 4 > len(letters) else "cp1252"


def is_mojibake(text: str) -> bool:
    """Say whether most words beyond ASCII in a text, or in the source of a page, were read by the wrong charset."""
    beyond = "\n".join(line for line in text.split("\n") if not line.isascii())  # of English pages next to nothing
    runs = list(islice(_BEYOND.finditer(beyond), RUNS))
    long = [run[0] for run in runs if run.end() - run.start() > 1]
    letters, some = "".join(long), long[:FEW_RUNS]
    if len(letters) < FEWEST_LETTERS:
        return False
    if 3 * len(_WRONG.findall(letters)) > len(letters) or 2 * sum(map(_is_utf8_twice, some)) > len(some):
        return True
    if 2 * sum(_ALL_ACCENTED.fullmatch(run[0]) is not None and _is_alone(run) for run in runs) > len(runs):
        return True
    cyrillic = " ".join(run for run in long if "\u0400" <= run[0] < "\u0530")
    capitals = sum(map(str.isupper, cyrillic))
    return 2 * capitals > len(cyrillic) >= ENOUGH_LETTERS and _frequent_share(cyrillic) < _FREQUENT_SHARE


def _is_alone(run: re.Match[str]) -> bool:
    """Say whether no ASCII letter stands beside the run."""
    around = run.string[max(0, run.start() - 1) : run.start()] + run.string[run.end() : run.end() + 1]
    return not any(c.isascii() and c.isalpha() for c in around)


def _frequent_share(text: str) -> float:
    """Return the share of the frequent letters in the words beyond ASCII; a capital within a word is none of them."""
    frequent = letters = 0
    for word in text.split():
        own = word.lower() if word.isupper() else word[0].lower() + word[1:]
        frequent += sum(c in _FREQUENT for c in own)
        letters += sum(c > "\x7f" for c in own)
    return frequent / max(1, letters)


def _is_utf8_twice(run: str) -> bool:
    """Say whether the characters, two at least, are the bytes of UTF-8, read as a code page."""
    for bytes_of, first, following in zip(_BYTES_OF, _FIRST, _FOLLOWING, strict=True):
        if run[0] not in first or run[1] not in following:  # as for nearly every word, at a tenth of the cost
            continue
        try:
            run.translate(bytes_of).encode("latin-1").decode("utf-8")
        except UnicodeError:
            continue
        return True
    return False
