"""The corpus as a data set: what Hugging Face's library loads, the card, and folders that are not ours."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path

import pytest
from pyarrow import parquet

from config.settings import Storage
from storage.corpus.dataset import OWN, export_dataset, meaning
from storage.corpus.export_forms import COLUMNS
from storage.corpus.removing import remove
from storage.corpus.writer import CorpusWriter, open_corpus
from storage.errors import StorageError
from storage.files.manifest_schema import FIELDS
from tests.support.digest_corpus import START, new_article, place, source
from tests.support.running import CHECKOUT, c5watch

pytestmark = pytest.mark.slow
LOADED = """
import json, sys
from datasets import load_dataset
loaded = load_dataset(sys.argv[1], split="train", cache_dir=sys.argv[2])
rows = [(row["number"], row["date"].isoformat() if row["date"] else None, row["words"]) for row in loaded]
print(json.dumps([rows, list(loaded.features)]))
"""


@asynccontextmanager
async def filled(data: Path, storage: Storage) -> AsyncIterator[CorpusWriter]:
    days = (date(2025, 11, 3), date(2025, 10, 31), None, date(2025, 11, 4))
    async with open_corpus(data, storage, sources=[source()]) as corpus:
        await place(corpus, [new_article(n, published=day) for n, day in enumerate(days)])
        await remove(corpus, 3, why="request", now=START)
        yield corpus


async def test_the_data_set_is_what_datasets_loads(tmp_path: Path, storage: Storage) -> None:
    if not os.environ.get("CI"):
        pytest.importorskip("datasets")
    folder = tmp_path / "set"
    async with filled(tmp_path / "data", storage) as corpus:
        for _ in range(2):  # the second in place of the first
            assert await export_dataset(corpus, folder) == 3
    names = sorted(path.name for path in (folder / "data").iterdir())
    assert names == ["2025-10.parquet", "2025-11.parquet", "undated.parquet"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "set"]
    offline = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "home"), "HF_HUB_DISABLE_TELEMETRY": "1"}
    done = subprocess.run(
        [sys.executable, "-c", LOADED, folder, tmp_path / "cache"],
        env={**os.environ, **offline}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows, columns = json.loads(done.stdout.splitlines()[-1])
    assert sorted(map(tuple, rows)) == [(0, "2025-11-03", 61), (1, "2025-10-31", 61), (2, None, 61)]
    assert columns == list(COLUMNS)


async def test_the_card_tells_of_every_column_language_and_outlet(tmp_path: Path) -> None:
    async with filled(tmp_path / "data", Storage()) as corpus:
        await export_dataset(corpus, tmp_path / "set")
    card = (tmp_path / "set" / "README.md").read_text("utf-8")
    assert card.startswith("---\nmade_by: c5watch ")
    assert '\nlanguage: ["ru"]\n' in card
    assert all(f"| `{name}` | " in card and meaning(name) in card for name in COLUMNS)
    assert "| Сайт site | 3 |" in card
    assert "3 rows from 1 outlets" in card
    assert "belong to their publishers" in card


def test_every_column_of_an_export_is_described_in_one_place() -> None:
    assert set(COLUMNS) - set(FIELDS) == set(OWN) - {"relation"}
    page = (CHECKOUT / "docs" / "data.md").read_text("utf-8")
    assert [name for name in COLUMNS if f"`{name}`" not in page] == []


async def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "README.md").write_text("notes", "utf-8")
    async with filled(tmp_path / "data", Storage()) as corpus:
        assert await export_dataset(corpus, tmp_path / "set") == 3  # an empty one is taken
        with pytest.raises(StorageError, match="holds other things"):
            await export_dataset(corpus, mine)
    assert [path.name for path in mine.iterdir()] == ["README.md"]


async def test_from_the_command_line(tmp_path: Path) -> None:
    async with filled(tmp_path / "data", Storage()):
        pass
    here = ("--data", tmp_path / "data", "--format", "hf")
    done = await asyncio.to_thread(c5watch, "corpus", "export", tmp_path / "set", *here, "--since", "2025-11-01")
    assert (done.returncode, done.stderr) == (0, f"c5watch: 1 row written to {tmp_path / 'set'}\n")
    assert parquet.read_table(tmp_path / "set" / "data" / "2025-11.parquet").num_rows == 1
    for wrong in (["-", *here], [tmp_path / "x", *here, "--state", tmp_path / "s"]):
        assert (await asyncio.to_thread(c5watch, "corpus", "export", *wrong)).returncode == 2
