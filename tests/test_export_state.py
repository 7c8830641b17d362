"""`corpus export --state`: a nightly load goes on where the last one ended, and a wrong file is told."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from config.settings import Storage
from storage.corpus.writer import open_corpus
from tests.support.digest_corpus import new_article, place
from tests.support.running import c5watch


def append(data: Path, first: int, last: int) -> None:
    """Append articles with these numbers."""

    async def appended() -> None:
        async with open_corpus(data, Storage()) as corpus:
            await place(corpus, [new_article(number) for number in range(first, last + 1)])

    asyncio.run(appended())


def test_each_night_brings_what_is_new_and_nothing_twice(tmp_path: Path) -> None:
    seen: list[int] = []
    for night, (first, last) in enumerate([(0, 2), (3, 3), (4, 3)]):
        append(tmp_path / "data", first, last)
        target = tmp_path / f"{night}.jsonl"
        folders = ("--data", str(tmp_path / "data"))
        done = c5watch("corpus", "export", str(target), "--state", str(tmp_path / "state"), *folders)
        assert done.returncode == 0, done.stderr
        seen += [json.loads(line)["number"] for line in target.read_text(encoding="utf-8").splitlines()]
    assert seen == [0, 1, 2, 3]
    assert (tmp_path / "state").read_text(encoding="utf-8") == "3\n"


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ("9000", "says 9000, but the last article is 0"),
        ("9" * 30, "holds no number"),
        ("-5", "holds no number"),
        ("1_0", "holds no number"),
        ("", "holds no number"),
        ("{}", "holds no number"),
    ],
)
def test_a_state_that_cannot_be_right_ends_the_command_and_stays(tmp_path: Path, held: str, said: str) -> None:
    append(tmp_path / "data", 0, 0)
    state = tmp_path / "state"
    state.write_text(held, encoding="utf-8")
    target = str(tmp_path / "out.jsonl")
    done = c5watch("corpus", "export", target, "--state", str(state), "--data", str(tmp_path / "data"))
    assert done.returncode == 2
    assert said in done.stderr
    assert state.read_text(encoding="utf-8") == held
    assert not Path(target).exists()


def test_the_export_is_not_its_own_state(tmp_path: Path) -> None:
    append(tmp_path / "data", 0, 0)
    file = str(tmp_path / "out.jsonl")
    done = c5watch("corpus", "export", file, "--state", file, "--data", str(tmp_path / "data"))
    assert done.returncode == 2
    assert "FILE itself" in done.stderr
