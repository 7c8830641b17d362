"""Imports and exports may die anywhere: the same command again gives what an undisturbed one would have given."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.settings import Storage
from tests.benchmarks.corpus_kills import FORMS, kill_exports, kill_imports
from tests.support.forks import Fork

pytestmark = pytest.mark.slow
ROUNDS = 12  # 42 by tests.benchmarks.corpus_kills


def test_an_import_killed_at_random_moments_gives_the_same_files_as_an_undisturbed_one(
    tmp_path: Path, storage: Storage, fork: Fork
) -> None:
    killed = kill_imports(tmp_path, storage, fork, rounds=ROUNDS)
    assert killed >= ROUNDS // 3  # else the kills came too late to test anything


@pytest.mark.parametrize("form", FORMS)
def test_an_export_killed_at_random_moments_leaves_the_old_file_or_the_new_one(
    tmp_path: Path, fork: Fork, form: str
) -> None:
    kill_exports(tmp_path, fork, form, rounds=ROUNDS // 2)
