"""On which day an article was published, in its publisher's own zone.

Every source of a date makes a candidate, and all are kept. One is chosen by these rules, in this order:

1. No date is better than a wrong one: days before the web's news sites and days to come are no candidates. What our own
   rule for the site finds is believed.
2. The day that most witnesses agree on is believed. Independent of each other are what the page states for machines
   (JSON-LD, meta, `<time>`), what it shows its readers, the dateline in its text, the feed, and the address. A day that
   address and page show, next to one that a stated moment means, speaks for that one: servers print in zones of theirs.
3. Where as many speak for several days, the day on which the page was read gives way to an earlier one, more than a day
   back: there are systems that state the present day on every page they make. One day can be a matter of zones. So does
   a stated day on which the page says it was changed, to the earlier one behind the page's "Published:"; and a day that
   lies years before the feed's to the feed's.
4. Then the order of `ORDER` decides: a statement made for machines is more often right than a date shown in the text.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo

import htmldate
from lxml.html import HtmlElement
from lxml.html.builder import HTML

from extractors.dates.addresses import address_days
from extractors.dates.stated import parse_day
from extractors.records import DateCandidate

ORDER = ("rule", "json-ld", "meta", "time", "script", "feed", "url", "visible", "dateline", "htmldate")
WITNESSES = {
    "json-ld": "machine",
    "meta": "machine",
    "time": "machine",
    "script": "machine",
}  # the other origins speak for themselves
MOMENTS = {"machine", "feed"}  # these state a moment, which is carried into the publisher's zone
CALENDAR = {"url", "visible"}  # these a day, of a zone that they do not tell
UNSURE = frozenset({"dateline", "htmldate"})  # a dateline tells when it was written, often the eve
EARLIEST = date(1995, 1, 1)
A_DAY = timedelta(days=1)
CLOCKS = timedelta(minutes=10)  # by which a publisher's clock may be ahead of ours
MANY_YEARS = timedelta(days=2 * 365)  # between a stated day and the feed's: an old text is announced anew, or one errs

_URL_DAY = re.compile(r"[/_-](?P<y>20\d\d)[/_-]?(?P<m>[01]\d)[/_-]?(?P<d>[0-3]\d)(?=[/_.-]|$)")


def day_in_url(url: str, zone: tzinfo | None = None) -> date | None:
    """Return the day that the address itself states: /2025/11/06/, /06nov2025/, or _20251106.html at its end."""
    if (found := _URL_DAY.search(url)) and (day := _date(int(found["y"]), int(found["m"]), int(found["d"]))):
        return day
    days = address_days(url, zone)
    return days.first if days is not None and days.first == days.last else None


def possible(candidates: Iterable[DateCandidate], *, today: date) -> list[DateCandidate]:
    """Return the candidates that can be true on the day `today` in the publisher's zone."""
    return [c for c in candidates if EARLIEST <= c.day <= today]


def choose(candidates: Iterable[DateCandidate], *, today: date, changed: Collection[date] = ()) -> DateCandidate | None:
    """Return the candidate to believe, by the rules above; `today` is the day in the publisher's zone.

    `changed` are days of a change that are also stated as those of publication.
    """
    days: dict[date, list[DateCandidate]] = defaultdict(list)
    for candidate in possible(candidates, today=today):
        days[candidate.day].append(candidate)
    told = max((c.day for day in days for c in days[day] if c.origin == "feed"), default=None)
    earlier = any(today - day > A_DAY and any(c.origin not in UNSURE for c in days[day]) for day in days)

    def rank(day: date) -> tuple[bool, int, bool, int]:
        doubted = (day == today and earlier) or (day in changed and min(days) < day)
        doubted = doubted or (told is not None and told - day > MANY_YEARS)
        origins = {c.origin for c in days[day]}
        agreeing = {WITNESSES.get(origin, origin) for origin in origins}
        if agreeing & MOMENTS:  # a calendar day next to it is the same moment, printed by a server in another zone
            for neighbour in (day - A_DAY, day + A_DAY):
                beside = {WITNESSES.get(c.origin, c.origin) for c in days.get(neighbour, ())}
                agreeing |= beside if beside == CALENDAR else set()
        return "rule" not in origins, -len(agreeing), doubted, min(map(ORDER.index, origins))

    if not days:
        return None
    return min(days[min(days, key=rank)], key=lambda c: ORDER.index(c.origin))


def time_of(chosen: DateCandidate, candidates: Iterable[DateCandidate], *, now: datetime) -> datetime | None:
    """Return the time of publication on the chosen day: the one that most witnesses state, in the zone they state.

    A time stated in UTC gives way to the same hands of the clock in another zone: there are programs that write a Z
    behind any time. None where only the day is known.
    """
    stated: dict[datetime, list[DateCandidate]] = defaultdict(list)
    for candidate in candidates:
        if candidate.day == chosen.day and candidate.moment is not None and candidate.moment <= now + CLOCKS:
            stated[candidate.moment.astimezone(UTC).replace(second=0)].append(candidate)
    hands = {_hands(c) for known in stated.values() for c in known if _offset(c)}

    def rank(minute: datetime) -> tuple[int, bool, int]:
        known = stated[minute]
        witnesses = {WITNESSES.get(c.origin, c.origin) for c in known}
        misread = any(not _offset(c) and _hands(c) in hands for c in known)
        return -len(witnesses), misread, min(ORDER.index(c.origin) for c in known)

    if not stated:
        return None
    best = min(stated[min(stated, key=rank)], key=lambda c: ORDER.index(c.origin))
    assert best.moment is not None
    return best.moment.replace(tzinfo=timezone(_offset(best)))


def _offset(candidate: DateCandidate) -> timedelta:
    return (candidate.moment and candidate.moment.utcoffset()) or timedelta()


def _hands(candidate: DateCandidate) -> datetime | None:
    return candidate.moment and candidate.moment.replace(tzinfo=None, second=0)


def search_day(tree: HtmlElement, url: str, zone: tzinfo, *, today: date) -> date | None:
    """Return the day that htmldate finds in a page's markup: slower and less sure than a stated one.

    `tree` is spent.
    """
    if tree.tag != "html":  # htmldate drops what is no text without asking whether it is the root, an <svg> say
        tree = HTML(tree)
    last = datetime(today.year, today.month, today.day, 23, 59)
    # Its "extensive" search takes the commonest date of the whole text, of which a third are wrong, and dates in words,
    # which `extractors.dates.visible` reads better.
    found = htmldate.find_date(
        tree, url=url, original_date=True, outputformat="%Y-%m-%d", max_date=last, extensive_search=False
    )
    day = parse_day(found, zone) if found else None
    # Of a bare year in the text ("© 2025", "в 2024 году") htmldate makes its first day.
    return None if day is not None and (day.month, day.day) == (1, 1) else day


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
