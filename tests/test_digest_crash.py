"""The digest may be killed anywhere: no reader lacks an article, and none has it in two different mails."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

import flows.digest.digest
import flows.digest.files
import flows.digest.sending
from config.load import Config
from config.settings import Storage
from storage.files.local_folder import put_file
from tests.benchmarks.digest_kills import BETWEEN, READERS, measure, run_digest
from tests.support.digest_corpus import START, configured, new_article, opened, place, states
from tests.support.forks import CUT, Fork
from tests.support.mail_servers import MailProcess

pytestmark = pytest.mark.slow

KILLS = {"sqlite": 6, "postgresql": 3}  # 100 by tests.benchmarks.digest_kills


def test_killed_at_random_moments_it_neither_loses_nor_repeats_an_article(
    tmp_path: Path, storage: Storage, fork: Fork
) -> None:
    kills = KILLS["sqlite" if storage.database.get_secret_value() == "sqlite" else "postgresql"]
    report = measure(tmp_path, storage, fork, kills=kills, seed=20251122)
    assert report.wrong == []
    assert report.kills >= kills


def _exit(*_: object, **__: object) -> None:
    os._exit(CUT)


def _before_it_is_stored() -> None:
    flows.digest.digest.store_digest = _exit  # type: ignore[assignment]


def _before_the_files() -> None:
    flows.digest.digest.write_files = _exit  # type: ignore[assignment]


def _between_the_files() -> None:
    def put(path: Path, content: bytes) -> None:
        put_file(path, content)
        os._exit(CUT)

    flows.digest.files.put_file = put  # type: ignore[assignment]


def _within_a_file() -> None:
    def put(path: Path, content: bytes) -> None:
        path.with_name(f".{path.name}.tmp").write_bytes(content[:20])
        os._exit(CUT)

    flows.digest.files.put_file = put  # type: ignore[assignment]


def _before_sending() -> None:
    flows.digest.digest.send_waiting = _exit  # type: ignore[assignment]


def _after_the_claim() -> None:
    flows.digest.sending.Connection.send = _exit  # type: ignore[method-assign,assignment]


def _after_the_servers_ok() -> None:
    flows.digest.sending.store_sent = _exit  # type: ignore[assignment]


def _between_two_readers() -> None:
    claim, claimed = flows.digest.sending.claim, []

    async def once(*arguments: object, **options: object) -> object:
        if claimed:
            os._exit(CUT)
        claimed.append(await claim(*arguments, **options))  # type: ignore[arg-type]
        return claimed[0]

    flows.digest.sending.claim = once  # type: ignore[assignment]


CUTS: dict[str, tuple[Callable[[], None], int]] = {  # what cuts, and how many mails come again
    "before it is stored": (_before_it_is_stored, 0),
    "before the files": (_before_the_files, 0),
    "between the files": (_between_the_files, 0),
    "within a file": (_within_a_file, 0),
    "before sending": (_before_sending, 0),
    "after the claim": (_after_the_claim, 0),
    "after the server's OK": (_after_the_servers_ok, 1),
    "between two readers": (_between_two_readers, 0),
}


def _cut_digest(cut: str, config: Config, data: Path, now: datetime) -> None:
    CUTS[cut][0]()
    run_digest(config, data, now)


@pytest.mark.parametrize("cut", CUTS)
def test_whatever_a_cut_leaves_is_completed_by_the_next_run(tmp_path: Path, fork: Fork, cut: str) -> None:
    storage = Storage()
    with MailProcess(tmp_path) as server:
        config, data = configured(storage, port=server.port, recipients=READERS), tmp_path / "data"
        data.mkdir()

        async def fill() -> None:
            async with opened(data, storage) as corpus:
                await place(corpus, map(new_article, range(3)))

        async def ends() -> set[str]:
            async with opened(data, storage) as corpus:
                return set((await states(corpus)).values())

        asyncio.run(fill())
        assert fork(_cut_digest, cut, config, data, START) == CUT
        assert fork(run_digest, config, data, START + BETWEEN) == 0
        assert asyncio.run(ends()) == {"sent"}
        taken = server.taken()
    assert sorted({recipient for recipient, _ in taken}) == sorted(READERS)
    assert len(taken) == len(READERS) + CUTS[cut][1]
    assert len({message.partition(b"Message-ID:")[2] for _, message in taken}) == 1, "one digest, in the same bytes"
    assert max(Counter(recipient for recipient, _ in taken).values()) == 1 + CUTS[cut][1]
    names = sorted(path.suffix for path in (data / "digests").iterdir())
    assert names == [".eml", ".html", ".html", ".xml"]
    [mail] = (data / "digests").glob("*.eml")
    assert mail.read_bytes().rstrip() == taken[0][1].partition(b"\r\n")[2].rstrip()
