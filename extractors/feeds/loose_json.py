"""Read JSON that a server has written something around: a PHP notice before it, a cache's comment after it."""

from __future__ import annotations

import json
import re
from typing import Any

ATTEMPTS = 50  # brackets at which reading may fail: notices hold a few, and hostile bodies a million
_BRACKET = re.compile(r"[\[{]")
_PAGE = re.compile(r"[\s\ufeff]*<(?:!doctype|html|head|body)\b", re.IGNORECASE)


def loose_json(text: str) -> Any:
    """Return the value of `text`, or else the longest object or list that stands in it whole.

    A web page is no JSON, whatever its scripts hold. Raises ValueError, or RecursionError for too many brackets.
    """
    text = text.strip("\ufeff \t\r\n\0")
    try:
        return json.loads(text, strict=False)
    except ValueError:
        if is_page(text) or (found := _longest(text)) is None:
            raise
    return found


def is_page(text: str) -> bool:
    """Say whether `text` begins as a web page does, and not as a notice put before something else."""
    return _PAGE.match(text) is not None


def _longest(text: str) -> Any:
    decoder = json.JSONDecoder(strict=False)
    found, length, position, failures = None, 0, 0, 0
    while failures < ATTEMPTS and (bracket := _BRACKET.search(text, position)):
        start = bracket.start()
        try:
            value, position = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            position, failures = start + 1, failures + 1
            continue
        if position - start > length:
            found, length = value, position - start
    return found
