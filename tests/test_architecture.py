"""The direction of imports: config ← extractors, storage ← flows, one way between rooms, Prefect in `flows` alone."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]
PACKAGES = ("config", "extractors", "storage", "flows")
# The rooms in the order in which data flows: a room imports from itself, from the rooms named before it, and from the
# modules that lie directly in its package. So no two rooms import from each other.
ROOMS = {
    "config": (),
    "extractors": ("fetching", "dates", "feeds", "topic", "blocks", "pages", "workers", "archives"),
    "storage": (
        "index",
        "files",
        "state",
        "search",
        "health",
        "placing",
        "relating",
        "corpus",
        "digests",
        "migrations",
    ),
    "flows": ("reports", "passes", "digest", "tools", "browse", "serving", "cli"),
}
MAY_IMPORT = {
    "config": {"config"},
    "extractors": {"config", "extractors"},
    "storage": {"config", "extractors", "storage"},
    "flows": {"config", "extractors", "storage", "flows"},
}
# The values and the pure text rules that storage shares with extraction; never fetching, parsing or judging.
SHARED_WITH_STORAGE = {
    "extractors.records",
    "extractors.period",
    "extractors.text",
    "extractors.urls",
    "extractors.language",
    "extractors.dates.worded",
    "extractors.fetching.hosts",
    "extractors.topic.country",
    "extractors.fetching.robots",
}
FULLEST = 14  # modules of a room: what one look at a list takes in
TESTS = Path(__file__).parent
TEST_MODULES = sorted(TESTS.rglob("*.py"))
# Public names that two modules of a package share, with the reason.
SHARED_NAMES = {
    "monitor": "the command, the pass that it runs and Prefect's flow of it",
    "backfill": "the command, the pass that it runs and Prefect's flow of it",
    "digest": "the command, the run that it starts and Prefect's flow of it",
    "serve": "the command and what it runs",
    "deploy": "the command and what it runs",
}
IMPORTED_AS = {"scikit_learn": "sklearn"}
MODULES = sorted(path for package in PACKAGES for path in (CHECKOUT / package).rglob("*.py"))


def _is_left_out(block: ast.AST) -> bool:
    """Whether it is not run when its module is imported: a function, or what is there for the type checker."""
    checker = isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
    return checker or isinstance(block, ast.FunctionDef | ast.AsyncFunctionDef)


@cache
def imports(path: Path) -> tuple[tuple[str, bool], ...]:
    """The modules that a file imports, and whether it does so when it is itself imported."""
    return tuple(_imports(path))


def _imports(path: Path) -> Iterator[tuple[str, bool]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {id(n) for block in ast.walk(tree) if _is_left_out(block) for n in ast.walk(block)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, id(node) not in inside
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            for alias in node.names:
                yield f"{node.module}.{alias.name}", id(node) not in inside


def module_of(path: Path) -> str:
    """The dotted name of a module's file."""
    return ".".join(path.relative_to(CHECKOUT).with_suffix("").parts).removesuffix(".__init__")


NAMES = {module_of(path) for path in MODULES}


def imported_modules(path: Path) -> set[str]:
    """Our own modules that a file imports, at import or later."""
    found = {name if name in NAMES else name.rpartition(".")[0] for name, _ in imports(path)}
    return {name for name in found if name in NAMES and name.split(".")[0] in PACKAGES}


def height(module: str) -> int:
    """Where a module stands in its package: 0 what lies directly in it, then its rooms in order."""
    package, _, rest = module.partition(".")
    room = rest.partition(".")[0]
    return ROOMS[package].index(room) + 1 if room in ROOMS[package] else 0


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(CHECKOUT)))
def test_imports_go_in_one_direction_only(path: Path) -> None:
    package = path.relative_to(CHECKOUT).parts[0]
    for module, _ in imports(path):
        root = module.split(".")[0]
        if root in PACKAGES:
            assert root in MAY_IMPORT[package], f"{path.name} imports {module}"
        assert root != "tests" or path.name == "demo.py", f"{path.name} imports {module}"
        assert root != "prefect" or package == "flows", f"{path.name} imports {module}"
        if package == "storage" and root == "extractors":
            assert {module, module.rpartition(".")[0]} & SHARED_WITH_STORAGE, f"{path.name} imports {module}"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(CHECKOUT)))
def test_a_room_imports_from_rooms_above_it_only(path: Path) -> None:
    if path.name == "__init__.py":
        return  # a package's door hands on what lies behind it
    own = module_of(path)
    for module in imported_modules(path):
        if module.split(".")[0] == own.split(".")[0]:
            assert height(module) <= height(own), f"{own} imports {module}"


def test_no_modules_import_each_other_in_a_circle() -> None:
    arrows = {module_of(path): imported_modules(path) for path in MODULES}
    TopologicalSorter(arrows).prepare()  # raises CycleError, which names the circle


def test_every_folder_is_a_room_of_the_table_and_none_is_too_full() -> None:
    folders = {path.parent.relative_to(CHECKOUT) for path in MODULES}
    for folder in folders:
        package, *room = folder.parts
        assert not room or room[0] in ROOMS[package], folder
        if "versions" not in room:  # migrations, which only grow
            assert len(list((CHECKOUT / folder).glob("[!_]*.py"))) <= FULLEST, folder


@pytest.mark.parametrize("package", PACKAGES)
def test_no_two_public_things_of_a_package_have_one_name(package: str) -> None:
    found: dict[str, list[str]] = {}
    for path in MODULES:
        if module_of(path).split(".")[0] == package and "versions" not in path.parts:  # Alembic names its functions
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                    found.setdefault(node.name, []).append(module_of(path))
    twice = {name: modules for name, modules in found.items() if len(modules) > 1 and not name.startswith("_")}
    assert {name: modules for name, modules in twice.items() if name not in SHARED_NAMES} == {}
    if package == "flows":
        assert twice.keys() == SHARED_NAMES.keys()  # none stays that is needed no more


def test_prefect_is_imported_by_the_flows_module_alone() -> None:
    at_import = {p.name for p in MODULES for module, early in imports(p) if early and module.split(".")[0] == "prefect"}
    assert at_import == {"prefect_flows.py"}


@pytest.mark.parametrize("module", ["flows.cli.app", "flows.passes.monitor", "flows.serving.run", "flows.engine"])
def test_what_runs_without_prefect_never_loads_it(module: str) -> None:
    heavy = "prefect", "trafilatura", "feedparser", "alembic"
    code = f"import sys, {module}; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_library_imported_is_declared_as_a_dependency() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    every = [*project["dependencies"], *extras["s3"], *extras["parquet"], *extras["learn"]]
    declared = {re.split(r"[^a-z0-9_-]", d.lower())[0].replace("-", "_") for d in every}
    declared |= {module for distribution, module in IMPORTED_AS.items() if distribution in declared}
    roots = {module.split(".")[0] for path in MODULES for module, _ in imports(path)}
    assert roots - sys.stdlib_module_names - {*PACKAGES, "tests"} <= declared


@pytest.mark.parametrize("path", TEST_MODULES, ids=lambda p: str(p.relative_to(TESTS)))
def test_no_module_of_the_tests_imports_a_test_module(path: Path) -> None:
    for name, _ in imports(path):
        assert not name.startswith("tests.test_"), f"{path.name} imports {name}; tests/support is for what they share"


def test_top_level_holds_only_what_it_should() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=CHECKOUT, capture_output=True, text=True, check=False).stdout
    if not tracked:
        pytest.skip("not a git checkout")
    visible = {line.split("/")[0] for line in tracked.splitlines() if not line.startswith(".")}
    files = {"Makefile", "LICENSE", "README.md", "pyproject.toml", "requirements.txt", "requirements-dev.txt"}
    files |= {"CHANGELOG.md", "CONTRIBUTING.md", "compose.yaml", "prefect.yaml"}  # where people and tools look for them
    assert visible <= {*PACKAGES, "docs", "tests", *files}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(CHECKOUT)))
def test_every_module_and_public_name_says_what_it_is_for(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if tree.body:
        assert ast.get_docstring(tree), f"{path.name} has no docstring"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            # Alembic calls its migrations by fixed names.
            assert ast.get_docstring(node) or "migrations" in path.parts, f"{path.name}: {node.name} has no docstring"
