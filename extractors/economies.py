"""Ways to spare trafilatura and justext work, without changing what they find; a test compares.

- Their search for consent banners calls Python twice for each element of a page, as XPath has no regular expressions of
  its own. Few pages have such names at all, and a page has dozens of names for its hundreds of elements.
- justext makes a paragraph's text anew each time it looks at it, notes a path for each that nobody reads, and holds its
  stop words twice: a tuple of them, hashed once a page, and a set.
"""

from __future__ import annotations

import re
from functools import cached_property, lru_cache
from typing import Any

from justext import core
from lxml.etree import XPath
from lxml.html import HtmlElement
from trafilatura import baseline, external, settings

_ALL: Any = settings.BASIC_CLEAN_XPATH
_CONSENT = re.compile(settings._COOKIE_CONSENT_RE, re.IGNORECASE)
_BUT_CONSENT: Any = XPath(_ALL.path.rpartition("|.//*[re:test")[0])
_NAMES: Any = XPath(".//@class|.//@id", smart_strings=False)


class _Paragraph(core.Paragraph):  # type: ignore[misc]
    @cached_property
    def text(self) -> str:
        return str(super().text)


def economise() -> None:
    """Make trafilatura and justext of this process do so."""
    modules: tuple[Any, ...] = (baseline, core)
    modules[0].BASIC_CLEAN_XPATH = _unwanted
    modules[1].Paragraph = _Paragraph
    core.PathInfo.xpath = ""
    core.define_stoplist = frozenset  # without `lower`: the words come in small letters


def load_stop_words() -> None:
    """Load justext's stop words of all languages, which takes a third of a second."""
    module: Any = external
    module.JT_STOPLIST = frozenset(external.jt_stoplist_init())


def _unwanted(tree: HtmlElement) -> list[HtmlElement]:
    """Return what BASIC_CLEAN_XPATH finds."""
    return list((_ALL if any(map(_asks_consent, set(_NAMES(tree)))) else _BUT_CONSENT)(tree))


@lru_cache(maxsize=4096)
def _asks_consent(name: str) -> bool:
    return _CONSENT.search(name) is not None
