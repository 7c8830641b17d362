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
from datetime import date, datetime, timedelta, tzinfo
from email.utils import parsedate_to_datetime

import htmldate
from lxml.html import HtmlElement
from lxml.html.builder import HTML

from extractors.dates.addresses import address_days
from extractors.dates.worded import only_mention, writes_month_first
from extractors.records import DateCandidate

ORDER = ("rule", "json-ld", "meta", "time", "feed", "url", "visible", "dateline", "htmldate")
WITNESSES = {"json-ld": "machine", "meta": "machine", "time": "machine"}  # the other origins speak for themselves
MOMENTS = {"machine", "feed"}  # these state a moment, which is carried into the publisher's zone
CALENDAR = {"url", "visible"}  # these a day, of a zone that they do not tell
UNSURE = frozenset({"dateline", "htmldate"})  # a dateline tells when it was written, often the eve
EARLIEST = date(1995, 1, 1)
A_DAY = timedelta(days=1)
MANY_YEARS = timedelta(days=2 * 365)  # between a stated day and the feed's: an old text is announced anew, or one errs

_EPOCH = re.compile(r"(?P<seconds>[1-9]\d{9})(?:\d{3})?")
_ISO_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?!\d)")
_LONGEST = 100  # characters of a stated date that are read
_ALONE = 60  # characters of a date in words: a longer text is a sentence
_URL_DAY = re.compile(r"[/_-](?P<y>20\d\d)[/_-]?(?P<m>[01]\d)[/_-]?(?P<d>[0-3]\d)(?=[/_.-]|$)")


def parse_day(text: str, zone: tzinfo, *, near: date | None = None) -> date | None:
    """Return the day in `zone` that a stated date means; None for what is not one.

    Understood are ISO 8601, RFC 5322, seconds of an epoch, and a date in words or numbers that is complete. A moment
    with an offset is carried into `zone`; one without is taken to be in `zone` already. "03/04/2025" is what a weekday
    beside it says, else what is `near`, else March for publishers in America.
    """
    text = text.strip()[:_LONGEST]
    moment: datetime | None = None
    if epoch := _EPOCH.fullmatch(text):
        return datetime.fromtimestamp(int(epoch["seconds"]), zone).date()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        if iso := _ISO_DAY.match(text):
            return _date(*map(int, iso.groups()))
        moment = _mail_date(text)
    if moment is None:
        usual = writes_month_first(zone)
        found = only_mention(text, month_first=usual, near=near) if len(text) <= _ALONE else None
        return _date(found.year, found.month, found.day) if found and found.year is not None else None
    if moment.tzinfo is None:
        return moment.date()
    try:
        return moment.astimezone(zone).date()
    except OverflowError:
        return None


def _mail_date(text: str) -> datetime | None:
    """Read a date of RFC 5322; its reader takes "06.11.2025 12:30" for something, so a month must be named."""
    if not re.search(r"[A-Za-z]{3}", text):
        return None
    try:
        return parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None


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
