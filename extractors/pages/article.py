"""From a page to an article: text, headline, authors, day, language.

trafilatura finds the text; what the page states for machines gives the rest, and htmldate searches for a date only
where nothing states one. The page is parsed once. Runs in child processes (`extractors.workers.pool`), because a page
is a stranger's input of any size and shape.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

from lxml.html import HtmlElement

from extractors.blocks.lines import is_prose
from extractors.blocks.memory import page_lines
from extractors.blocks.places import lines_in, squeezed
from extractors.dates import choice as dates
from extractors.dates.stated import Stated, exact, read_stated, time_of_day
from extractors.dates.visible import dateline_day, labelled_date, visible_date, without_furniture
from extractors.dates.worded import mentions, writes_month_first
from extractors.html import decoded, tree_of
from extractors.language import identify
from extractors.pages import steps
from extractors.pages.job import ArticleJob, SiteRule
from extractors.pages.links import other_editions, outward_links
from extractors.pages.metadata import Metadata, read_metadata, stated_dates
from extractors.pages.not_article import why_no_article
from extractors.pages.rules import narrowed, stated_text, unmatched
from extractors.pages.screen import Screened
from extractors.pages.steps import Draft, Removed
from extractors.records import Article, DateCandidate, ItemError, Outcome

OUTSIDE, HIDDEN = "outside", "unseen"  # in the trace: prose that no step took out
_REFERENCE = re.compile(rb"&#(?:0*([0-9]{1,8})|[xX]0*([0-9a-fA-F]{1,7}));?")


def extract(job: ArticleJob) -> Article:
    """Return the article on a page. Raises ItemError (NOT_ARTICLE, TOO_SHORT, PAYWALLED …) when there is none."""
    return _extracted(job)[0]


def extract_with_trace(job: ArticleJob) -> tuple[Article, list[Removed]]:
    """Return the article on a page, and what is not in its text: each line that a step took out, and other prose.

    Raises ItemError like `extract`.
    """
    article, draft, trace = _extracted(job)
    return article, trace + left_out(draft, [one.line for one in trace])


def left_out(draft: Draft, known: Iterable[str]) -> list[Removed]:
    """Return what reads like prose on the page and is neither in the text nor `known`: hidden, or outside the text."""
    told = {squeezed(line) for line in known}
    text = "".join(squeezed(block) for block in draft.blocks)
    parts = [(HIDDEN, element) for element in draft.unseen] + [(OUTSIDE, draft.tree)]
    found: dict[str, Removed] = {}
    for step, element in parts:
        for line in lines_in(element):
            key = squeezed(line.text)
            if is_prose(line.text) and key not in told and key not in text:
                found.setdefault(key, Removed(step, line.text))
    return list(found.values())


def _extracted(job: ArticleJob) -> tuple[Article, Draft, list[Removed]]:
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)  # its warnings repeat what our outcome says
    url = job.page.url
    source, is_sound = decoded(without_control_references(job.page.body), job.page.charset)
    tree = tree_of(source)
    if tree is None:
        raise ItemError(Outcome.NOT_ARTICLE, "not html", url=url)
    if not is_sound:
        raise ItemError(
            Outcome.FAILED, "unreadable characters", url=url, detail=f"charset {job.page.charset or 'not stated'}"
        )
    if job.screen and (lacking := job.screen.lacking(tree, job.entry)):
        raise Screened(url=url, detail=lacking, day=stated_day(tree, job))
    metadata = read_metadata(tree, zone=job.zone, told=job.entry.title, near=feed_day(job))
    titles = metadata.titles or ((job.entry.title,) if job.entry.title else ())
    content = tree if job.rule is None else narrowed(tree, job.rule)
    draft = Draft(job, content, metadata, titles, [])
    trace = steps.run(draft)
    paragraphs = draft.blocks
    text = "\n\n".join(paragraphs)
    if error := why_no_article(draft):
        raise error
    if draft.payload and draft.payload.published and (stated := read_stated(draft.payload.published, job.zone)):
        metadata = replace(metadata, dates=(*metadata.dates, DateCandidate(stated.day, "script", stated.moment)))
    candidates = date_candidates(tree, metadata, job, paragraphs)
    chosen = dates.choose(candidates, today=today_of(job), changed=metadata.changed)
    published_at = time_of_publication(tree, metadata, job, chosen, candidates) if chosen else None
    article = Article(
        paragraphs=tuple(paragraphs),
        title=titles[0] if titles else None,
        authors=metadata.authors,
        published=chosen.day if chosen else None,
        date_origin=chosen.origin if chosen else None,
        language=identify(text) or metadata.language,
        method=draft.method,
        canonical_link=metadata.canonical_link,
        dates=tuple(candidates),
        alternates=other_editions(metadata.alternates, page=url),
        links=outward_links(content, paragraphs, page=url),
        unmatched=None if job.rule is None else unmatched(tree, job.rule, candidates),
        lines=page_lines(titles[0] if titles else None, paragraphs),
        published_at=published_at,
    )
    return article, draft, trace


def without_control_references(body: bytes) -> bytes:
    """Return the page without references (`&#31;`) to what XML cannot hold: trafilatura drops the whole text for it."""

    def kept(reference: re.Match[bytes]) -> bytes:
        code = int(reference[1]) if reference[1] else int(reference[2], 16)
        allowed = (
            code in (0x9, 0xA, 0xD) or 0x20 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or 0xFFFF < code < 0x110000
        )
        return reference[0] if allowed else b""

    return _REFERENCE.sub(kept, body)


def stated_day(tree: HtmlElement, job: ArticleJob) -> date | None:
    """Return the day of publication as far as page or address state it for machines."""
    found = stated_dates(tree, zone=job.zone, near=feed_day(job))
    if day := dates.day_in_url(job.page.url, job.zone):
        found.append(DateCandidate(day, "url"))
    chosen = dates.choose(found, today=job.now.astimezone(job.zone).date())
    return chosen.day if chosen else None


OUTSIDE_THE_PAGE = frozenset({"feed", "url"})


def today_of(job: ArticleJob) -> date:
    """Return the day in the publisher's zone on which the job is done."""
    return job.now.astimezone(job.zone).date()


def feed_day(job: ArticleJob) -> date | None:
    """Return the day that the feed gives the article, in the publisher's zone."""
    return None if job.entry.published is None else job.entry.published.astimezone(job.zone).date()


def date_candidates(
    tree: HtmlElement, metadata: Metadata, job: ArticleJob, paragraphs: Sequence[str]
) -> list[DateCandidate]:
    """Return every date that is stated or found, with its origin; the tree, not spent yet, is left as it is."""
    today = today_of(job)
    found = list(metadata.dates)
    if (told := feed_day(job)) is not None:
        assert job.entry.published is not None
        found.append(DateCandidate(told, "feed", exact(job.entry.published.astimezone(job.zone), UTC)))
    if day := dates.day_in_url(job.page.url, job.zone):
        found.append(DateCandidate(day, "url"))
    known = dates.possible(found, today=today)
    reference = next((c.day for c in known if c.origin in OUTSIDE_THE_PAGE), None)
    if job.rule and (stated := date_by_rule(tree, job.rule, job, reference)):
        return [DateCandidate(stated.day, "rule", stated.moment), *found]
    if day := dateline_day(paragraphs, zone=job.zone, today=today, reference=reference):
        found.append(DateCandidate(day, "dateline"))
    titles = (*metadata.titles, job.entry.title or "")
    find = (
        visible_date if not is_settled(known, today=today) else labelled_date if is_of_change(known, metadata) else None
    )
    if find and (shown := find(tree, titles, zone=job.zone, today=today, reference=reference)):
        found.append(DateCandidate(shown.day, "visible", shown.moment))
    if not dates.possible(found, today=today):
        day = dates.search_day(without_furniture(tree), job.page.url, job.zone, today=today)
        found += [DateCandidate(day, "htmldate")] if day else []
    return found


def time_of_publication(
    tree: HtmlElement, metadata: Metadata, job: ArticleJob, chosen: DateCandidate, candidates: Sequence[DateCandidate]
) -> datetime | None:
    """Return the time on the chosen day: as it was found with the day, else as the page shows it beside this day."""
    if (moment := dates.time_of(chosen, candidates, now=job.now)) or any(c.origin == "visible" for c in candidates):
        return moment
    titles = (*metadata.titles, job.entry.title or "")
    shown = visible_date(tree, titles, zone=job.zone, today=today_of(job), reference=chosen.day, anywhere=False)
    if shown is None or shown.day != chosen.day:
        return None
    return dates.time_of(chosen, [DateCandidate(shown.day, "visible", shown.moment)], now=job.now)


def date_by_rule(tree: HtmlElement, rule: SiteRule, job: ArticleJob, reference: date | None) -> Stated | None:
    """Return the date that our rule for the site finds; a missing year is that of `reference`, else the last one."""
    text = stated_text(tree, rule)
    if text is None:
        return None
    today = today_of(job)
    stated = read_stated(text, job.zone)
    if stated is None:
        shown = mentions(text, month_first=writes_month_first(job.zone))
        day = shown[0].on(reference or today, latest=today) if len(shown) == 1 else None
        stated = Stated(day, time_of_day(day, text[shown[0].end :], job.zone)) if day else None
    return stated if stated is not None and dates.EARLIEST <= stated.day <= today else None


def is_of_change(known: Sequence[DateCandidate], metadata: Metadata) -> bool:
    """Say whether the stated day is also that of a change, and nothing from outside the page speaks for it."""
    return all(c.day in metadata.changed and c.origin not in OUTSIDE_THE_PAGE for c in known)


def is_settled(known: Sequence[DateCandidate], *, today: date) -> bool:
    """Say whether what is stated names one day, and not only the day that a page made anew might state by itself."""
    days = {c.day for c in known}
    return len(days) == 1 and (days != {today} or any(c.origin in OUTSIDE_THE_PAGE for c in known))
