"""The values that pass from stage to stage: Entry → Page → Article → Verdict → Placement.

All are frozen, and the module imports nothing but the standard library and `config.errors`, so that every module may
import it. "Unknown" is None, never the empty string. Our own moments are aware datetimes in UTC; a publication day is a
`date` in the publisher's zone. Only `config.sources.Source` is elsewhere: people write it by hand, pydantic checks it.
"""

from __future__ import annotations

import re
from dataclasses import KW_ONLY, dataclass, field
from datetime import date, datetime
from enum import StrEnum
from functools import cache

from config.errors import C5watchError, LeftAlone

SAME_TEXT = "same text"  # the reason of a duplicate at another address
DECIDED_BEFORE = "decided before"  # the reason of a placement that changes nothing: the entry was settled meanwhile
_USER = re.compile(r"^(\s*https?:[/\\]{2,})[^/?#]*@", re.IGNORECASE)
MAX_DETAIL = 500  # characters of an error's detail that are kept


class Counted(StrEnum):
    """The number of a pass, a source or a day that an outcome adds to."""

    APPENDED = "appended"
    DUPLICATES = "duplicates"
    OFF_TOPIC = "off_topic"
    FAILED = "failed"
    OTHER = "other"  # no article, for a reason of its own


class Again(StrEnum):
    """Whether an entry is taken on again after its outcome."""

    NEVER = "never"
    LATER = "later"  # it speaks of a moment: by later passes, after growing gaps, see `storage.state.life`
    OF_ITS_DAYS = "of its days"  # by a backfill of the days it is dated in, or by the monitor if a feed names it


IMPORTED = "imported"  # the source of what no outlet of the catalogue has published


class Yield(StrEnum):
    """What an outcome says about the page behind it, if it ended without a text."""

    FETCHED = "fetched"
    NO_TEXT = "no text"  # fetched, and no text was found: a sign of a redesign if many pages of a source end so
    NOT_FETCHED = "not fetched"


class Outcome(StrEnum):
    """How one attempt at a URL ended. Each URL ends in exactly one of these; only the last attempt's is final.

    This is the only table of outcomes: the stored value, the words for people, the number that it adds to, whether the
    entry is taken on again, what it says about the page, and the HTTP statuses that mean it (any other error's is
    FAILED). All other modules read it from here.
    """

    APPENDED = "appended", "appended", Counted.APPENDED
    DUPLICATE = "duplicate", "duplicate", Counted.DUPLICATES, Again.NEVER, Yield.NOT_FETCHED
    REPRINT = "reprint", "reprint", Counted.DUPLICATES
    OFF_TOPIC = "off_topic", "off topic", Counted.OFF_TOPIC
    OUTSIDE = "outside", "outside", Counted.OTHER, Again.OF_ITS_DAYS
    TOO_SHORT = "too_short", "too short", Counted.OTHER, Again.LATER, Yield.NO_TEXT
    NOT_ARTICLE = "not_article", "not article", Counted.OTHER, Again.LATER, Yield.NO_TEXT
    PAYWALLED = "paywalled", "paywalled", Counted.OTHER, Again.LATER, Yield.FETCHED, (402,)
    GONE = "gone", "gone", Counted.OTHER, Again.LATER, Yield.FETCHED, (404, 410)
    REFUSED = "refused", "refused", Counted.OTHER, Again.LATER, Yield.FETCHED, (401, 403, 451)
    ROBOTS = "robots", "robots", Counted.OTHER, Again.LATER, Yield.NOT_FETCHED
    UNSAFE_ADDRESS = "unsafe_address", "unsafe address", Counted.OTHER, Again.LATER
    TOO_LARGE = "too_large", "too large", Counted.OTHER, Again.LATER
    FAILED = "failed", "failed", Counted.FAILED, Again.LATER
    REMOVED = "removed", "removed", Counted.OTHER
    GAVE_UP = "gave_up", "gave up", Counted.FAILED

    words: str
    counted: Counted
    again: Again
    page: Yield
    statuses: tuple[int, ...]

    def __new__(
        cls,
        value: str,
        words: str,
        counted: Counted,
        again: Again = Again.NEVER,
        page: Yield = Yield.FETCHED,
        statuses: tuple[int, ...] = (),
    ) -> Outcome:
        """Make a member from a line of the table."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.words, member.counted, member.again, member.page = words, counted, again, page
        member.statuses = statuses
        return member

    @classmethod
    def of_status(cls, status: int) -> Outcome:
        """Return the outcome that the HTTP status of an error means."""
        return next((outcome for outcome in cls if status in outcome.statuses), cls.FAILED)

    @classmethod
    @cache
    def which(cls, *facts: Counted | Again | Yield) -> tuple[Outcome, ...]:
        """Return the outcomes to which one of these facts applies."""
        return tuple(outcome for outcome in cls if {outcome.counted, outcome.again, outcome.page} & set(facts))


def words_of(outcome: str) -> str:
    """Return the words for a stored outcome; an unknown value is returned unchanged."""
    return next((known.words for known in Outcome if known == outcome), outcome)


class Relation(StrEnum):
    """How a text relates to an article of the corpus, or two articles to one another. These values are stored."""

    DUPLICATE = "duplicate"  # the same words: only the address is kept
    VERSION = "version"  # a later text of the article's own page, or of its outlet: kept as a variant
    REPRINT = "reprint"  # one story, copied, cut, wrapped, edited: kept as a variant
    TEMPLATE = "template"  # the same form with other numbers or names, or weeks later
    CONTAINED_IN = "contained_in"  # the smaller text is a part of the larger one
    DIGEST_OF = "digest_of"  # the new text is a round-up, and the other is one of its stories
    RELATED = "related"  # they share a good part, but too little for one story
    MERGE_CANDIDATE = "merge_candidate"  # the new text is a reprint of this one too: two stories may be one
    TRANSLATION_OF = "translation_of"  # one story in two languages


VARIANTS = frozenset({Relation.REPRINT, Relation.VERSION})  # their texts are kept, without files of their own
BETWEEN_ARTICLES = frozenset(Relation) - VARIANTS - {Relation.DUPLICATE}


class ItemError(C5watchError):
    """A feed or page (`url`) failed: record `outcome` and `reason`, go on with the others.

    `reason` is a short stable phrase such as "http 404": reports count by it. `detail` adds facts for a person.
    `retry_after` is the moment until which the server asked for a pause. Any other exception is a bug or a broken
    machine, and fails the run.
    """

    def __init__(
        self, outcome: Outcome, reason: str, *, url: str, detail: str = "", retry_after: datetime | None = None
    ) -> None:
        super().__init__(outcome, reason, url, detail)
        self.outcome = outcome
        self.reason = reason
        self.url = url
        # Parts may come from a server: no control character may reach a terminal or a log.
        self.detail = "".join(c if c.isprintable() else " " for c in detail[:MAX_DETAIL])
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[object, ...]:  # exceptions with keyword arguments do not pickle by themselves
        return _item_error, (self.outcome, self.reason, self.url, self.detail, self.retry_after)

    def __str__(self) -> str:
        return f"{self.reason} ({self.detail})" if self.detail else self.reason


class Deferred(LeftAlone):
    """The host of `url` asked for a pause until `until`: leave the entry as it is, for a later pass."""

    def __init__(self, url: str, until: datetime) -> None:
        super().__init__(url, until)
        self.url = url
        self.until = until


def _item_error(outcome: Outcome, reason: str, url: str, detail: str, retry_after: datetime | None) -> ItemError:
    return ItemError(outcome, reason, url=url, detail=detail, retry_after=retry_after)


def without_user(url: str) -> str:
    """Return an address without its user and password (RFC 3986, 3.2.1); any other text as it is."""
    return _USER.sub(r"\1", url) if "@" in url else url


BY_NUMBER = "not listed: found by its number"  # the guid of an entry whose address was made by counting on


@dataclass(frozen=True, slots=True)
class Entry:
    """An item of a feed, which promises an article at `url` (absolute, as found but for tracking redirects).

    `url` and `guid` lose user and password: they are kept, shown and given to others, and nobody is asked with them.
    """

    url: str
    feed_url: str
    title: str | None = None
    summary: str | None = None  # plain text
    published: datetime | None = None  # aware; None if the feed gives no usable date
    content: str | None = None  # HTML: the full text, if the feed has it
    language: str | None = None
    guid: str | None = None

    def __post_init__(self) -> None:
        """Take user and password out of the addresses."""
        object.__setattr__(self, "url", without_user(self.url))
        if self.guid is not None:
            object.__setattr__(self, "guid", without_user(self.guid))


@dataclass(frozen=True, slots=True)
class Feed:
    """A parsed feed: its entries in document order, and a warning about its faults."""

    kind: str  # "rss20", "atom10", "rss10", "json", "news-sitemap" …
    entries: tuple[Entry, ...]
    title: str | None = None
    skipped: int = 0  # items without a usable link
    warning: str | None = None  # such as a cut document that still gave entries


@dataclass(frozen=True, slots=True)
class Envelope:
    """What went over the wire around a page: the status line, the headers received, and those sent."""

    status: str
    received: tuple[tuple[str, str], ...]
    sent: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """The answer of an article's URL: the bytes, without transfer and content encodings, and the HTTP charset."""

    url: str  # the final address, after redirects
    body: bytes
    charset: str | None  # from the Content-Type header only
    fetched_at: datetime
    envelope: Envelope | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class DateCandidate:
    """A statement of the day of publication, and where it was found (`json-ld`, `meta`, `feed` …).

    `moment` is the time of that day, where it is stated too, in the zone in which it is stated.
    """

    day: date
    origin: str
    moment: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Article:
    """Title, text and date of a page, as the corpus keeps them.

    `paragraphs` are the blocks of the corpus file (format: `storage.files.article_file`), without the headline.
    `canonical_link` is the page's own `<link rel=canonical>`, not yet trusted; `alternates` are the addresses of its
    editions in other languages (hreflang), `links` the addresses on other sites in its text. `unmatched` are the parts
    of our rule for the site that found nothing on the page; None: there is no rule. `lines` is the memory of the
    page's lines (`extractors.blocks.memory`); it may be empty.
    `continued`: the page says that it is not whole yet. `published_at` is the time of publication on the day
    `published` of the publisher's zone, in the zone in which it was stated; None where only the day is known.
    """

    paragraphs: tuple[str, ...]
    title: str | None
    authors: tuple[str, ...]
    published: date | None
    date_origin: str | None
    language: str | None
    method: str
    canonical_link: str | None = None
    dates: tuple[DateCandidate, ...] = ()
    alternates: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    unmatched: tuple[str, ...] | None = None
    lines: bytes = b""
    continued: bool = False
    published_at: datetime | None = None

    @property
    def text(self) -> str:
        """Return the paragraphs, divided by blank lines."""
        return "\n\n".join(self.paragraphs)


@dataclass(frozen=True, slots=True)
class Match:
    """A term of the topic found in the text, with its group and the part of the text (`headline`, `lead`, `body`)."""

    group: str
    term: str
    part: str
    count: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an article is on topic, with the grounds. `topic` is None if no topic fits.

    `score` and `threshold` are in the points of the topic's weights. `borderline`: the score is so near the threshold
    that a person may well decide otherwise. `taken_out` lists what was removed before counting; `veto` names the veto
    that decided.
    """

    relevant: bool
    topic: str | None
    score: float
    matches: tuple[Match, ...] = ()
    why: str = ""
    taken_out: tuple[str, ...] = ()
    veto: str | None = None
    borderline: bool = False
    threshold: float = 0.0
    topics: tuple[str, ...] = ()  # all that the article is on, if several: `topic` is the first


@dataclass(frozen=True, slots=True)
class Extracted:
    """An article taken from the page of an entry, not yet judged.

    `key` is the entry's canonical URL, `url` the address that answered, after redirects; `attempts` were made earlier.
    """

    key: str
    entry: Entry
    source_id: str
    url: str
    retrieved_at: datetime | None = None
    attempts: int = 0
    _: KW_ONLY
    article: Article

    def judged(self, article: Article, verdict: Verdict) -> Found:
        """Return the result with the article, cleaned, and its verdict."""
        return Found(
            self.key, self.entry, self.source_id, self.url, self.retrieved_at, article=article, verdict=verdict
        )

    def failed(self, error: ItemError) -> Failed:
        """Return the result of an article that failed after extraction."""
        return Failed(
            self.key, self.entry, self.source_id, self.url, self.retrieved_at, self.attempts,
            error=error, article=self.article,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """An entry that gave an article, on topic or not. `key` and `url` mean the same as in `Extracted`."""

    key: str
    entry: Entry
    source_id: str
    url: str
    retrieved_at: datetime | None = None
    _: KW_ONLY
    article: Article
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Failed:
    """An entry that gave no article for the corpus, and the error that ended it.

    `url` is None if nothing answered. `article` is set if an article was read all the same, such as one of another
    period; `day` is the day of publication if the page states one but gave no article.
    """

    key: str
    entry: Entry
    source_id: str
    url: str | None = None
    retrieved_at: datetime | None = None
    attempts: int = 0
    _: KW_ONLY
    error: ItemError
    article: Article | None = None
    day: date | None = None


Result = Found | Failed  # of an entry, before it is placed


@dataclass(frozen=True, slots=True)
class Placement:
    """The final result of an entry. `number` is that of the new article, or of the original of a duplicate.

    `relation` is that of its text to the text of article `of`, and `score` the share of the smaller text that both
    have: for a duplicate its original, for a new article the article most like it, if any is. `grounds` say in words
    which numbers and names decided.
    """

    key: str
    outcome: Outcome
    number: int | None = None
    reason: str = ""
    undated: bool = False  # appended without a date
    relation: Relation | None = None
    of: int | None = None
    score: float | None = None
    grounds: str = ""
    look: bool = False  # a second look at the page of an article, for a later text: no entry has ended
