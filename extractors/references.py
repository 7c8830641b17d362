"""Resolve references to addresses as browsers do (https://url.spec.whatwg.org/, 4.4), for http and https.

Python's urljoin and httpx follow RFC 3986, which knows no backslashes, no `http:/host`, and no blanks around it.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote, unquote, urljoin

_EDGES = "".join(map(chr, range(0x21)))  # C0 controls and the space
_BREAKS = re.compile(r"[\t\n\r]")
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):")
_WEB = ("http", "https")
_PARTS = re.compile(r"(https?://)([^/?#]*)(.*)", re.DOTALL)


def absolute(reference: str, *, base: str) -> str | None:
    """Return the address that browsers open for `reference` on the page at `base`; None if it is no http(s) address.

    It may still be invalid, such as one with an impossible port. Characters that cannot be seen are percent-encoded.
    """
    text = _BREAKS.sub("", reference.strip(_EDGES))
    scheme = base.partition(":")[0].lower()
    if stated := _SCHEME.match(text):
        text = text[stated.end() :]
        if stated[1].lower() not in _WEB:
            return None
        if stated[1].lower() != scheme:
            scheme, text = stated[1].lower(), "//" + text
    rest = re.search(r"[?#]", text)
    end = rest.start() if rest else len(text)
    path = text[:end].replace("\\", "/")
    if path.startswith("//"):
        return _seen(f"{scheme}://{path.lstrip('/')}{text[end:]}")
    try:
        return _seen(urljoin(base, path + text[end:]))
    except ValueError:  # `base` is no address: "http://["
        return None


def _seen(url: str) -> str:
    """Percent-encode the characters that cannot be seen; decode the host and drop them there (UTS 46, 4)."""
    parts = _PARTS.fullmatch(url)
    if parts is None or (url.isascii() and url.isprintable() and " " not in url and "%" not in parts[2]):
        return url
    host = "".join(c for c in unquote(parts[2]) if unicodedata.category(c) != "Cf")
    rest = (c if c.isprintable() and c != " " else quote(c, errors="replace") for c in parts[3])
    return parts[1] + host + "".join(rest)
