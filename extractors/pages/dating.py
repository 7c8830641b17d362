"""The candidates for an article's day of publication, gathered from page, feed, address and text.

What costs time is asked only when the cheap statements leave a doubt: the page is searched for a visible date where
nothing is stated, where the statements differ, or where only the page speaks and names the very day on which it was
read; htmldate searches where there is still no date at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from lxml.html import HtmlElement

from extractors.dates import choice as dates
from extractors.dates.visible import dateline_day, visible_day, without_furniture
from extractors.dates.worded import mentions, writes_month_first
from extractors.pages.metadata import Metadata
from extractors.pages.rules import stated_text
from extractors.records import DateCandidate
from extractors.workers.tasks import ArticleJob, SiteRule

OUTSIDE_THE_PAGE = frozenset({"feed", "url"})


def today_of(job: ArticleJob) -> date:
    """The day in the publisher's zone on which the job is done."""
    return job.now.astimezone(job.zone).date()


def date_candidates(
    tree: HtmlElement, metadata: Metadata, job: ArticleJob, paragraphs: Sequence[str]
) -> list[DateCandidate]:
    """Every date that is stated or found, with its origin. The tree must not be spent yet; it is left as it is."""
    today = today_of(job)
    found = list(metadata.dates)
    if job.entry.published is not None:
        found.append(DateCandidate(job.entry.published.astimezone(job.zone).date(), "feed"))
    if day := dates.day_in_url(job.page.url):
        found.append(DateCandidate(day, "url"))
    known = dates.possible(found, today=today)
    reference = next((c.day for c in known if c.origin in OUTSIDE_THE_PAGE), None)
    if job.rule and (day := day_by_rule(tree, job.rule, job, reference)):
        return [DateCandidate(day, "rule"), *found]
    if day := dateline_day(paragraphs, zone=job.zone, today=today, reference=reference):
        found.append(DateCandidate(day, "dateline"))
    if not is_settled(known, today=today):
        titles = (*metadata.titles, job.entry.title or "")
        if day := visible_day(tree, titles, zone=job.zone, today=today, reference=reference):
            found.append(DateCandidate(day, "visible"))
    if not dates.possible(found, today=today):
        day = dates.search_day(without_furniture(tree), job.page.url, job.zone, today=today)
        found += [DateCandidate(day, "htmldate")] if day else []
    return found


def day_by_rule(tree: HtmlElement, rule: SiteRule, job: ArticleJob, reference: date | None) -> date | None:
    """The day that our rule for the site finds; a missing year is that of `reference`, else the last one."""
    stated = stated_text(tree, rule)
    if stated is None:
        return None
    today = today_of(job)
    day = dates.parse_day(stated, job.zone)
    if day is None:
        shown = mentions(stated, month_first=writes_month_first(job.zone))
        day = shown[0].on(reference or today, latest=today) if len(shown) == 1 else None
    return day if day is not None and dates.EARLIEST <= day <= today else None


def is_settled(known: Sequence[DateCandidate], *, today: date) -> bool:
    """Whether what is stated names one day, and not only the day that a page made anew might state by itself."""
    days = {c.day for c in known}
    return len(days) == 1 and (days != {today} or any(c.origin in OUTSIDE_THE_PAGE for c in known))
