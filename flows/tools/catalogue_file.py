"""Change the catalogue's file: append sources to it, and put one address in the place of another.

Both change the text, so that its comments and order stay as people wrote them. The file is replaced only by one that
has been read and checked: nothing else in it has changed.
"""

from __future__ import annotations

import fcntl
import os
import re
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from config.load import CHECKOUT, ConfigError, load_config
from config.sources import Source, SourcesFile
from extractors.archives.routes import ROUTES
from flows.tools.catalogue import NewSource, array, quoted, table
from storage.files.local_folder import put_file, sync_folder

FILE = "sources.toml"
_TABLE = re.compile(r"^[ \t]*\[\[[ \t]*sources[ \t]*\]\]", re.MULTILINE)
_FEEDS = re.compile(r"^([ \t]*)feeds[ \t]*=[ \t]*\[[^\[\]]*\]", re.MULTILINE)
Change = Callable[[str, tuple[Source, ...]], tuple[str, list[Source]]]  # the text and what it holds: before, and after


@dataclass(frozen=True, slots=True)
class Written:
    """The catalogue's file after a change; `copied`: it was not there, so the shipped one was copied."""

    path: Path
    copied: bool


@dataclass(frozen=True, slots=True)
class Replacement:
    """An address of a source, the one in its place, and a sentence on why; `section`: the new one is a section page."""

    source_id: str
    old: str
    new: str
    why: str
    section: bool = False


def append(folder: Path, sources: Sequence[NewSource]) -> Written:
    """Append the sources to the catalogue in `folder`, all of them or none.

    Raises ConfigError when the file would not be valid, OSError when it cannot be written.
    """

    def appended(text: str, before: tuple[Source, ...]) -> tuple[str, list[Source]]:
        added = "".join("\n" + table(new) for new in sources)
        return text + ("" if text.endswith("\n") or not text else "\n") + added, [*before, *(n.source for n in sources)]

    return _change(folder, appended, otherwise="write the sources as [[sources]] tables")


def replace_address(folder: Path, replacement: Replacement) -> Written:
    """Put the new address in the place of the old one, with a comment above that says why. Raises as `append` does."""

    def replaced(text: str, before: tuple[Source, ...]) -> tuple[str, list[Source]]:
        after = [
            replaced_in(source, replacement) if source.id == replacement.source_id else source for source in before
        ]
        return _with_replacement(text, replacement), after

    return _change(folder, replaced, otherwise=f"put {replacement.new} into it by hand")


def replaced_in(source: Source, replacement: Replacement) -> Source:
    """Return the source with its new address."""
    feeds, sections = list(source.feeds), list(source.sections)
    place = feeds if replacement.old in feeds else sections
    position = place.index(replacement.old)
    if replacement.section and place is feeds:
        del feeds[position]
        sections.append(replacement.new)
    else:
        place[position] = replacement.new
    return source.model_copy(update={"feeds": tuple(feeds), "sections": tuple(sections)})


def _with_replacement(text: str, replacement: Replacement) -> str:
    """Return the text with the address replaced in its source's table; unchanged where that is written otherwise."""
    starts = [match.start() for match in _TABLE.finditer(text)] + [len(text)]
    for start, end in pairwise(starts):
        block = text[start:end]
        if _id_of(block) != replacement.source_id:
            continue
        forms = [form for form in (quoted(replacement.old), f"'{replacement.old}'") if form in block]
        if not forms:
            return text
        if replacement.section and (feeds := _FEEDS.search(block)) and forms[0] in feeds[0]:
            left = [url for url in tomllib.loads(feeds[0].strip())["feeds"] if url != replacement.old]
            line = array("feeds", [quoted(url) for url in left])
            changed = f"{line}\n{array('sections', [quoted(replacement.new)])}"
            block = block[: feeds.start()] + changed + block[feeds.end() :]
            position = feeds.start()
        else:
            position = block.index(forms[0])
            block = block[:position] + quoted(replacement.new) + block[position + len(forms[0]) :]
            position = max(block.rfind(f"\n{key}", 0, position) for key in ("feeds", "sections")) + 1
        return text[:start] + block[:position] + f"# {replacement.why}\n" + block[position:] + text[end:]
    return text


def _id_of(block: str) -> Any:
    try:
        return tomllib.loads(block)["sources"][0].get("id")
    except (tomllib.TOMLDecodeError, KeyError, IndexError):
        return None


def _change(folder: Path, change: Change, *, otherwise: str) -> Written:
    """Write the catalogue in `folder` changed; `otherwise` says what to do where that cannot be done.

    A folder without a catalogue uses the shipped one: it gets a copy of that first, so that what was there before is
    there afterwards.
    """
    path = (folder / FILE).resolve()  # where a link leads: the link stays one
    with _alone(folder):
        before = load_config(folder, ROUTES)
        copied = not path.exists()
        content = (CHECKOUT / FILE if copied else path).read_bytes()
        text = content.decode("utf-8-sig")
        newline = "\r\n" if "\r\n" in text else "\n"
        text, expected = change(text.replace("\r\n", "\n"), before.sources)
        text = text.replace("\n", newline)
        _check(path, text, expected, otherwise)
        mark = b"\xef\xbb\xbf" if content.startswith(b"\xef\xbb\xbf") else b""
        mode = None if copied else path.stat().st_mode
        put_file(path, mark + text.encode("utf-8"))
        if mode is not None:
            path.chmod(mode)
        sync_folder(path.parent)
    return Written(path, copied)


def _check(path: Path, text: str, expected: list[Source], otherwise: str) -> None:
    """Raise ConfigError unless `text` is a catalogue of just the `expected` sources."""
    try:
        if SourcesFile.model_validate(tomllib.loads(text)).sources == tuple(expected):
            return
        why = "the change would change other sources"
    except tomllib.TOMLDecodeError as exc:
        why = f"it would not be valid TOML: {exc}"
    except ValidationError as exc:
        why = str(exc.errors()[0]["msg"]).removeprefix("Value error, ")
    raise ConfigError([f"{path}: it cannot be changed: {why}; {otherwise}"])


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Lock the catalogue: a second program waits for its turn, and then sees what the first has added."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
