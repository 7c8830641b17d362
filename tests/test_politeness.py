"""How hosts see us: one request at a time, with a gap, in many places at once; measured where the requests arrive."""

from __future__ import annotations

import asyncio
import itertools
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from config.load import load_config
from extractors.fetching.hosts import HostState
from flows.passes.monitor import monitor
from flows.passes.summary import Summary
from storage.corpus.writer import open_corpus
from storage.state.hosts import load_hosts
from tests.support.hostile_site import Answer, Hit, HostileSite, article, item, rss
from tests.support.running import EVERYTHING, source_toml, write_config

pytestmark = pytest.mark.slow

HOSTS = 64
PAGES = 4
GAP_S = 0.15
ANSWER_S = 0.03
EARLY_S = 0.002  # the clocks of two threads, read one after the other
SLOWED_S = 1.0  # the gap after one 429: twice half a second
RETRY_GAP = timedelta(minutes=11)  # after that a page that failed once is tried again
AGENT = "c5watch"


@dataclass(slots=True)
class Host:
    """What a host is like, and what it does when it is asked for its first page."""

    robots: Answer = field(default_factory=lambda: Answer(b"not here", 404, delay_s=ANSWER_S))
    first_page: Answer | None = None


class Guest:
    """A data folder, and passes over some hosts."""

    def __init__(self, root: Path, hosts: dict[str, Host]) -> None:
        self.root = root
        self.site = HostileSite(hosts)
        self.hosts = hosts

    def start(self) -> None:
        self.site.__enter__()
        sources = ""
        for number, (address, host) in enumerate(self.hosts.items()):
            paths = [f"/news/{page}" for page in range(PAGES)]
            self.site.replies[address, "/robots.txt"] = host.robots
            self.site.replies[address, "/rss"] = Answer(rss([item(path) for path in paths]), delay_s=ANSWER_S)
            for path in paths:
                text = article(f"{number} page {path[-1]}").encode()
                self.site.replies[address, path] = Answer(text, delay_s=ANSWER_S)
            if host.first_page is not None:
                self.site.replies[address, paths[0]] = host.first_page
            sources += source_toml(f"host-{number}", self.site.url(address, "/rss"))
        settings = (
            f'[network]\nallow_networks = ["127.0.5.0/24"]\nper_host_interval = {GAP_S}\ntimeout = 30.0\n'
            f"retry_delays = []\nconcurrency = {HOSTS}\n"
        )
        folder = write_config(self.root / "config", sources=sources, settings=settings, topics=EVERYTHING)
        self.config = load_config(folder)

    def stop(self) -> None:
        self.site.__exit__(None, None, None)

    def run(self, *, later: timedelta = timedelta()) -> tuple[Summary, dict[str, list[Hit]]]:
        """A pass, and each host's requests during it, when the clock is so much later than it is."""
        before = len(self.site.hits)
        passed = monitor(
            self.config, self.root / "data", sources=self.config.sources, now=lambda: datetime.now(UTC) + later
        )
        summary = asyncio.run(passed)
        hits = self.site.hits[before:]
        return summary, {address: [hit for hit in hits if hit.host == address] for address in self.hosts}

    def states(self) -> dict[str, HostState]:
        """What the index remembers of hosts, by address."""

        async def load() -> list[HostState]:
            data = self.root / "data"
            async with open_corpus(data, self.config.settings.storage) as corpus, corpus.database.read() as connection:
                return await load_hosts(connection, now=datetime.now(UTC))

        return {state.host.partition(":")[0]: state for state in asyncio.run(load())}


@pytest.fixture
def guest(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Guest]:
    """A guest of the hosts that the test's parameter names."""
    visiting = Guest(tmp_path, request.param)
    visiting.start()
    yield visiting
    visiting.stop()


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Summary, dict[str, list[Hit]]]]:
    """One pass over 64 hosts, at which many tests look."""
    guest = Guest(tmp_path_factory.mktemp("crowd"), {f"127.0.5.{number}": Host() for number in range(1, HOSTS + 1)})
    guest.start()
    yield guest.run()
    guest.stop()


def gaps(hits: list[Hit]) -> list[float]:
    """The times between the beginnings of requests."""
    return [later.at - earlier.at for earlier, later in itertools.pairwise(hits)]


def pauses(hits: list[Hit]) -> list[float]:
    """The times between the end of an answer and the next request."""
    return [later.at - (earlier.ended or math.inf) for earlier, later in itertools.pairwise(hits)]


def most_at_once(hits: list[Hit]) -> int:
    """The greatest number of requests that were being answered at one moment."""
    moments = sorted([(hit.at, 1) for hit in hits] + [(hit.ended or math.inf, -1) for hit in hits])
    return max(itertools.accumulate(change for _, change in moments))


def moment_of(hit: Hit) -> datetime:
    """When a request came in, by the clock on the wall."""
    return datetime.now(UTC) - timedelta(seconds=time.monotonic() - hit.at)


# --- Many hosts ---------------------------------------------------------------------------------------------------


def test_every_page_of_every_host_is_read_once(crowd: tuple[Summary, dict[str, list[Hit]]]) -> None:
    summary, by_host = crowd
    assert summary.to_json()["appended"] == HOSTS * PAGES
    for address, hits in by_host.items():
        paths = [hit.path for hit in hits]
        assert sorted(paths) == sorted(["/robots.txt", "/rss", *(f"/news/{page}" for page in range(PAGES))]), address


def test_a_host_is_asked_for_its_rules_before_anything_else(crowd: tuple[Summary, dict[str, list[Hit]]]) -> None:
    for address, hits in crowd[1].items():
        assert [hit.path for hit in hits][:2] == ["/robots.txt", "/rss"], address


def test_no_host_has_two_requests_at_a_time_nor_one_too_soon(crowd: tuple[Summary, dict[str, list[Hit]]]) -> None:
    for address, hits in crowd[1].items():
        assert most_at_once(hits) == 1, address
        assert min(gaps(hits)) >= GAP_S - EARLY_S, address
        assert min(pauses(hits)) >= GAP_S - EARLY_S, address


def test_many_hosts_are_asked_side_by_side(crowd: tuple[Summary, dict[str, list[Hit]]]) -> None:
    _, by_host = crowd
    assert most_at_once([hit for hits in by_host.values() for hit in hits]) > 10


def test_hosts_are_told_who_asks(crowd: tuple[Summary, dict[str, list[Hit]]]) -> None:
    agents = {hit.headers["user-agent"] for hits in crowd[1].values() for hit in hits}
    assert len(agents) == 1
    assert agents.pop().startswith(f"{AGENT}/")


# --- What a host asks for -----------------------------------------------------------------------------------------

SLOW = {
    "127.0.5.101": Host(Answer(b"User-agent: *\nCrawl-delay: 1\n", delay_s=ANSWER_S)),
    "127.0.5.102": Host(),
}


@pytest.mark.parametrize("guest", [SLOW], indirect=True, ids=["crawl-delay"])
def test_a_crawl_delay_is_kept_from_the_rules_on_and_delays_nobody_else(guest: Guest) -> None:
    summary, by_host = guest.run()
    slow, usual = by_host.values()
    assert summary.to_json()["appended"] == 2 * PAGES
    assert min(pauses(slow)) >= 1.0 - EARLY_S
    assert usual[-1].at - usual[0].at < (slow[-1].at - slow[0].at) / 2


@pytest.mark.parametrize("guest", [{"127.0.5.103": Host()}], indirect=True, ids=["host"])
@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_short_pause_holds_for_the_whole_host(guest: Guest, form: str, status: int) -> None:
    (address,) = guest.hosts
    # A date has whole seconds, and the pass must get as far as the page before it comes.
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=4)
    value = "2" if form == "seconds" else format_datetime(until, usegmt=True)
    guest.site.replies[address, "/news/0"] = Answer(b"", status, {"Retry-After": value})
    summary, by_host = guest.run()
    hits = by_host[address]
    position = next(index for index, hit in enumerate(hits) if hit.path == "/news/0")
    assert summary.to_json()["appended"] == PAGES - 1
    assert summary.to_json()["failures"] == {f"http {status}": 1}
    assert len(hits) == 2 + PAGES  # the page is left to a later pass, the others are not
    if form == "seconds":
        assert pauses(hits)[position] >= 2.0 - EARLY_S
    else:
        assert moment_of(hits[position + 1]) >= until - timedelta(seconds=EARLY_S)
    assert min(pauses(hits)[position + 1 :]) >= SLOWED_S - EARLY_S


@pytest.mark.parametrize("guest", [{"127.0.5.104": Host(first_page=Answer(b"", 429))}], indirect=True, ids=["host"])
def test_an_overloaded_host_is_asked_more_slowly_now_and_in_the_next_pass(guest: Guest) -> None:
    (address,) = guest.hosts
    _, by_host = guest.run()
    hits = by_host[address]
    position = next(index for index, hit in enumerate(hits) if hit.path == "/news/0")
    assert min(pauses(hits)[:position]) < SLOWED_S
    assert min(pauses(hits)[position:]) >= SLOWED_S - EARLY_S
    state = guest.states()[address]
    assert (state.interval_s, state.not_before) == (SLOWED_S, None)
    guest.site.replies[address, "/news/0"] = Answer(article("mended").encode())
    guest.site.replies[address, "/news/9"] = Answer(article("another").encode())
    guest.site.replies[address, "/rss"] = Answer(rss([item("/news/9")]))
    summary, by_host = guest.run(later=RETRY_GAP)
    assert summary.to_json()["appended"] == 2
    assert len(by_host[address]) == 3
    assert min(pauses(by_host[address])) >= SLOWED_S - EARLY_S


@pytest.mark.parametrize(
    "guest", [{"127.0.5.105": Host(first_page=Answer(b"", 429, {"Retry-After": "3600"}))}], indirect=True, ids=["host"]
)
def test_a_long_pause_is_kept_by_the_passes_within_it(guest: Guest) -> None:
    (address,) = guest.hosts
    guest.run()
    summary, by_host = guest.run(later=timedelta(minutes=30))
    assert by_host[address] == []
    assert summary.to_json()["pending"] == PAGES
    assert summary.to_json()["sources"]["host-0"]["error"].startswith("host asked for a pause (until ")
    guest.site.replies[address, "/news/0"] = Answer(article("mended").encode())
    summary, by_host = guest.run(later=timedelta(minutes=62))
    assert summary.to_json()["appended"] == PAGES
    assert by_host[address]


@pytest.mark.parametrize(
    "guest", [{"127.0.5.106": Host(Answer(b"User-agent: *\nDisallow: /closed\n")), "127.0.5.107": Host()}],
    indirect=True, ids=["hosts"],
)  # fmt: skip
def test_rules_are_asked_for_once_a_day(guest: Guest) -> None:
    asked = {}
    for hours in (0, 1, 23, 25, 26):
        _, by_host = guest.run(later=timedelta(hours=hours))
        for address, hits in by_host.items():
            paths = [hit.path for hit in hits]
            assert "/rss" in paths
            asked.setdefault(address, []).append(paths.count("/robots.txt"))
    assert set(map(tuple, asked.values())) == {(1, 0, 0, 1, 0)}


@pytest.mark.parametrize("guest", [{"127.0.5.108": Host(Answer(b"User-agent: *\nDisallow: /news/2\n"))}],
                         indirect=True, ids=["host"])  # fmt: skip
def test_old_rules_hold_while_no_newer_ones_are_to_be_had(guest: Guest) -> None:
    (address,) = guest.hosts
    summary, _ = guest.run()
    assert summary.to_json()["outcomes"] == {"appended": PAGES - 1, "robots": 1}
    guest.site.replies[address, "/robots.txt"] = Answer(b"", 500)
    guest.site.replies[address, "/rss"] = Answer(rss([item("/news/9"), item("/news/21")]))
    guest.site.replies[address, "/news/9"] = Answer(article("another").encode())
    summary, by_host = guest.run(later=timedelta(days=2))
    assert summary.to_json()["outcomes"] == {"appended": 1, "robots": 2}  # the new one, and /news/2 once more
    assert "/news/21" not in [hit.path for hit in by_host[address]]
