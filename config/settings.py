"""`settings.toml`: how c5watch behaves on the network, on disk and on this machine.

Every value can be overridden by the environment variable C5WATCH_<SECTION>__<NAME>. An unknown key is
an error, because a misspelt limit would otherwise be a limit that silently does not hold.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
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
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

VERSION = "0.1.0"
USER_AGENT = f"c5watch/{VERSION} (+https://github.com/c5watch/c5watch)"


class Section(BaseModel):
    """A table of a configuration file: immutable, and strict about its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_as_number(cls, value: Any, info: ValidationInfo) -> Any:
        """`timeout = true` would count as one second."""
        if isinstance(value, bool) and _field_type(cls, info) in (int, float):
            raise ValueError("expected a number")
        return value


def _field_type(section: type[BaseModel], info: ValidationInfo) -> Any:
    return section.model_fields[info.field_name].annotation if info.field_name else None


def matching(pattern: str, expected: str) -> AfterValidator:
    """A check that the whole text fits `pattern`; who reads the message need not read the pattern."""

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


def _web_address(value: str) -> str:
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or any(c.isspace() for c in value):
        raise ValueError('expected a complete address such as "https://example.kz/rss"')
    return value


WebAddress = Annotated[str, AfterValidator(_web_address)]
PositiveNumber = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Network(Section):
    """How we behave as a guest on other people's servers."""

    user_agent: Annotated[str, AfterValidator(_one_line)] = Field(USER_AGENT, min_length=1)
    allow_networks: tuple[Annotated[str, AfterValidator(_network)], ...] = ()
    per_host_interval: float = Field(1.0, ge=0, allow_inf_nan=False)  # seconds between two requests to one host
    concurrency: PositiveInt = 32  # hosts at a time
    timeout: PositiveNumber = 30.0  # seconds of silence after which a server counts as gone
    retry_delays: tuple[Annotated[float, Field(ge=0, le=600)], ...] = (1.0, 4.0)  # seconds, within a pass
    max_bytes: PositiveInt = 10_000_000  # of one decoded answer


class Archives(Section):
    """The public archives that back issues are found in, and what reading one stretch of days may cost."""

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
    """How much one pass takes on of one source; the rest waits for the next pass, newest first."""

    max_entries: PositiveInt = 1000
    max_old_entries: PositiveInt = 500  # of these, older than `old_days`: a feed may be a whole archive
    old_days: PositiveInt = 30
    max_host_minutes: PositiveNumber = 15.0  # of fetching from one host


class Extraction(Section):
    """The child processes that turn pages into articles."""

    workers: int = Field(0, ge=0)  # 0: one for each processor core
    timeout: PositiveNumber = 30.0  # seconds for one page
    memory_mb: PositiveInt = 1500  # address space of one worker
    min_words: int = Field(20, ge=0)  # a shorter text is a stub, not an article


Share = Annotated[float, Field(ge=0, le=1)]


class Duplicates(Section):
    """When two texts count as one story. Shares are of the smaller text's pairs of neighbouring words."""

    same_story: Share = 0.45  # from this share on a text is a reprint; independent write-ups reach 0.41
    related: Share = 0.25  # from this share on the relation is kept for review

    @field_validator("related")
    @classmethod
    def _below_same_story(cls, value: float, info: ValidationInfo) -> float:
        if value > info.data.get("same_story", 1):
            raise ValueError("expected no more than same_story")
        return value


class Schedule(Section):
    """When the flows run by themselves; times in `timezone`."""

    monitor: str = "*/30 * * * *"
    digest: str = "0 7 * * *"
    timezone: Annotated[str, AfterValidator(_zone)] = "Asia/Almaty"


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
    """Where the index and the corpus live."""

    database: Annotated[SecretStr, AfterValidator(_database)] = SecretStr("sqlite")  # an address holds a password
    corpus: CorpusPlace = "corpus"


MailAddress = Annotated[str, matching(r"[^@\s]+@[^@\s]+", 'an address such as "desk@example.org"')]


class Mail(Section):
    """The mail server that digests are sent through."""

    host: str
    port: int = Field(587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    password_env: str | None = None  # name of the environment variable that holds the password
    sender: MailAddress
    recipients: tuple[MailAddress, ...] = Field(min_length=1)


class Settings(BaseSettings):
    """All of `settings.toml`. Sections left out have the defaults given here."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix="C5WATCH_",
        env_nested_delimiter="__",
        nested_model_default_partial_update=True,
    )

    network: Network = Network()
    archives: Archives = Archives()
    monitor: Monitor = Monitor()
    extraction: Extraction = Extraction()
    duplicates: Duplicates = Duplicates()
    schedule: Schedule = Schedule()
    storage: Storage = Storage()
    mail: Mail | None = None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment goes before the file, whose content comes in as keyword arguments."""
        return env_settings, init_settings
