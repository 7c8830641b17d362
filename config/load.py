"""Read and check the configuration folder as a whole, before anything else happens.

Take a file that the folder lacks from the checkout's own `config/`, and likewise each file of `languages/`. Make each
mistake a line that names the file, the key, the value found and the value expected; report all mistakes at once.
"""

from __future__ import annotations

import difflib
import json
import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_settings import SettingsError

from config.errors import USAGE, UserError
from config.languages import (
    CODE,
    Language,
    Languages,
    gathered,
    language_files,
    language_of,
    read_languages,
    use_languages,
)
from config.settings import Settings, masked
from config.sites import FOLDER as SITES
from config.sites import Site, misnamed, site_files, site_of
from config.sources import LANGUAGES, ROUTES, RouteKeys, Source, SourcesFile
from config.topics import TopicsFile, WeightsFile, with_weights

T = TypeVar("T")
CHECKOUT = Path(__file__).parent
FILES: Mapping[str, type[BaseModel]] = {
    "settings.toml": Settings,
    "sources.toml": SourcesFile,
    "topics.toml": TopicsFile,
}
WEIGHTS = "topics.weights.toml"  # optional, and only beside the `topics.toml` that it goes with


class ConfigError(UserError):
    """Error in the configuration. `lines` names each mistake and its place, one a line."""

    status = USAGE

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = tuple(_printable(line) for line in lines)
        super().__init__("\n".join(self._lines))

    @property
    def lines(self) -> tuple[str, ...]:
        """Return the sentences, a line for each mistake."""
        return self._lines


@dataclass(frozen=True, slots=True)
class Config:
    """Checked configuration, and the folder it came from."""

    folder: Path
    settings: Settings
    sources: tuple[Source, ...]
    topics: TopicsFile
    languages: Languages
    sites: Mapping[str, Site] = field(default_factory=dict)  # by domain

    def source(self, source_id: str) -> Source:
        """Return the source with this id."""
        return next(s for s in self.sources if s.id == source_id)

    def ruled(self) -> frozenset[str]:
        """Return the ids of the sources for whose pages there is a rule in `sites/`."""
        return frozenset(source.id for source in self.sources if site_of(self.sites, source.homepage))

    def watched(self) -> dict[str, str]:
        """Return the feeds and sections that are watched, each with the id of its source."""
        return {feed: source.id for source in self.sources if source.enabled for feed in source.watched}

    def select(self, ids: Sequence[str], *, given_by: str = "--source") -> tuple[Source, ...]:
        """Return the sources with these ids, or all enabled sources when no id is given.

        Raises ConfigError for unknown ids, naming the option or argument that they were `given_by`.
        """
        if not ids:
            return tuple(s for s in self.sources if s.enabled)
        known = {s.id: s for s in self.sources}
        unknown = [
            f'{given_by}: found "{i}", expected an id from sources.toml{_hint(i, known)}' for i in ids if i not in known
        ]
        if unknown:
            raise ConfigError(unknown)
        return tuple(known[i] for i in dict.fromkeys(ids))


def load_config(folder: Path, routes: Mapping[str, RouteKeys] | None = None) -> Config:
    """Return the configuration in `folder`, whose languages are from now on those of this process.

    `routes` is the table that the catalogue's backfill routes are checked against; without it, only their shape is.
    Raises ConfigError; reads the environment only for C5WATCH_* overrides.
    """
    if not folder.is_dir():
        raise ConfigError([f"--config: found {folder}, expected an existing folder"])
    lines = _unknown_variables()
    checked: dict[str, Any] = {}
    paths = {name: folder / name if (folder / name).exists() else CHECKOUT / name for name in FILES}
    models = dict(FILES)
    if (weights := paths["topics.toml"].with_name(WEIGHTS)).exists():
        paths[WEIGHTS], models[WEIGHTS] = weights, WeightsFile
    for name, model in models.items():
        path = paths[name]
        try:
            content = _read(path)
            if model is Settings:  # which takes the environment into account
                checked[name] = Settings(**content)
            else:
                checked[name] = model.model_validate(content, context={ROUTES: routes})
        except ConfigError as exc:
            lines += exc.lines
        except SettingsError:
            lines += _undecodable_variables()
        except ValidationError as exc:
            lines += [_line(path, model, error) for error in exc.errors()]
    sites, wrong = _sites(folder if (folder / SITES).exists() else CHECKOUT)
    lines += wrong + _wrong_languages(folder)
    if lines:
        raise ConfigError(lines)
    languages = read_languages(folder)
    lines = _unknown_in_settings(paths["settings.toml"], languages, *(checked[name] for name in FILES))
    if lines:
        raise ConfigError(lines)
    topics = checked["topics.toml"]
    if WEIGHTS in checked:
        try:
            topics = with_weights(topics, checked[WEIGHTS])
        except ValueError as exc:
            raise ConfigError([f"{paths[WEIGHTS]}: {exc}"]) from exc
    use_languages(languages)
    return Config(folder, checked["settings.toml"], checked["sources.toml"].sources, topics, languages, sites)


def _sites(folder: Path) -> tuple[dict[str, Site], list[str]]:
    """Return the rules for single sites by domain, and the mistakes in their files."""
    sites: dict[str, Site] = {}
    lines: list[str] = []
    for path in site_files(folder):
        try:
            sites[path.stem] = Site(**_read(path))
        except ConfigError as exc:
            lines += exc.lines
        except ValidationError as exc:
            lines += [_line(path, Site, error) for error in exc.errors()]
        if problem := misnamed(path, sites.get(path.stem)):
            lines.append(f"{path}: {problem}")
    return sites, lines


def _wrong_languages(folder: Path) -> list[str]:
    """Return the mistakes in the files of the languages."""
    lines: list[str] = []
    parts: dict[str, Language] = {}
    files = language_files(folder)
    for code, path in files.items():
        if not CODE.fullmatch(code) or code[:2] not in LANGUAGES:
            lines.append(f'{path}: expected a language as its name, such as "kk.toml" or "uz-cyrl.toml"')
        try:
            parts[code] = _parsed(path, language_of)
        except ConfigError as exc:
            lines += exc.lines
        except ValidationError as exc:
            lines += [_line(path, Language, error) for error in exc.errors()]
    try:
        gathered(parts)
    except ValueError as exc:
        code, _, problem = str(exc).partition(": ")
        lines.append(f"{files[code]}: {problem}")
    return lines


def _unknown_in_settings(
    path: Path, languages: Languages, settings: Settings, sources: SourcesFile, topics: TopicsFile
) -> list[str]:
    """Return what settings ask for and can never get: a misspelt country would give a digest that is always empty."""
    topic_ids = [topic.id for topic in topics.topics]
    countries = sorted({source.country for source in sources.sources})
    lines = []
    if (frame := settings.browse.frame or settings.frame) not in languages.rooms():
        rooms = f"a language with [browse]: {', '.join(languages.rooms())}"
        lines.append(f"{path}: browse.frame: found {_found(frame)}, expected {rooms}")
    for position, digest in enumerate(settings.digests, 1):
        asked = (
            ("topic", [digest.topic] if digest.topic else [], topic_ids, "a topic's id from topics.toml"),
            ("frame", [digest.frame], languages.frames(), f"a language with [digest]: {', '.join(languages.frames())}"),
            ("languages", digest.languages, LANGUAGES, 'ISO 639-1 codes such as "ru" or "kk"'),
            ("countries", digest.countries, countries, f"countries of sources: {', '.join(countries)}"),
        )
        for key, values, known, expected in asked:
            for value in values:
                if value not in known:
                    hint = _hint(value, sorted(known))
                    lines.append(f"{path}: digests[{position}].{key}: found {_found(value)}, expected {expected}{hint}")
    return lines


def _read(path: Path) -> dict[str, Any]:
    content = _parsed(path, tomllib.loads)
    if options := [f"{path}: {key}: unknown key" for key in content if key.startswith("_")]:
        raise ConfigError(options)  # pydantic-settings would take them for its own options
    return content


def _parsed(path: Path, parse: Callable[[str], T]) -> T:
    """Return a file's text parsed by `parse`. Raises ConfigError, and passes on pydantic's ValidationError."""
    try:
        return parse(path.read_text(encoding="utf-8-sig"))
    except ValidationError:
        raise
    except OSError as exc:
        raise ConfigError([f"{path}: cannot be read: {exc.strerror}"]) from exc
    except UnicodeDecodeError as exc:
        raise ConfigError([f"{path}: found bytes that are not UTF-8 at position {exc.start}, expected UTF-8"]) from exc
    except RecursionError as exc:
        raise ConfigError([f"{path}: not valid TOML: nested too deeply"]) from exc
    except ValueError as exc:  # TOMLDecodeError, or a number that Python refuses to read
        raise ConfigError([f"{path}: not valid TOML: {exc}"]) from exc


SECRET_PLACES = (("storage",), ("storage", "database"))


def _line(path: Path, model: type[BaseModel], error: Mapping[str, Any]) -> str:
    """Return a pydantic error as a line: place, key, value found, value expected."""
    loc = tuple(error["loc"])
    message = _message(error)
    key, colon, rest = message.partition(": ")
    if colon and model is Settings and (given := _variable((*loc, key))):  # a sentence that begins with its key
        return f"environment: {given}: {rest}"
    variable = _variable(loc) if model is Settings else None
    where, key = ("environment", variable) if variable else (str(path), _key(loc))
    prefix = f"{where}: {key}: " if key else f"{where}: "
    if error["type"] == "extra_forbidden":
        keys = _known_keys(model, loc[:-1])
        return f"{prefix}unknown key, expected one of {', '.join(keys)}{_hint(str(loc[-1]), keys)}"
    if error["type"] == "missing":
        return f"{prefix}missing, expected a value"
    if loc in SECRET_PLACES and isinstance(error["input"], str):  # and messages go into logs and reports
        return f"{prefix}found a value that is not shown because it may hold a password, {message}"
    if isinstance(error["input"], (dict, list, tuple, BaseModel)) and error["type"] == "value_error":
        return prefix + message  # the sentence names what it found; the whole table would drown it
    if isinstance(error["input"], (dict, list, tuple)):
        return f"{prefix}found {'a table' if isinstance(error['input'], dict) else 'a list'}, {message}"
    return f"{prefix}found {_found(error['input'])}, {message}"


def _message(error: Mapping[str, Any]) -> str:
    """Return the expectation in the words of a TOML file instead of pydantic's."""
    context = error.get("ctx", {})
    match error["type"]:
        case "tuple_type":
            return "expected a list"
        case "model_type" | "model_attributes_type" | "dict_type":
            return "expected a table"
        case "string_too_short":
            return f"expected at least {context['min_length']} character(s)"
        case "too_short":
            return f"expected at least {context['min_length']} item(s)"
        case "finite_number":
            return "expected a finite number"
    message = str(error["msg"]).removeprefix("Value error, ").replace("Input should be", "expected").replace("'", '"')
    return message[:1].lower() + message[1:]


def _found(value: object) -> str:
    """Return a value as it may stand in a TOML file."""
    if isinstance(value, bool):
        return str(value).lower()
    text = json.dumps(masked(value), ensure_ascii=False) if isinstance(value, str) else str(value)
    return text if len(text) <= 80 else text[:79] + "…"


def _variable(loc: Sequence[str | int]) -> str | None:
    """Return the environment variable that gave the setting at `loc`."""
    names = {name.upper(): name for name in os.environ}
    setting = [part for part in loc if isinstance(part, str)]
    wanted = "C5WATCH_" + "__".join(setting).upper()
    if setting and wanted in names:
        return names[wanted]
    below = (name for name in names if len(setting) > 1 and name.startswith(f"{wanted}__"))
    return names.get(next(below, ""))


def _unknown_variables() -> list[str]:
    """Return a line for each override of a section that does not exist; pydantic-settings leaves those unread."""
    sections = sorted(Settings.model_fields)
    lines = []
    for name in sorted(os.environ):
        prefix, _, section = name.partition("__")[0].lower().partition("_")
        if prefix == "c5watch" and "__" in name and section not in sections:
            hint = _hint(section, sections)
            lines.append(f"environment: {name}: unknown section, expected one of {', '.join(sections)}{hint}")
    return lines


def _undecodable_variables() -> list[str]:
    """Return a line for each override that must be JSON, because it stands for a list or a table, and is not."""
    lines = []
    for name, value in sorted(os.environ.items()):
        section, _, key = name.lower().removeprefix("c5watch_").partition("__")
        if not name.lower().startswith("c5watch_") or section not in Settings.model_fields:
            continue
        try:
            json.loads(value)
        except ValueError:
            field = getattr(_model_in(Settings.model_fields[section].annotation), "model_fields", {}).get(key)
            if not key:
                lines.append(
                    f"environment: {name}: found a single value, expected one variable {name}__<NAME> for each setting"
                )
            elif field and "tuple" in str(field.annotation):
                lines.append(f'environment: {name}: found {_found(value)}, expected a list such as ["a", "b"]')
    return lines


def _printable(line: str) -> str:
    """Return the message on its line: keys may hold anything in TOML."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)


def _key(loc: Sequence[str | int]) -> str:
    """Return ("sources", 3, "feeds", 0) as "sources[4].feeds[1]": people count from one."""
    text = ""
    for part in loc:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _known_keys(model: type[BaseModel], loc: Sequence[str | int]) -> list[str]:
    """Return the keys that the table at `loc` may hold."""
    current: Any = model
    for part in loc:
        if isinstance(part, int):
            continue
        fields = getattr(current, "model_fields", {})
        named = fields.get("root", fields.get(part))  # "root": tables whose names are the user's
        current = _model_in(named.annotation) if named else None
    return sorted(getattr(current, "model_fields", {}))


def _model_in(annotation: Any) -> Any:
    """Return the pydantic model inside an annotation such as `tuple[Source, ...]` or `Mail | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        if (found := _model_in(argument)) is not None:
            return found
    return None


def _hint(word: str, known: Mapping[str, Any] | Sequence[str]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f' (did you mean "{close[0]}"?)' if close else ""
