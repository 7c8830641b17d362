"""Every regular expression of the project, with the methods it is used by; and texts that lead patterns astray."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from config.languages import languages

CHECKOUT = Path(__file__).parents[2]
PACKAGES = ("config", "extractors", "storage", "flows")
METHODS = ("findall", "finditer", "fullmatch", "match", "search", "split", "sub", "subn")
ANY = ("search", "match")  # where the code does not show how a pattern is used
MOST_WORDS = 15  # of a pattern's own, evenly chosen
RUNS = (
    *(" ", "\t", "\n", "\r\n", "1", "a", "б", "中", "A", "Ж", "_", "\u0301", "\u00a0"),
    *('"', "'", "«", "(", "[", "{", "<", ">", "&", "\\", "|", "=", "%", "@", "#", "*"),
    *(".", ",", ":", ";", "-", "–", "/", "…", "?", "!", "。", " - ", " / ", " | ", ". ", ", "),
    *(
        "1.",
        "1,",
        "1 ",
        "a ",
        "a.",
        "a-",
        "a'",
        "Aa ",
        "б ",
        "ab,",
        "1/",
        "2025 ",
        "/a",
        "<a ",
        "<a",
        "&#",
        "a=",
        '"a"',
        '"\\',
        "<p>",
        "<!--",
    ),
)


@dataclass(frozen=True, slots=True)
class Used:
    """A pattern, where it stands, and the methods that are called on it there."""

    where: str
    pattern: re.Pattern[Any]
    methods: tuple[str, ...]


def modules() -> Iterator[tuple[str, Path]]:
    """The names and files of all modules but doors and migrations, which compile nothing."""
    for package in PACKAGES:
        for path in sorted((CHECKOUT / package).rglob("*.py")):
            if path.name not in ("__main__.py", "env.py") and "versions" not in path.parts:
                yield ".".join(path.relative_to(CHECKOUT).with_suffix("").parts).removesuffix(".__init__"), path


def every_pattern() -> tuple[list[Used], list[str]]:
    """All patterns of the project; and where one is made of values that only a run knows ("module.function")."""
    sources = {name: path.read_text(encoding="utf-8") for name, path in modules()}
    calls = {name: list(_calls(ast.parse(source))) for name, source in sources.items()}
    found: list[Used] = []
    unknown: list[str] = []
    for name, source in sources.items():
        module, tree = importlib.import_module(name), ast.parse(source)
        own = set(_assigned(tree))
        for value_name, value in vars(module).items():
            if value_name in own:  # not imported
                places = [name] if value_name.startswith("_") else list(sources)
                owners = {method for place in places for owner, method in calls[place] if owner == value_name}
                # Those in containers are used under other names; `split` is rather a text's own.
                loose = {
                    method for owner, method in calls[name] if owner.islower() and owner != "re" and method != "split"
                }
                one = isinstance(value, re.Pattern)
                for number, pattern in enumerate(_inside(value, set())):
                    where = f"{name}.{value_name}" if one else f"{name}.{value_name}[{number}]"
                    found.append(Used(where, pattern, tuple(sorted(owners if one else loose)) or ANY))
        for where, node in _in_functions(name, tree):
            try:
                found.append(_inline(f"{where}:{node.lineno}", node, module))
            except NameError:
                unknown.append(where)
        found += _of_settings(name, tree, module)
        for function in (value for value in vars(module).values() if _is_of_languages(value, name)):
            where = f"{name}.{function.__name__}"
            found += _made_of_languages(where, function(languages()), calls[name])
            unknown = [other for other in unknown if other != where]
    return found, unknown


def _assigned(tree: ast.Module) -> Iterator[str]:
    """The names that a module gives to values and classes of its own."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield node.name
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name))


def _of_settings(name: str, tree: ast.Module, module: ModuleType) -> Iterator[Used]:
    """The patterns that values of the configuration are held against: `config.settings.matching`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "matching":
            pattern = eval(ast.unparse(node.args[0]), vars(module))
            yield Used(f"{name}.matching:{node.lineno}", re.compile(pattern), ("fullmatch",))


def attacks(pattern: re.Pattern[Any]) -> Iterator[tuple[str, str]]:
    """Beginnings, and pieces to repeat after them: plain runs, and the pattern's own words with signs between."""
    source = pattern.pattern.decode() if isinstance(pattern.pattern, bytes) else pattern.pattern
    chunks = re.split(r"\\[A-Za-z]|[|()\[\]{}?*+\\^$.\n]", source)
    found = list(dict.fromkeys(chunk for chunk in chunks if 2 <= len(chunk) <= 30 and chunk[0] not in "=:<!"))
    words = found[:: len(found) // MOST_WORDS + 1]
    words += [f"<{word}" for word in words[:5]]
    yield from (("", run) for run in RUNS)
    yield from (("", word + sign) for word in words for sign in ("", " ", "9 "))
    yield from ((word, run) for word in words[:8] for run in (" ", "1", "a", "б", "-", "="))


def _is_of_languages(value: object, module: str) -> bool:
    """Tell whether this is a function of the module that makes something of all languages."""
    own = callable(value) and getattr(value, "__module__", None) == module
    takes = {name: of for name, of in getattr(value, "__annotations__", {}).items() if name != "return"}
    return own and takes == {"known": "Languages"}


def _made_of_languages(where: str, made: object, calls: list[tuple[str, str]]) -> Iterator[Used]:
    """Find the patterns in what a function made. They are used under its name, its last word, or a field's name."""
    fields = dataclasses.fields(made) if dataclasses.is_dataclass(made) else ()
    parts = {field.name: getattr(made, field.name) for field in fields} or {where.rpartition("._")[2]: made}
    for name, part in parts.items():
        owners = {name, name.removesuffix("s"), name.rpartition("_")[2].removesuffix("s")}
        methods = tuple(sorted({method for owner, method in calls if owner in owners})) or ANY
        for number, pattern in enumerate(_inside(part, set())):
            yield Used(f"{where}.{name}[{number}]", pattern, methods)


def _calls(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in METHODS:
            yield ast.unparse(node.func.value).rpartition(".")[2], node.func.attr


def _in_functions(name: str, tree: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    """The calls of `re` that are made when a function runs."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            calls = (node for node in ast.walk(function) if isinstance(node, ast.Call) and node.args)
            named = {f"re.{method}" for method in (*METHODS, "compile")}
            yield from ((f"{name}.{function.name}", call) for call in calls if ast.unparse(call.func) in named)


def _inline(where: str, call: ast.Call, module: ModuleType) -> Used:
    method = ast.unparse(call.func).removeprefix("re.")
    position = {"compile": 1, "sub": 4, "subn": 4, "split": 3}.get(method, 2)
    given = [argument.value for argument in call.keywords if argument.arg == "flags"] + call.args[position:]
    pattern, flags = (eval(ast.unparse(part), vars(module)) for part in (call.args[0], *(given or [ast.Constant(0)])))
    return Used(where, re.compile(pattern, flags), ANY if method == "compile" else (method,))


def _inside(value: object, seen: set[int]) -> Iterator[re.Pattern[Any]]:
    """The patterns in a value: in containers, records and the attributes of our classes."""
    if id(value) in seen:
        return
    seen.add(id(value))
    parts: list[object] = []
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, dict):
        parts = [*value, *value.values()]
    elif isinstance(value, list | tuple | set | frozenset):
        parts = list(value)
    elif isinstance(value, type):
        parts = list(vars(value).values()) if value.__module__.partition(".")[0] in PACKAGES else []
    elif dataclasses.is_dataclass(value):
        parts = [getattr(value, one.name) for one in dataclasses.fields(value)]
    for part in parts:
        yield from _inside(part, seen)
