"""Read and check the configuration folder as a whole, before anything else happens.

A file that the folder lacks is taken from the checkout's own `config/`. Every mistake becomes one line
that names file, key, what was found and what is expected; all of them are reported at once.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from config.settings import Settings
from config.sources import Source, SourcesFile
from config.topics import TopicsFile

CHECKOUT = Path(__file__).parent
FILES: Mapping[str, type[BaseModel]] = {
    "settings.toml": Settings,
    "sources.toml": SourcesFile,
    "topics.toml": TopicsFile,
}


class ConfigError(Exception):
    """The configuration is wrong. `lines` says what and where, one mistake a line."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = tuple(lines)


@dataclass(frozen=True, slots=True)
class Config:
    """The checked configuration, and the folder it came from."""

    folder: Path
    settings: Settings
    sources: tuple[Source, ...]
    topics: TopicsFile

    def source(self, source_id: str) -> Source:
        """The source with this id."""
        return next(s for s in self.sources if s.id == source_id)

    def select(self, ids: Sequence[str]) -> tuple[Source, ...]:
        """The sources with these ids, or all enabled ones when none is named. Unknown ids are a ConfigError."""
        if not ids:
            return tuple(s for s in self.sources if s.enabled)
        known = {s.id: s for s in self.sources}
        unknown = [
            f'--source: found "{i}", expected an id from sources.toml{_hint(i, known)}' for i in ids if i not in known
        ]
        if unknown:
            raise ConfigError(unknown)
        return tuple(known[i] for i in dict.fromkeys(ids))


def load_config(folder: Path) -> Config:
    """The configuration in `folder`. Raises ConfigError; reads the environment only for C5WATCH_* overrides."""
    if not folder.is_dir():
        raise ConfigError([f"--config: found {folder}, expected an existing folder"])
    lines: list[str] = []
    checked: dict[str, Any] = {}
    for name, model in FILES.items():
        path = folder / name if (folder / name).exists() else CHECKOUT / name
        try:
            checked[name] = model(**_read(path))
        except ConfigError as exc:
            lines += exc.lines
        except ValidationError as exc:
            lines += [_line(path, model, error) for error in exc.errors()]
    if lines:
        raise ConfigError(lines)
    return Config(folder, checked["settings.toml"], checked["sources.toml"].sources, checked["topics.toml"])


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as exc:
        raise ConfigError([f"{path}: cannot be read: {exc.strerror}"]) from exc
    except UnicodeDecodeError as exc:
        raise ConfigError([f"{path}: found bytes that are not UTF-8 at position {exc.start}, expected UTF-8"]) from exc
    except tomllib.TOMLDecodeError as exc:
        raise ConfigError([f"{path}: not valid TOML: {exc}"]) from exc


def _line(path: Path, model: type[BaseModel], error: Mapping[str, Any]) -> str:
    """One pydantic error as one line: place, key, found, expected."""
    loc = tuple(error["loc"])
    variable = "C5WATCH_" + "__".join(str(part).upper() for part in loc)
    if model is Settings and loc and variable in os.environ:
        where, key = "environment", variable
    else:
        where, key = str(path), _key(loc)
    prefix = f"{where}: {key}: " if key else f"{where}: "
    message = str(error["msg"]).removeprefix("Value error, ").replace("Input should be", "expected").replace("\n", " ")
    if error["type"] == "extra_forbidden":
        keys = _known_keys(model, loc[:-1])
        return f"{prefix}unknown key, expected one of {', '.join(keys)}{_hint(str(loc[-1]), keys)}"
    if error["type"] == "missing":
        return f"{prefix}missing, expected a value"
    if isinstance(error["input"], (dict, list, tuple, BaseModel)) and error["type"] == "value_error":
        return prefix + message  # the sentence names what it found; the whole table would drown it
    if isinstance(error["input"], (dict, list, tuple)):
        return f"{prefix}found {'a table' if isinstance(error['input'], dict) else 'a list'}, {message}"
    found = repr(error["input"]).replace("'", '"') if isinstance(error["input"], str) else repr(error["input"])
    return f"{prefix}found {found[:80]}, {message[:1].lower()}{message[1:]}"


def _key(loc: Sequence[str | int]) -> str:
    """("sources", 3, "feeds", 0) → "sources[4].feeds[1]": people count from one."""
    text = ""
    for part in loc:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _known_keys(model: type[BaseModel], loc: Sequence[str | int]) -> list[str]:
    """The keys that the table at `loc` may hold."""
    current: Any = model
    for part in loc:
        if isinstance(part, int):
            continue
        field = getattr(current, "model_fields", {}).get(part)
        current = _model_in(field.annotation) if field else None
    return sorted(getattr(current, "model_fields", {}))


def _model_in(annotation: Any) -> Any:
    """The pydantic model inside an annotation such as `tuple[Source, ...]` or `Mail | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        if (found := _model_in(argument)) is not None:
            return found
    return None


def _hint(word: str, known: Mapping[str, Any] | Sequence[str]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f' (did you mean "{close[0]}"?)' if close else ""
