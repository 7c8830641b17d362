"""What is known of the pages of single sites (`config/sites/`), and how it is applied before the general way.

A rule's part that finds nothing on a page leaves that page to the general way; it is named in the article's
`unmatched`, from which the source's health is judged.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from functools import cache
from typing import Any

from lxml import etree
from lxml.html import HtmlElement
from lxml.html.builder import BODY, HTML

from extractors.pages.job import SiteRule
from extractors.records import DateCandidate
from extractors.text import clean_line


def narrowed(tree: HtmlElement, rule: SiteRule) -> HtmlElement:
    """Return a page with only what `rule` calls its text, and without what it strips. The given tree stays as it is."""
    parts = _outermost(_elements(tree, rule.body)) if rule.body else []
    if not parts and not rule.strip:
        return tree
    # What is stripped is looked for on the whole page, which an expression may speak of, and taken off a copy.
    unwanted = {element for expression in rule.strip for element in _elements(tree, expression)}
    copies = [_copy_without(part, unwanted) for part in (parts or [tree]) if part not in unwanted]
    return HTML(BODY(*copies)) if parts else (copies or [tree])[0]


def stated_text(tree: HtmlElement, rule: SiteRule) -> str | None:
    """Return what the rule's `date` finds: the first text, attribute or element with anything in it."""
    if rule.date is None:
        return None
    found = _compiled(rule.date)(tree)
    for one in found if isinstance(found, list) else [found]:
        if isinstance(one, HtmlElement):
            one = one.get("datetime") or one.get("content") or one.text_content()
        if isinstance(one, str) and clean_line(one):
            return clean_line(one)
    return None


def unmatched(tree: HtmlElement, rule: SiteRule, dates: Iterable[DateCandidate]) -> tuple[str, ...]:
    """Return which parts of the rule found nothing on the page; `dates` are the article's."""
    missed = [] if rule.body is None or _elements(tree, rule.body) else ["body"]
    dated = rule.date is None or any(candidate.origin == "rule" for candidate in dates)
    return (*missed, *(() if dated else ("date",)))


@cache
def _compiled(expression: str) -> Any:
    return etree.XPath(expression)


def _elements(tree: HtmlElement, expression: str) -> list[HtmlElement]:
    return [found for found in _compiled(expression)(tree) if isinstance(found, HtmlElement)]


def _outermost(elements: list[HtmlElement]) -> list[HtmlElement]:
    """Leave out those that stand in another one: their text would come twice."""
    chosen = set(elements)
    return [element for element in elements if not any(ancestor in chosen for ancestor in element.iterancestors())]


def _copy_without(part: HtmlElement, unwanted: set[HtmlElement]) -> HtmlElement:
    positions = [position for position, element in enumerate(part.iter()) if element in unwanted]
    copy = deepcopy(part)
    copy.tail = None
    every = list(copy.iter())
    for position in positions:
        if every[position].getparent() is not None:
            every[position].drop_tree()
    return copy
