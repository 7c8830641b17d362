"""`settings.toml`: how c5watch behaves on the network, on disk and on this machine.

Every value can be overridden by the environment variable C5WATCH_<SECTION>__<NAME>. An unknown key is
an error, because a misspelt limit would otherwise be a limit that silently does not hold.
"""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

VERSION = "0.1.0"
USER_AGENT = f"c5watch/{VERSION} (+https://github.com/c5watch/c5watch)"


class Section(BaseModel):
    """A table of a configuration file: immutable, and strict about its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


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


class Network(Section):
    """How we behave as a guest on other people's servers."""

    user_agent: Annotated[str, AfterValidator(_one_line)] = Field(USER_AGENT, min_length=1)
    allow_networks: tuple[Annotated[str, AfterValidator(_network)], ...] = ()
    per_host_interval: float = Field(1.0, ge=0)  # seconds between two requests to one host
    concurrency: PositiveInt = 32  # hosts at a time
    timeout: PositiveFloat = 30.0  # seconds of silence after which a server counts as gone
    max_bytes: PositiveInt = 10_000_000  # of one decoded answer


class Extraction(Section):
    """The child processes that turn pages into articles."""

    workers: int = Field(0, ge=0)  # 0: one for each processor core
    timeout: PositiveFloat = 30.0  # seconds for one page
    memory_mb: PositiveInt = 1500  # address space of one worker
    min_words: int = Field(20, ge=0)  # a shorter text is a stub, not an article


class Schedule(Section):
    """When the flows run by themselves; times in `timezone`."""

    monitor: str = "*/30 * * * *"
    digest: str = "0 7 * * *"
    timezone: str = "Asia/Almaty"


class Storage(Section):
    """Where the index and the corpus live."""

    database: Literal["sqlite"] = "sqlite"
    corpus: str = Field("corpus", pattern=r"^[^/\\:]+$")  # name of a folder below --data


MailAddress = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")]


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
    extraction: Extraction = Extraction()
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
