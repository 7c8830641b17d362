"""Read and check `sites/<domain>.toml`: rules for the few sites whose pages the general way gets wrong.

A rule is XPath 1.0 on the page's HTML. It holds for the domain that its file is named after and for all hosts below it;
of several rules the closest holds. `extractors.pages.rules` applies it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from config.settings import Section, WebAddress

FOLDER = "sites"
_DOMAIN = re.compile(r"(?=.{4,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+")
_LITERAL = re.compile(r"'[^']*'|\"[^\"]*\"")
_FUNCTION = re.compile(r"(?<![\w.-])(?:[^\Wa-zA-Z_]|[.-])*([a-zA-Z_][\w.-]*(?::[\w.-]+)?)\s*\(")
_WORDS = (  # XPath 1.0: the functions of section 4, the node tests of 2.3, the operators of 3
    "last position count id local-name namespace-uri name string concat starts-with contains substring-before "
    "substring-after substring string-length normalize-space translate boolean not true false lang number sum floor "
    "ceiling round node text comment processing-instruction and or div mod"
)
_KNOWN = frozenset(_WORDS.split())


def _xpath(value: str) -> str:
    """Compile the expression and try it on an empty page, for only that finds an unknown prefix."""
    from lxml import etree

    bare = _LITERAL.sub("", value)
    # An unknown function would only be noticed on a page that has the elements before it.
    if unknown := next((name for name in _FUNCTION.findall(bare) if name not in _KNOWN), None):
        raise ValueError(f"expected only functions of XPath 1.0, which has no {unknown}()")
    if "$" in bare:
        raise ValueError("expected an XPath expression without variables")
    try:
        etree.XPath(value)(etree.fromstring("<html/>"))
    except (etree.XPathError, ValueError) as exc:
        raise ValueError(f"""expected an XPath 1.0 expression such as "//div[@class='text']" ({exc})""") from exc
    return value


def _of_elements(value: str) -> str:
    from lxml import etree

    if not isinstance(etree.XPath(value)(etree.fromstring("<html/>")), list):
        raise ValueError("expected an XPath expression that gives elements, not a text, number or truth value")
    return value


XPath = Annotated[str, Field(min_length=1), AfterValidator(_xpath)]
ElementsXPath = Annotated[XPath, AfterValidator(_of_elements)]


class Site(Section):
    """Content of a site's file: `body`, `strip` or `date`, and in `test` a page on which the rule was seen to work."""

    test: WebAddress
    body: ElementsXPath | None = None  # the elements that hold the text, in the order of the page
    strip: tuple[ElementsXPath, ...] = ()  # elements that are not the article's
    date: XPath | None = None  # the element, attribute or text that states the day of publication

    @model_validator(mode="after")
    def _says_something(self) -> Site:
        if self.body is None and self.date is None and not self.strip:
            raise ValueError("found no rule, expected at least one of body, strip and date")
        return self


def site_files(folder: Path) -> list[Path]:
    """Return the files of `folder`/sites, in the order of their names; none where the folder is missing."""
    return sorted(path for path in (folder / FOLDER).glob("*.toml") if path.is_file())


def misnamed(path: Path, site: Site | None) -> str | None:
    """Return the problem of a file's name as a sentence to follow it; None for a domain in small letters."""
    if not _DOMAIN.fullmatch(path.stem):
        return 'expected a domain in small letters as its name, such as "kun.uz.toml"'
    if site is not None and not covers(path.stem, urlsplit(site.test).hostname or ""):
        return f"test: found {site.test}, expected an address on {path.stem}"
    return None


def covers(domain: str, host: str) -> bool:
    """Say whether a rule for `domain` holds for pages of `host`."""
    return host == domain or host.endswith("." + domain)


def site_of(sites: Mapping[str, Site], url: str) -> Site | None:
    """Return the rule of the closest domain that `url` belongs to, or None."""
    try:
        host = (urlsplit(url).hostname or "").removesuffix(".")
    except ValueError:
        return None
    domain = max((domain for domain in sites if covers(domain, host)), key=len, default=None)
    return None if domain is None else sites[domain]
