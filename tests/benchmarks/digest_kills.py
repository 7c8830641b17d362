"""Kill the digest at random moments, in the middle of whatever it does, and count what readers got.

    python -m tests.benchmarks.digest_kills [--kills 100] [--database sqlite|postgresql] [--seed 1]

Each round some articles come in, a run of the digest begins, with a real mail server in a process of its own, and the
run is killed (SIGKILL) after a random part of the time that a run takes. In the end runs are left in peace until
nothing waits. The exit status is 1 when a reader lacks an article or has one twice in different mails; a mail that came
again under the same Message-ID is counted apart: nobody can tell whether the server's OK was heard.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import re
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

# Here, so that no child is killed while it is still importing.
import aiosmtplib  # noqa: F401
import asyncpg  # noqa: F401
import css_inline  # noqa: F401
import jinja2  # noqa: F401

from config.load import Config
from config.settings import Storage
from flows.digest.digest import digest
from tests.support.digest_corpus import START, configured, new_article, opened, place, states
from tests.support.forks import KILLED, Fork, nursery
from tests.support.mail_servers import MailProcess, parsed

READERS = tuple(f"reader{number}@example.org" for number in range(5))
ARTICLES_A_ROUND = 2
BETWEEN = timedelta(hours=3)  # rounds: longer than a claim and than every gap between tries


@dataclass(slots=True)
class Report:
    """How it went."""

    kills: int = 0
    while_sending: int = 0  # of these, with a digest stored and mails not sent
    rounds: int = 0
    articles: int = 0
    digests: int = 0
    mails: int = 0
    repeats: int = 0  # of a mail, under its Message-ID
    wrong: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """In words."""
        killed = f"{self.kills} of them killed ({self.while_sending} with mails waiting)"
        counts = f"{self.rounds} runs, {killed}; {self.articles} articles in {self.digests} digests"
        mails = f"{self.mails} mails taken by the server for {len(READERS)} readers, {self.repeats} of them repeats"
        return [counts, mails, *(self.wrong or ["every reader has every article exactly once"])]


def run_digest(config: Config, data: Path, now: datetime) -> None:
    """One run, as the command makes it."""
    asyncio.run(digest(config, data, now=lambda: now, pauses_s=(0.01,)))


async def _more(config: Config, data: Path, number: int, now: datetime) -> None:
    async with opened(data, config.settings.storage) as corpus:
        numbers = range(number * ARTICLES_A_ROUND, (number + 1) * ARTICLES_A_ROUND)
        await place(corpus, [new_article(n, published=now.date()) for n in numbers], now=now)


async def _waiting(config: Config, data: Path) -> set[str]:
    async with opened(data, config.settings.storage) as corpus:
        return set((await states(corpus)).values())


def measure(folder: Path, storage: Storage, fork: Fork, *, kills: int, seed: int) -> Report:
    """Rounds until so many runs were killed, then what became of it."""
    luck, report, now = random.Random(seed), Report(), START
    with MailProcess(folder) as server:
        config = configured(storage, port=server.port, recipients=READERS)
        data = folder / "data"
        data.mkdir()
        usual = 1.0
        while report.kills < kills:
            asyncio.run(_more(config, data, report.rounds, now))
            started, report.rounds = time.monotonic(), report.rounds + 1
            peace = (
                report.rounds < 3 or report.rounds % 5 == 0
            )  # how long a run takes; and a digest stays one that a mail can hold
            code = fork(run_digest, config, data, now, kill_after=None if peace else luck.uniform(0.01, usual * 1.2))
            assert code in (0, KILLED), code
            if code == 0:
                usual = time.monotonic() - started
            else:
                report.kills += 1
                report.while_sending += "waiting" in asyncio.run(_waiting(config, data))
            now += BETWEEN
        for _ in range(3):
            assert fork(run_digest, config, data, now) == 0
            now += BETWEEN
        _judge(report, server.taken(), data)
        if asyncio.run(_waiting(config, data)) != {"sent"}:
            report.wrong.append("some mails still wait")
    return report


def _judge(report: Report, taken: list[tuple[str, bytes]], data: Path) -> None:
    report.articles, report.mails = report.rounds * ARTICLES_A_ROUND, len(taken)
    first: dict[tuple[str, str], bytes] = {}
    held: dict[str, Counter[int]] = {reader: Counter() for reader in READERS}
    for recipient, content in taken:
        message = parsed(content)
        key = recipient, str(message["message-id"])
        if key in first:
            report.repeats += 1
            if first[key] != content:
                report.wrong.append(f"{key}: came again with another content")
            continue
        first[key] = content
        body = message.get_body(("plain",))
        assert body is not None
        held[recipient].update({int(number) for number in re.findall(r"Заголовок (\d+)", body.get_content())})
    for reader, numbers in held.items():
        lacking = sorted(set(range(report.articles)) - numbers.keys())
        twice = sorted(number for number, count in numbers.items() if count > 1)
        if lacking or twice:
            report.wrong.append(f"{reader}: lacks {lacking}, has twice {twice}")
    stems = {path.stem for path in (data / "digests").glob("*.eml")}
    report.digests = len(stems)
    if len(stems) != len({message_id for _, message_id in first}) or any(
        not (data / "digests" / f"{stem}.html").is_file() for stem in stems
    ):
        report.wrong.append("the folder does not hold every digest")
    if report.repeats > report.kills:
        report.wrong.append("more repeats than kills")


def main() -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with ExitStack() as stack:
        storage = Storage()
        if options.database == "postgresql":
            from tests.support.postgres import PostgresServer

            storage = Storage(database=stack.enter_context(stack.enter_context(PostgresServer()).database()))
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        fork = stack.enter_context(nursery())
        started = time.monotonic()
        report = measure(Path(folder), storage, fork, kills=options.kills, seed=options.seed)
    print("\n".join(report.lines()))
    print(f"{time.monotonic() - started:.0f} s")
    return int(bool(report.wrong))


if __name__ == "__main__":
    sys.exit(main())
