"""How the code is laid out: where it is full, how long its parts are, which imports run in circles or back up.

    python -m tests.benchmarks.house [--revision d87a756]...

First each revision is told of, then the checkout as it stands. Only `config`, `extractors`, `storage` and `flows` are
looked at. Counted are

- modules a folder, without `__init__` and `__main__`;
- lines of a function from its `def` to its end, with docstring and inner functions; not those of migrations, which are
  lists of statements that nobody changes any more;
- circles: groups of modules, and of rooms, each of which leads to each other by imports of any kind;
- arrows against the direction of the table ROOMS in tests/test_architecture.py. A revision older than the rooms is
  measured by the rooms in which its modules are today: git's renames say which (similar by 30 % or more);
- files to touch for a language, a route, an outcome: those with a table that names three or more of its kind (a set,
  dict, tuple, list, `match`, class of constants, or pattern with `|`). For a language also those with words of a
  language: November in two or more languages, or three or more Cyrillic words; and its own file in config/languages.
  For a route also its module. The catalogue and the terms of the topic (config/*.toml) are not counted, nor
  tables of a pass's counts (appended, duplicates, pending …), in which each outcome is counted as one of a few.
"""

from __future__ import annotations

import argparse
import ast
import re
import statistics
import subprocess
import tempfile
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.running import CHECKOUT

PACKAGES = ("config", "extractors", "storage", "flows")
LONG = 60  # lines of a function
LANGUAGES = {"ru", "en", "kk", "uz", "ky", "tg", "tk", "tr", "uk", "az", "de", "zh"}
NOVEMBER = {  # as it stands in a table of months
    "ru": "ноябр", "en": "november", "kk": "қараша", "uz": "noyabr", "ky": "ноябр", "tk": "noýabr", "tr": "kasım",
    "uk": "листопад",
}  # fmt: skip
ROUTES = {"sitemap", "wordpress", "paged", "wayback", "gdelt", "ccnews", "urls"}
OUTCOMES = {
    "appended", "duplicate", "reprint", "off_topic", "outside", "too_short", "not_article", "paywalled", "gone",
    "refused", "robots", "unsafe_address", "too_large", "failed", "removed", "gave_up",
}  # fmt: skip
CYRILLIC_WORD = re.compile("[а-яёәғқңөұүһі]{4,}")
COUNTS = {"duplicates", "pending", "new"}  # a table that names one of these tells the counts of a pass, no outcomes
MANY = 3  # of a kind, in one table
Arrows = Mapping[str, Collection[str]]


@dataclass(frozen=True, slots=True)
class House:
    """One revision: its folder, and each module's name with its source and syntax tree."""

    name: str
    folder: Path
    sources: Mapping[str, str]
    trees: Mapping[str, ast.Module]
    paths: Mapping[str, str]


def read_house(name: str, folder: Path) -> House:
    """Read the modules below a folder."""
    paths = {}
    for package in PACKAGES:
        for path in sorted((folder / package).rglob("*.py")):
            relative = path.relative_to(folder)
            paths[".".join(relative.with_suffix("").parts).removesuffix(".__init__")] = str(relative)
    sources = {module: (folder / path).read_text(encoding="utf-8") for module, path in paths.items()}
    return House(name, folder, sources, {module: ast.parse(text) for module, text in sources.items()}, paths)


def arrows_of(house: House) -> dict[str, set[str]]:
    """Return each module's imports of other modules of ours, at import or later."""
    found: dict[str, set[str]] = {}
    for module, tree in house.trees.items():
        names: set[str] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                full = {f"{node.module}.{alias.name}" for alias in node.names}
                names |= {name if name in house.trees else node.module for name in full}
        found[module] = {name for name in names if name in house.trees and name != module}
    return found


def circles(arrows: Arrows) -> list[list[str]]:
    """Return the groups in which each leads to each other."""
    reach = {start: _reached(arrows, start) for start in arrows}
    groups = {frozenset(b for b in arrows if b in reach[a] and a in reach[b]) for a in arrows}
    return sorted(sorted(group) for group in groups if group)


def _reached(arrows: Arrows, start: str) -> set[str]:
    seen: set[str] = set()
    left = [start]
    while left:
        new = set(arrows.get(left.pop(), ())) - seen
        seen |= new
        left += new
    return seen


def room_of(module: str) -> str:
    """Return the package and room of a module's name of today."""
    parts = module.split(".")
    return ".".join(parts[:2]) if len(parts) > 2 else parts[0]


def today(house: House) -> dict[str, str]:
    """Return each module's name of today; what is gone is left out."""
    if house.folder == CHECKOUT:
        return {module: module for module in house.trees}
    lines = _git("diff", "-M30%", "-l0", "--name-status", "--diff-filter=RD", house.name, "--", *PACKAGES).splitlines()
    moved: dict[str, str | None] = {}
    for line in lines:
        status, old, *new = line.split("\t")
        moved[old] = new[0] if status.startswith("R") else None
    now = {module: moved.get(path, path) for module, path in house.paths.items()}
    return {m: ".".join(Path(p).with_suffix("").parts).removesuffix(".__init__") for m, p in now.items() if p}


def backward(arrows: Arrows, names: Mapping[str, str], rooms: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Return the imports that run against the table."""

    def height(module: str) -> tuple[int, int]:
        package, _, rest = module.partition(".")
        own = rooms[package]
        room = rest.partition(".")[0]
        return PACKAGES.index(package), own.index(room) + 1 if room in own else 0

    found = []
    for module, targets in arrows.items():
        for target in targets:
            if module not in names or target not in names:
                continue
            own, other = height(names[module]), height(names[target])
            sideways = (own[0], other[0]) == (1, 2)  # extractors never import storage
            if (other[0] > own[0] or sideways or (own[0] == other[0] and other[1] > own[1])) and "." in names[module]:
                found.append(f"{names[module]} imports {names[target]}")
    return sorted(found)


def rooms_of_today() -> dict[str, tuple[str, ...]]:
    """Read the table of the test."""
    tree = ast.parse((CHECKOUT / "tests" / "test_architecture.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "ROOMS":
            return {package: tuple(rooms) for package, rooms in ast.literal_eval(node.value).items()}
    raise LookupError("tests/test_architecture.py has no table ROOMS")


def functions(house: House) -> list[tuple[int, str]]:
    """Return each function's lines and its name."""
    return [
        ((node.end_lineno or node.lineno) - node.lineno + 1, f"{house.paths[module]}: {node.name}")
        for module, tree in house.trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and "versions" not in module
    ]


def tables(tree: ast.Module) -> Iterator[set[str]]:
    """Yield the words that each table of a module names."""
    for node in ast.walk(tree):
        match node:
            case ast.Dict():
                yield _words(node.keys) or _words(node.values)
            case ast.Set() | ast.Tuple() | ast.List():
                yield _words(node.elts)
            case ast.Match():
                yield _words([part for case in node.cases for part in ast.walk(case.pattern)])
            case ast.ClassDef():
                yield _words([part.value for part in node.body if isinstance(part, ast.Assign)])
            case ast.Constant(value=str(text)) if text.count("|") >= MANY - 1:
                yield set(re.findall(r"[a-z_]+", text))


def _words(nodes: Collection[ast.AST | None]) -> set[str]:
    """Return the constants among nodes, and what stands behind the dot of `Outcome.FAILED`, in small letters."""
    words = set()
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            words.add(node.value.lower())
        elif isinstance(node, ast.Attribute):
            words.add(node.attr.lower())
        elif isinstance(node, ast.Tuple):  # Enum members with more than one value
            words |= _words(node.elts[:1])
        elif isinstance(node, ast.Call):  # rows: Row("sitemap", …)
            words |= _words(node.args[:1])
    return words


def to_touch(house: House, kind: Collection[str]) -> list[str]:
    """Return the files with a table of this kind."""
    return [
        house.paths[module]
        for module, tree in house.trees.items()
        if any(len(words & set(kind)) >= MANY and not words & COUNTS for words in tables(tree))
    ]


def constants(tree: ast.Module) -> str:
    """Return all texts in a module's code; docstrings are none."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    texts = (n for n in ast.walk(tree) if isinstance(n, ast.Constant) and id(n) not in docstrings)
    return "\n".join(node.value for node in texts if isinstance(node.value, str))


def for_a_language(house: House) -> list[str]:
    """Return the files to touch for a language."""
    worded = {
        house.paths[module]
        for module, tree in house.trees.items()
        if (text := constants(tree).lower())
        and (len({w for w in NOVEMBER.values() if w in text}) > 1 or len({*CYRILLIC_WORD.findall(text)}) >= MANY)
    }
    own = ["config/languages/<code>.toml"] if (house.folder / "config" / "languages").is_dir() else []
    return sorted({*to_touch(house, LANGUAGES), *worded, *own})


def for_a_route(house: House) -> list[str]:
    """Return the files to touch for a route."""
    return sorted([*to_touch(house, ROUTES), "its module"])


def spread(numbers: list[int]) -> str:
    """Return median, nine in ten, and the largest."""
    return f"{statistics.median(numbers):.0f} / {statistics.quantiles(numbers, n=10)[-1]:.0f} / {max(numbers)}"


def report(house: House) -> None:
    """Print all of one revision."""
    folders = Counter(
        str(Path(path).parent)
        for path in house.paths.values()
        if not Path(path).name.startswith("__") and "versions" not in Path(path).parts  # migrations, which only grow
    ).most_common()
    long = sorted((entry for entry in functions(house) if entry[0] > LONG), reverse=True)
    arrows = arrows_of(house)
    names = today(house)
    between: Mapping[str, set[str]] = defaultdict(set)
    for module, targets in arrows.items():
        for target in targets:
            if module in names and target in names and not house.paths[module].endswith("__init__.py"):
                between[room_of(names[module])].add(room_of(names[target]))
    between = {room: targets - {room} for room, targets in between.items()}
    against = backward(arrows, names, rooms_of_today())
    gone = len(house.trees) - len(names)
    print(f"{house.name}: {len(house.trees)} modules in {len(folders)} folders")
    print(f"  modules a folder, the fullest       {', '.join(f'{folder} {n}' for folder, n in folders[:4])}")
    print(f"  lines a module (median / p90 / max) {spread([text.count(chr(10)) for text in house.sources.values()])}")
    print(f"  lines a function                    {spread([lines for lines, _ in functions(house)])}")
    _print_list(f"functions above {LONG} lines", [f"{lines} {name}" for lines, name in long])
    _print_list("circles of modules", [" ".join(group) for group in circles(arrows)])
    _print_list("circles of rooms", [" ".join(group) for group in circles(between)])
    _print_list(f"arrows against the direction ({gone} modules that are gone left out)", against)
    _print_list("files to touch for a language", for_a_language(house))
    _print_list("files to touch for a route", for_a_route(house))
    _print_list("files to touch for an outcome", to_touch(house, OUTCOMES))


def _print_list(title: str, lines: Collection[str]) -> None:
    print(f"  {title}: {len(lines)}")
    for line in lines:
        print(f"    {line}")


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--revision", action="append", default=[], help="also this revision; may be repeated")
    for revision in parser.parse_args().revision:
        with tempfile.TemporaryDirectory() as folder:
            packed = subprocess.run(["git", "archive", revision], cwd=CHECKOUT, capture_output=True, check=True).stdout
            subprocess.run(["tar", "-x", "-C", folder], input=packed, check=True)
            report(read_house(revision, Path(folder)))
    report(read_house("this checkout", CHECKOUT))


if __name__ == "__main__":
    main()
