"""Read and check `languages/<code>.toml`: all that a language needs, in a file. `languages/README.md` tells the keys.

The languages belong to the whole process, like a locale: patterns of all languages are compiled together, once, and
pure functions far inside use them. Passing them through every signature would only add noise. So `languages()` returns
those in use: of the folder that `config.load.load_config` read last, else the checkout's own.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from config.phrases import Phrase, Phrases
from config.terms import Term

FOLDER = "languages"
CHECKOUT = Path(__file__).parent
CODE = re.compile(r"[a-z]{2}(-[a-z]{4})?")  # ISO 639-1, and ISO 15924 where a language has two scripts
SNOWBALL = (  # https://snowballstem.org/algorithms
    "arabic", "armenian", "basque", "catalan", "czech", "danish", "dutch", "dutch_porter", "english", "esperanto",
    "estonian", "finnish", "french", "german", "greek", "hindi", "hungarian", "indonesian", "irish", "italian",
    "lithuanian", "nepali", "norwegian", "persian", "polish", "porter", "portuguese", "romanian", "russian",
    "serbian", "sesotho", "spanish", "swedish", "tamil", "turkish", "yiddish",
)  # fmt: skip
REGION = "region"  # instead of a country: its name as a whole
COUNTS = {"new", "appended", "duplicates", "off_topic", "failed", "pending"}


def _word(value: str) -> str:
    if value != " ".join(value.split()) or not value:
        raise ValueError("expected a word without spaces at its ends")
    if value != value.lower():
        raise ValueError("expected small letters, which stand for capital ones as well")
    return value


def _letters(value: str) -> str:
    if not value.isalpha() or value != value.casefold() or len(set(value)) < len(value):
        raise ValueError("expected small letters, each of them once, and nothing else")
    return value


def _template(*names: str) -> AfterValidator:
    """Return a check that a text can be filled in with these names, and with nothing else."""

    def check(value: str) -> str:
        filled = dict.fromkeys(names, 1)
        try:
            value.format(*([1] * (not names)), **filled)
        except (LookupError, ValueError, AttributeError) as exc:
            known = ", ".join(f"{{{name}}}" for name in names) or "{}"
            raise ValueError(f"expected a text with no other places in braces than {known}") from exc
        return value

    return AfterValidator(check)


def _all_of_a_date(value: str) -> str:
    if sorted(re.findall(r"\{(\w+)\}", value)) != ["day", "month", "year"]:
        raise ValueError("expected {year}, {month} and {day}, each of them once")
    return value


def _of_a_moment(value: str) -> str:
    if not value.strip() or set(re.findall(r"%(.?)", value)) - set("dmyYHMe%"):
        raise ValueError('expected a date such as "%d.%m.%Y %H:%M"')
    return value


Word = Annotated[str, AfterValidator(_word)]
Alphabet = Annotated[str, AfterValidator(_letters)]
Words = tuple[Word, ...]
Text = Annotated[str, Field(min_length=1)]
Country = Annotated[str, Field(pattern=f"^([A-Z]{{2}}|{REGION})$")]  # ISO 3166-1
Forms = Annotated[tuple[Text, ...], Field(min_length=1)]
OneBlank = Annotated[Text, _template()]
Twelve = Annotated[tuple[Text, ...], Field(min_length=12, max_length=12)]
Seven = Annotated[tuple[Text, ...], Field(min_length=7, max_length=7)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Letters(_Table):
    """Letters by which a text is known to be in the language: see `extractors.language`."""

    enough: Annotated[tuple[Alphabet, ...], Field(min_length=1)]  # of each of these groups there must be enough
    present: Alphabet = ""  # each of these must be there at least once
    without: tuple[Alphabet, ...] = ()  # of each of these groups there must be next to nothing
    own: Alphabet = ""  # decides between languages that have enough of the same letters …
    words: Words = ()  # … and so do these, where letters do not
    telling: Words = ()  # words of no other language: two of them tell a text that is too short for its letters


class Dates(_Table):
    """Dates in words, and the words beside them."""

    months: tuple[Words, ...] = ()  # twelve: every form, and every usual abbreviation without its dot
    month_endings: Words = ()  # that any of the months may take: "noyabr" + "da"
    weekdays: tuple[Words, ...] = ()  # seven, from Monday
    day_endings: Words = ()  # behind the number of a day or a year: 6-го, 6th, 2025-nji
    before_month: Words = ()  # 6th of November
    before_year: Words = ()  # 6 ноябри соли 2025
    year_words: Phrases = ()  # behind the year: 2025 жылғы, 2025 г.
    numbered: tuple[Annotated[str, AfterValidator(_all_of_a_date)], ...] = ()  # dates of numbers: 2025年11月6日
    beside: Phrases = ()  # usual words in a line that shows a date and nothing else
    published: Phrases = ()
    updated: Phrases = ()
    author: Phrases = ()
    ago: Phrases = ()  # behind a span of time: "12 минут назад"

    @model_validator(mode="after")
    def _whole_year_and_week(self) -> Dates:
        for key, names, expected in (("months", self.months, 12), ("weekdays", self.weekdays, 7)):
            if names and (len(names) != expected or not all(names)):
                raise ValueError(f"{key}: found {len(names)}, expected {expected} lists, each with at least one name")
        return self


class Addresses(_Table):
    """How an edition in the language is named in addresses, and what an outlet in it is taken for."""

    names: Words = ()  # before a host or in a path: ru.site.kz, site.kz/rus/news
    in_paths: Words = ()  # in a path only, since before a host they are countries as often: site.kz/kz/news
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")] | None = None  # ISO 3166-1, of most outlets that write in it


class Lines(_Table):
    """Lines of a page that speak of the site: see `extractors.blocks.lines`."""

    related: Phrases = ()  # a heading over other stories
    join_us: Phrases = ()  # subscribe, follow, install
    mistake: Phrases = ()  # how to report one …
    asks: Phrases = ()  # … in a line that also has one of these, or a question mark
    rights: Phrases = ()  # who may copy
    buttons: Phrases = ()  # lines made of nothing else
    tags: Phrases = ()  # behind these and a colon there are names of subjects,
    views: Phrases = ()  # numbers of readers and of comments, minutes to read,
    labels: Phrases = ()  # or what else is the page's: who took the picture


class Pages(_Table):
    """Words by which a page shows that it is no article: see `extractors.pages.not_article`."""

    not_found: Phrases = ()
    aside: Phrases = ()  # a head on a section page over what is not its news: "most read", advertising
    search: Phrases = ()  # how the title of a page of search results begins …
    not_search: Phrases = ()  # … but not like this
    search_alone: Phrases = ()  # the whole title, or what stands before its colon
    check: Phrases = ()  # "prove that you are human"
    wall: Phrases = ()  # "subscribe to read on"
    cookies: Phrases = ()
    continued: Phrases = ()  # that an article is not whole yet
    appeared: tuple[tuple[Phrase, Phrase], ...] = ()  # a feed's last line "The post … appeared": around the title


class Sentences(_Table):
    """Words by which a sentence's end is found: see `flows.digest.sentences`. Write them without their last dot."""

    abbreviations: Words = ()  # no sentence ends with these
    may_end: Words = ()  # a sentence may end with these, if one of the openers follows
    openers: Words = ()
    ordinal_dot: bool = Field(default=False, strict=True)  # "am 5. November"


class Names(_Table):
    """Endings of names, and names of large numbers: see `storage.relating.traits`."""

    endings: Words = ()
    common: tuple[Text, ...] = ()  # names and titles that stand in everybody's texts: they tell no two texts apart
    protocol: Phrases = ()  # said in reports of protocol, whose words are the same each time
    thousand: Phrases = ()
    million: Phrases = ()
    billion: Phrases = ()
    trillion: Phrases = ()


class Search(_Table):
    """Rule by which the search cuts words to stems: Snowball's, or else the longest of the endings is taken off.

    It applies only to words of these letters. Where several languages have all letters of a word, the language with
    the fewest letters cuts it; `in_its_texts` leaves it to the texts in the language, and takes off ending after
    ending. The index keeps words as they were cut, so a change is for corpora to come.
    """

    letters: Alphabet
    stemmer: Literal[SNOWBALL] | None = None  # type: ignore[valid-type]
    in_its_texts: bool = Field(default=False, strict=True)
    weak_endings: Words = ()  # that many a word has of itself; with `in_its_texts`: they come off longer words only
    cut_again: str = ""  # letters: a stem is cut again while what comes off ends with one of them
    endings: Words = ()


class DigestWords(_Table):
    """Fixed words of a digest, its frame. Plural forms follow CLDR; a value goes in place of `{}`."""

    title: Text  # of a digest that is given none
    plural: Literal["one-other", "one-few-many", "other"]
    months: Twelve  # as they follow a day
    weekdays: Seven
    short_day_of: Annotated[Text, _template("day", "month", "short")]
    short_moment: Annotated[Text, AfterValidator(_of_a_moment)]
    thousands: str  # between the thousands of a number
    article: Forms
    story: Forms  # as it stands in `shown`
    outlet: Forms
    passes_of: Forms
    point: Text  # in a number with decimals
    other_countries: Text
    region: Text  # over events of several of its countries
    events: Text
    borderline: Text
    borderline_note: Text
    late: Text  # over what was found long after its publication
    brought: Annotated[Text, _template("count", "first", "last")]  # by backfills, and not told one by one
    running: OneBlank  # the so-and-so-manieth day of an event
    contents: Text
    figures: Mapping[Literal["title", "days", "outlets", "countries", "said", "before"], Text]  # of a week
    also: Text
    and_more: OneBlank
    why: Text
    mentioned: OneBlank
    scored: Annotated[Text, _template("threshold", "score")]
    room: Text  # on the link into the reading room
    undated: Text
    untitled: Text
    nothing: Text
    since: OneBlank
    health: Text
    all_well: Text
    runs: Text
    no_runs: Text
    folder: Text
    file: OneBlank
    days: Text
    by_country: Text
    days_alt: Annotated[Text, _template("first", "last", "total", "most", "day")]
    by_country_alt: Annotated[Text, _template("first", "last", "list")]
    shown: Annotated[Text, _template("shown", "all")]
    whole: Text
    footer: Text
    times: OneBlank  # in which zone they are
    list_title: Text  # of the page that lists all digests
    list_count: Text
    list_feed: Text
    list_none: Text
    list_search: Text
    list_all: Text
    states: Mapping[str, Text] = {}  # of a source
    counts: Mapping[str, Text]
    reasons: Mapping[str, Text] = {}  # why a source is in such a state, in c5watch's own words → in this language
    spans: Mapping[str, Forms] = {}  # "h", "days" in such a reason
    languages: Mapping[str, Text] = {}  # in a few letters
    countries: Mapping[str, Text] = {}

    @model_validator(mode="after")
    def _as_many_forms_as_asked_for(self) -> DigestWords:
        expected = self.plural.count("-") + 1
        named = {"article": self.article, "story": self.story, "outlet": self.outlet, "passes_of": self.passes_of}
        for name, forms in (named | {f"spans.{unit}": forms for unit, forms in self.spans.items()}).items():
            if len(forms) != expected:
                raise ValueError(f'{name}: found {len(forms)} forms, expected {expected} for plural = "{self.plural}"')
        if self.counts.keys() != COUNTS:
            raise ValueError(f"counts: found {', '.join(self.counts)}, expected {', '.join(sorted(COUNTS))}")
        return self


class BrowseWords(_Table):
    """The fixed words of the reading room, beside those of `DigestWords`, which it needs as well."""

    title: Text
    articles: Text
    sources: Text
    address: Text
    search: Text
    query: Text
    query_note: Text
    from_day: Text
    to_day: Text
    by_rank: Text
    by_date: Text
    filters: Text
    remove_all: Text
    source: Text
    about: Text
    country: Text
    language: Text
    only: Text
    borderline: Text
    reprinted: Text
    late: Text
    undated: Text
    other: Text
    attention: Text
    none: Text
    older: Text
    take_away: Text
    one_event: Text
    original: Text
    archived: Text
    before: Text
    after: Text
    question: Text
    yes: Text
    no: Text
    said_yes: Text
    said_no: Text
    remove: Text
    remove_note: Text
    remove_why: Text
    removed: Text
    why: Text
    score: Text
    file: Text
    date_from: Text
    found: Text
    authors: Text
    also_in: Text
    reprint: Text
    version: Text
    compare: Text
    differences: Text
    differences_note: Text
    same_event: Text
    related: Text
    digests: Text
    last_read: Text
    appended: Text
    waiting: Text
    state: Text
    never: Text
    runs: Text
    address_note: Text
    not_an_address: Text
    kinds: Mapping[str, Text] = {}  # of relations between two articles


class Language(_Table):
    """Content of a language's file. Every key may be left out: the language then lacks it."""

    letters: Letters | None = None
    dates: Dates = Dates()
    addresses: Addresses = Addresses()
    lines: Lines = Lines()
    pages: Pages = Pages()
    sentences: Sentences = Sentences()
    names: Names = Names()
    concepts: Mapping[str, Words] = {}  # what a word is about, by one key in all languages; "уран*" is any ending
    countries: Mapping[Country, tuple[Term, ...]] = {}  # by which a story is known to be of a country of the region
    search: Search | None = None
    digest: DigestWords | None = None
    browse: BrowseWords | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Languages(Iterable[Language]):
    """All languages in the order of their codes. Compared by identity, so that tables made of them can be cached."""

    by_code: Mapping[str, Language]

    def __iter__(self) -> Any:
        return iter(self.by_code.values())

    def editions(self, *, in_paths: bool) -> dict[str, str]:
        """Return the language (ISO 639-1) that each name of an edition in addresses stands for.

        `in_paths` takes in the names that before a host may be a country.
        """
        return {
            name: code.partition("-")[0]
            for code, language in self.by_code.items()
            for name in language.addresses.names + language.addresses.in_paths * in_paths
        }

    def frames(self) -> list[str]:
        """Return the codes of the languages that a digest can be written in."""
        return [code for code, language in self.by_code.items() if language.digest is not None]

    def rooms(self) -> list[str]:
        """Return the codes of the languages that the reading room speaks."""
        return [code for code in self.frames() if self.by_code[code].browse is not None]


def language_files(folder: Path) -> dict[str, Path]:
    """Return the file of each code, in the order of the codes: the folder's own, else the checkout's."""
    files = {path.stem: path for place in (CHECKOUT, folder) for path in sorted((place / FOLDER).glob("*.toml"))}
    return dict(sorted(files.items()))


def gathered(parts: Mapping[str, Language]) -> Languages:
    """Return the languages together. Raises ValueError where they contradict each other."""
    months: dict[str, tuple[int, str]] = {}
    for code, language in parts.items():
        for number, names in enumerate(language.dates.months, 1):
            for name in names:
                before, other = months.setdefault(name, (number, code))
                if before != number:
                    raise ValueError(
                        f'{code}: dates.months[{number}]: found "{name}", which is month {before} in {other}.toml, '
                        "expected a name that means one month"
                    )
    return Languages(dict(parts))


@lru_cache(maxsize=256)
def language_of(text: str) -> Language:
    """Return the language that a file's text describes. Raises ValueError: tomllib's or pydantic's."""
    return Language(**tomllib.loads(text))


@lru_cache(maxsize=8)
def _gathered(texts: tuple[tuple[str, str], ...]) -> Languages:
    return gathered({code: language_of(text) for code, text in texts})


def read_languages(folder: Path) -> Languages:
    """Return the languages of a folder; the same object as long as no file changes. Raises OSError, ValueError."""
    files = language_files(folder).items()
    return _gathered(tuple((code, path.read_text(encoding="utf-8-sig")) for code, path in files))


_in_use: Languages | None = None


def use_languages(known: Languages) -> None:
    """Make these the languages of the process."""
    global _in_use
    _in_use = known


def languages() -> Languages:
    """Return the languages in use."""
    if _in_use is None:
        use_languages(read_languages(CHECKOUT))
    assert _in_use is not None
    return _in_use


def languages_for_children() -> Languages | None:
    """Return the languages to give to a child process; None for the checkout's, which it reads itself."""
    return None if _in_use is None or _in_use is read_languages(CHECKOUT) else _in_use
