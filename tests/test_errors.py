"""The tree of errors: every expected error hangs on it, docs/errors.md draws it, and a command ends as it says."""

from __future__ import annotations

import ast
import builtins
import re
from importlib import import_module
from pathlib import Path

import pytest
import typer

from config.errors import C5watchError, EdgeError, LeftAlone, UserError
from config.load import ConfigError
from extractors.records import ItemError
from flows.cli.commands import problems_explained
from flows.digest.mail import MailError

CHECKOUT = Path(__file__).parents[1]
PAGE = (CHECKOUT / "docs" / "errors.md").read_text(encoding="utf-8")
FOREIGN = {"Silence"}  # stands in for an error of SQLAlchemy's
BUILT_IN = {name for name, kind in vars(builtins).items() if isinstance(kind, type) and issubclass(kind, BaseException)}


def classes() -> dict[str, type[BaseException]]:
    """Every class of ours that is an exception, by name."""
    found: dict[str, type[BaseException]] = {}
    for package in ("config", "extractors", "storage", "flows"):
        for path in sorted((CHECKOUT / package).rglob("*.py")):
            nodes = [n for n in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(n, ast.ClassDef)]
            bases = {node.name: [ast.unparse(base).rpartition(".")[2] for base in node.bases] for node in nodes}
            for name in bases:
                if any(b in BUILT_IN or b in found or b.endswith("Error") for b in bases[name]):
                    module = ".".join(path.relative_to(CHECKOUT).with_suffix("").parts)
                    kind = getattr(import_module(module), name)
                    if issubclass(kind, BaseException):
                        found[name] = kind
    return found


def drawn() -> list[tuple[str, str | None, str]]:
    """The tree on the page: name, the name above it, file."""
    above: list[str] = []
    lines = []
    for line in PAGE.split("```")[1].strip().split("\n"):
        found = re.fullmatch(r"([│├└─ ]*)(\w+) +(\S+)", line)
        assert found, line
        depth = len(found[1]) // 4
        del above[depth:]
        lines.append((found[2], above[-1] if above else None, found[3]))
        above.append(found[2])
    return lines


def test_the_page_draws_every_error_under_its_base_and_beside_its_module() -> None:
    ours = {name: kind for name, kind in classes().items() if name not in FOREIGN}
    expected = {
        (
            name,
            None if kind is C5watchError else kind.__mro__[1].__name__,
            kind.__module__.replace(".", "/") + ".py",
        )
        for name, kind in ours.items()
    }
    assert set(drawn()) == expected


def test_every_expected_error_hangs_on_the_tree() -> None:
    for name, kind in classes().items():
        assert issubclass(kind, C5watchError) or name in FOREIGN, name


def test_what_becomes_of_each_error_is_told_on_the_page() -> None:
    told = set(re.findall(r"`(\w+)`", PAGE.split("```")[2]))
    for name, kind in classes().items():
        assert name in told or kind is C5watchError, name


@pytest.mark.parametrize(
    "kind", [kind for kind in classes().values() if issubclass(kind, UserError) and kind is not UserError]
)
def test_a_command_ends_with_the_sentence_and_the_status_that_the_page_names(
    kind: type[UserError], capsys: pytest.CaptureFixture[str]
) -> None:
    found = re.search(rf"^\| `{kind.__name__}` \|.*\| (\d) \|$", PAGE, re.MULTILINE)
    assert found, kind
    error = ConfigError(["first: do this", "second: do that"]) if kind is ConfigError else kind("name: do this")
    with pytest.raises(typer.Exit) as ended, problems_explained():
        raise error
    assert ended.value.exit_code == kind.status == int(found[1])
    assert capsys.readouterr().err == "".join(f"c5watch: {line}\n" for line in error.lines)


@pytest.mark.parametrize("kind", [ItemError, LeftAlone, EdgeError, MailError])
def test_what_ends_no_command_is_not_explained_away(kind: type[C5watchError]) -> None:
    assert issubclass(kind, C5watchError) and not issubclass(kind, UserError)


def test_a_bug_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError), problems_explained():
        _ = 1 / 0
