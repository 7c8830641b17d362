"""`settings.toml`: how c5watch behaves on the network, on disk and on this machine.

Every value can be overridden by the environment variable C5WATCH_<SECTION>__<NAME>. An unknown key is
an error, because a misspelt limit would otherwise be a limit that silently does not hold.
"""

from __future__ import annotations

import ipaddress
import re
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PositiveInt,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

VERSION = "0.1.0"
USER_AGENT = f"c5watch/{VERSION}"  # without a contact: whose it is, only the user knows


class Section(BaseModel):
    """A table of a configuration file: immutable, and strict about its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_as_number(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse `timeout = true`, which would count as a second."""
        if isinstance(value, bool) and _field_type(cls, info) in (int, float):
            raise ValueError("expected a number")
        return value


def _field_type(section: type[BaseModel], info: ValidationInfo) -> Any:
    return section.model_fields[info.field_name].annotation if info.field_name else None


def matching(pattern: str, expected: str) -> AfterValidator:
    """Return a check that the whole text fits `pattern`; its message says in words what is expected."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"expected {expected}")
        return value

    return AfterValidator(check)


def _network(value: str) -> str:
    try:
        ipaddress.ip_network(value)
    except ValueError as exc:
        raise ValueError('expected a network such as "127.0.0.0/8" or "::1/128"') from exc
    return value


def _one_line(value: str) -> str:
    if not value.isascii() or not value.isprintable():
        raise ValueError("expected printable ASCII on one line, because it is sent as an HTTP header")
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ValueError, OSError, KeyError) as exc:  # what ZoneInfo raises for "../x", "Asia" and "Asia/Almatyy"
        raise ValueError('expected a time zone such as "Asia/Almaty"') from exc
    return value


_PARAMETER = re.compile(r"(?<=[?&;])([\w.\[\]%-]{1,180})=([^?&;#\s\"']+)")
_SECRET_NAME = re.compile(r"(token|secret|password|passwd|pwd|signature|(api|auth|access|private|user|feed|rss)key)$")
_SHORT_NAMES = ("key", "auth", "pass", "sig")  # of secrets, and of innocent things: the value decides
_MADE_UP = re.compile(r"(?=\D{0,100}\d).{8}")  # of eight characters or more, with a digit


def _is_secret(parameter: re.Match[str]) -> bool:
    name = re.sub(r"[\W_]", "", unquote(parameter[1])).lower()
    return bool(_SECRET_NAME.search(name) or (name in _SHORT_NAMES and _MADE_UP.match(parameter[2])))


def masked(text: str) -> str:
    """Return `text` without the user, password and keys of an address in it, so that it may be shown."""
    hidden = re.sub(r"//[^/?#\s@]*@(?:[^/?#\s@]*@)*+", "//…@", text)
    return _PARAMETER.sub(lambda found: f"{found[1]}=…" if _is_secret(found) else found[0], hidden)


def _web_address(value: str) -> str:
    """Check an address of the web.

    Refuse user, password and keys rather than send them: a feed's address is its name in the index, the manifest,
    reports and Prefect's records, and would have to be told from the secret in each of these places.
    """
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or any(c.isspace() for c in value):
        raise ValueError('expected a complete address such as "https://example.kz/rss"')
    if "@" in parts.netloc:
        raise ValueError("expected one without user and password, because addresses are kept and shown in many places")
    if secret := next(filter(_is_secret, _PARAMETER.finditer(value)), None):
        raise ValueError(f'expected one without "{secret[1]}=…", because addresses are kept and shown in many places')
    return value


def _cron(value: str) -> str:
    from cronsim import CronSim, CronSimError  # needed only where a schedule is given

    try:
        CronSim(value, datetime(2026, 1, 1))
    except CronSimError as exc:
        raise ValueError('expected minute, hour, day, month and day of the week, such as "0 7 * * *"') from exc
    return value


WebAddress = Annotated[str, AfterValidator(_web_address)]
Zone = Annotated[str, AfterValidator(_zone)]
Cron = Annotated[str, AfterValidator(_cron)]
PositiveNumber = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Network(Section):
    """Manners on other people's servers."""

    user_agent: Annotated[str, AfterValidator(_one_line)] = Field(USER_AGENT, min_length=1)
    allow_networks: tuple[Annotated[str, AfterValidator(_network)], ...] = ()
    per_host_interval: float = Field(1.0, ge=0, allow_inf_nan=False)  # seconds between two requests to one host
    concurrency: PositiveInt = 32  # hosts at a time
    timeout: PositiveNumber = 30.0  # seconds of silence after which a server counts as gone
    retry_delays: tuple[Annotated[float, Field(ge=0, le=600)], ...] = (1.0, 4.0)  # seconds, within a pass
    max_bytes: PositiveInt = 10_000_000  # of one decoded answer

    @property
    def has_contact(self) -> bool:
        """Say whether the user agent tells sites whom they can write to."""
        return "@" in self.user_agent or "://" in self.user_agent


class Archives(Section):
    """Public archives that hold back issues, and the most that reading a stretch of days may cost."""

    gdelt: WebAddress = "https://api.gdeltproject.org/api/v2/doc/doc"
    gdelt_interval: float = Field(5.0, ge=0, allow_inf_nan=False)  # seconds between two requests
    wayback: WebAddress = "https://web.archive.org"
    wayback_interval: float = Field(1.0, ge=0, allow_inf_nan=False)  # seconds between two requests
    wayback_days: int = Field(30, ge=0)  # after the last day, in which a capture may still show that day's articles
    ccnews: WebAddress = "https://data.commoncrawl.org"
    ccnews_days: int = Field(2, ge=0)  # after the last day, in which a page may have been crawled
    max_documents: PositiveInt = 2000  # sitemaps, pages of a feed or captures, for one source and stretch of days
    max_bytes: PositiveInt = 60_000_000  # of one of them; the sitemap protocol allows 50 MB


class Monitor(Section):
    """Limits of a pass for a source; the rest waits for the next pass, newest first."""

    max_entries: PositiveInt = 1000
    max_old_entries: PositiveInt = 500  # of these, older than `old_days`: a feed may be a whole archive
    old_days: PositiveInt = 30
    max_host_minutes: PositiveNumber = 15.0  # of fetching from one host


class Extraction(Section):
    """Child processes that turn pages into articles."""

    workers: int = Field(0, ge=0)  # 0: one for each processor core
    timeout: PositiveNumber = 30.0  # seconds for one page
    memory_mb: PositiveInt = 1500  # address space of one worker
    min_words: int = Field(20, ge=0)  # a shorter text is a stub, not an article


Share = Annotated[float, Field(ge=0, le=1)]


class Duplicates(Section):
    """Limits from which on texts count as one story. Shares are of the smaller text's pairs of neighbouring words."""

    same_story: Share = 0.45  # from this share on a text is a reprint; independent write-ups reach 0.41
    related: Share = 0.25  # from this share on the relation is kept for review

    @field_validator("related")
    @classmethod
    def _below_same_story(cls, value: float, info: ValidationInfo) -> float:
        if value > info.data.get("same_story", 1):
            raise ValueError("expected no more than same_story")
        return value


class Refused(Section):
    """Time and room for the texts of off-topic articles, on which a changed topic is tried. Readers' marks are kept."""

    keep_days: int = Field(30, ge=0, le=3650)
    keep_texts: int = Field(20_000, ge=0)  # at most so many, about 6 kB each


class Schedule(Section):
    """Times at which the flows run by themselves, in `timezone`."""

    monitor: Cron = "*/30 * * * *"
    digest: Cron = "0 7 * * *"
    timezone: Zone = "Asia/Almaty"


SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")  # PostgreSQL's own names


def _database(value: SecretStr) -> SecretStr:
    if value.get_secret_value() == "sqlite":
        return value
    from sqlalchemy.engine import make_url  # takes longer to import than all of this package
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(value.get_secret_value())
    except (ArgumentError, ValueError):  # ValueError: a port that is no number
        url = None
    if url is None or url.drivername != "postgresql+asyncpg" or not url.database:
        raise ValueError('expected "sqlite" or an address such as "postgresql+asyncpg://user:password@host/name"')
    if "@" in (url.host or ""):
        raise ValueError('expected an "@" in user name or password written as "%40"')
    if url.query.keys() - {"host", "ssl"} or url.query.get("ssl", "require") not in SSL_MODES:
        raise ValueError(f'expected after "?" only host=<folder of the socket> or ssl=<one of {", ".join(SSL_MODES)}>')
    return value


CorpusPlace = Annotated[
    str,
    matching(
        r"[^./\\:\s][^/\\:\n]*"
        # Keys of characters that need no care: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
        r"|s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/(?!\.\.?(/|$))[A-Za-z0-9!_.*'()=-]+)*/?",
        "the plain name of a folder below --data, or s3://bucket/prefix",
    ),
]


class Storage(Section):
    """Places of the index and the corpus."""

    database: Annotated[SecretStr, AfterValidator(_database)] = SecretStr("sqlite")  # an address holds a password
    corpus: CorpusPlace = "corpus"
    pages: Literal["none", "appended", "all"] = "none"
    pages_in: CorpusPlace = "pages"


_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"  # RFC 5322, 3.2.3
_HOST = r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*"
MailAddress = Annotated[
    str,
    Field(max_length=254),  # RFC 5321, 4.5.3.1.3, with the angle brackets
    matching(rf"{_ATOM}(\.{_ATOM})*@{_HOST}", 'an address such as "desk@example.org"'),
]


def _unsubscribe(value: str) -> str:
    if not re.fullmatch(r"(https://[^/]|mailto:[^@]+@.)[!-;=?-~]*", value):
        raise ValueError('expected "mailto:…" or "https://…" in ASCII, without spaces')
    return value


def _without_end(value: str) -> str:
    return value.rstrip("/")


class Mail(Section):
    """Mail server that sends the digests."""

    host: Annotated[str, matching(r"[^\s/@]{1,253}", 'a server such as "mail.example.org"')]
    port: int = Field(587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    password_env: str | None = None  # name of the environment variable that holds the password
    password_secret: str | None = None  # name of the Prefect Secret block that holds it
    sender: MailAddress
    recipients: tuple[MailAddress, ...] = Field(min_length=1)  # of the digests that name none
    unsubscribe: Annotated[str, Field(max_length=500), AfterValidator(_unsubscribe)] | None = None
    archive_url: Annotated[WebAddress, AfterValidator(_without_end)] | None = None  # where data/digests is to be seen
    list_id: Annotated[str, matching(_HOST, 'a name such as "digest.example.org"')] | None = None
    timeout: float = Field(60.0, gt=0, le=300)  # seconds of silence after which the server counts as gone

    @model_validator(mode="after")
    def _login_is_whole_and_secret(self) -> Mail:
        passwords = sum(name is not None for name in (self.password_env, self.password_secret))
        if passwords > 1:
            raise ValueError("expected password_env or password_secret, not both")
        if (self.username is None) != (passwords == 0):
            raise ValueError("expected username together with password_env or password_secret, or none of them")
        if self.username is not None and self.security == "none":
            raise ValueError('expected security "starttls" or "tls" where there is a username: the password is secret')
        return self


class Digest(Section):
    """Digest: its articles, readers and times. A key left out limits nothing."""

    name: Annotated[str, matching(r"[a-z0-9][a-z0-9-]{0,39}", "up to 40 of a-z, 0-9 and -")] = "digest"
    title: Annotated[str, matching(r"[^\x00-\x1f\x7f]{1,100}", "one line of up to 100 characters")] | None = None
    topic: str | None = None  # an id from topics.toml
    languages: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()  # of the source
    recipients: tuple[MailAddress, ...] = ()  # none: those of [mail]
    schedule: Cron | None = None  # None: that of [schedule]
    timezone: Zone | None = None  # None: that of [schedule]
    frame: str = "ru"  # language of all that is not an article's: one with [digest] in languages/
    empty: Literal["none", "line"] = "none"  # when there is nothing new: no mail, or a mail of one line
    every: Literal["day", "week"] = "day"  # a weekly edition has figures, and comes on Mondays unless told otherwise
    browse_url: WebAddress | None = None  # of the reading room, as its readers reach it

    def cron(self, usual: Cron) -> Cron:
        """Return the schedule of this digest, where `usual` is that of all."""
        weekly = " ".join([*usual.split()[:-1], "1"])
        return self.schedule or (usual if self.every == "day" else weekly)


class Browse(Section):
    """The reading room, `c5watch browse`. It listens on this machine alone; a proxy may make it known to others."""

    port: Annotated[int, Field(ge=1, le=65535)] = 8470
    url: WebAddress | None = None  # under which the proxy makes it known; then a password is needed
    password: SecretStr | None = None
    frame: str | None = None  # one with [browse] in languages/; None: that of all pages

    @field_validator("url")
    @classmethod
    def _origin(cls, value: str | None) -> str | None:
        """Return the address as browsers name it: its pages lie at the root of the host."""
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError('expected an address without a path, such as "https://news.example.org"')
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        port = "" if parts.port in (None, {"http": 80, "https": 443}[parts.scheme]) else f":{parts.port}"
        return f"{parts.scheme}://{host}{port}"

    @model_validator(mode="after")
    def _no_open_door(self) -> Browse:
        if self.url and not (self.password and self.password.get_secret_value()):
            raise ValueError("url: expected C5WATCH_BROWSE__PASSWORD to be set as well, because others can come in")
        return self


def _names_differ(digests: tuple[Digest, ...]) -> tuple[Digest, ...]:
    if not digests:  # here and not as min_length, which would count a broken digest as a missing one
        raise ValueError("found no digests, expected at least one [[digests]], or none of it at all")
    names = [digest.name for digest in digests]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ValueError(f'found the name "{twice}" more than once, expected another one for each digest')
    return digests


class Settings(BaseSettings):
    """Content of `settings.toml`. A section left out has the defaults given here."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix="C5WATCH_",
        env_nested_delimiter="__",
        nested_model_default_partial_update=True,
    )

    frame: str = "ru"  # language of digests and of the reading room, where these name none of their own
    network: Network = Network()
    archives: Archives = Archives()
    monitor: Monitor = Monitor()
    extraction: Extraction = Extraction()
    duplicates: Duplicates = Duplicates()
    refused: Refused = Refused()
    browse: Browse = Browse()
    schedule: Schedule = Schedule()
    storage: Storage = Storage()
    mail: Mail | None = None
    digests: Annotated[tuple[Digest, ...], AfterValidator(_names_differ)] = (Digest(),)

    @model_validator(mode="after")
    def _one_language(self) -> Settings:
        """Give the language of all pages to the digests that name none."""
        common = {"frame": self.frame}
        digests = (one if "frame" in one.model_fields_set else one.model_copy(update=common) for one in self.digests)
        self.__dict__["digests"] = tuple(digests)
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put the environment before the file, whose content comes in as keyword arguments."""
        return env_settings, init_settings
