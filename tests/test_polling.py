"""When a feed is polled again: the rules by themselves, and what becomes of them in the index."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from sqlalchemy import select
from werkzeug import Request
from werkzeug import Response as Answer

from config.load import Config, load_config
from extractors.feeds.intervals import (
    FIRST_S,
    LONGEST_S,
    SHORTEST_S,
    UNDATED_LONGEST_S,
    WEEK_S,
    interval_after_failure_s,
    is_full_due,
    learnt_longest_s,
    longest_interval_s,
    next_interval_s,
    next_poll,
)
from flows.passes import poll as poll_module
from flows.passes.context import open_context
from flows.passes.monitor import monitor
from flows.passes.poll import poll
from flows.passes.summary import SourceReport
from storage.corpus.writer import open_for_reading
from storage.index.schema import feeds, urls
from storage.state.entries import FeedState
from tests.support.running import source_toml, write_config

pytestmark = pytest.mark.slow

NOW = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
HOUR, DAY = 3600, 86400
intervals = st.none() | st.integers(0, 10 * LONGEST_S)
moments = st.none() | st.datetimes(datetime(2026, 1, 1), datetime(2026, 3, 1), timezones=st.just(UTC))


def ago(*hours: float | None) -> list[datetime | None]:
    return [None if h is None else NOW - timedelta(hours=h) for h in hours]


@given(intervals, st.integers(0, 500), st.integers(0, 500), intervals)
def test_an_interval_is_never_shorter_than_five_minutes_nor_longer_than_half_a_day(
    previous: int | None, entries: int, new: int, longest: int | None
) -> None:
    interval = next_interval_s(previous, entries=entries, new=min(new, entries), longest_s=longest)
    assert 5 * 60 <= interval <= 12 * HOUR
    assert interval <= max(SHORTEST_S, longest or UNDATED_LONGEST_S)


@pytest.mark.parametrize(
    ("entries", "new", "expected"),
    [
        pytest.param(20, 0, 1.5, id="nothing new: longer"),
        pytest.param(0, 0, 1.5, id="not modified: longer"),
        pytest.param(20, 1, 1.5, id="hardly anything new: longer"),
        pytest.param(20, 2, 1.0, id="some new: as it was"),
        pytest.param(20, 9, 1.0, id="less than half new: as it was"),
        pytest.param(20, 10, 0.5, id="half new: shorter"),
        pytest.param(20, 20, 0.5, id="all new: shorter"),
    ],
)
def test_the_interval_follows_what_was_new(entries: int, new: int, expected: float) -> None:
    assert next_interval_s(HOUR, entries=entries, new=new, longest_s=LONGEST_S) == expected * HOUR


def test_the_first_poll_says_nothing_about_the_pace() -> None:
    assert next_interval_s(None, entries=20, new=20, longest_s=LONGEST_S) == FIRST_S
    assert next_interval_s(None, entries=20, new=20, longest_s=600) == 600


def test_a_feed_that_brings_nothing_is_soon_polled_twice_a_day_but_within_its_bound() -> None:
    interval, bounded = FIRST_S, FIRST_S
    for _ in range(10):
        interval = next_interval_s(interval, entries=0, new=0, longest_s=LONGEST_S)
        bounded = next_interval_s(bounded, entries=0, new=0, longest_s=2 * HOUR)
    assert (interval, bounded) == (12 * HOUR, 2 * HOUR)


@given(intervals, st.integers(0, 2000), st.none() | st.integers(SHORTEST_S, LONGEST_S))
def test_a_failing_feed_is_asked_at_most_twice_an_hour_and_at_least_twice_a_day(
    interval: int | None, failures: int, longest: int | None
) -> None:
    for number in range(failures, failures + 50):
        after = interval_after_failure_s(interval, failures=number, longest_s=longest)
        assert FIRST_S <= after <= LONGEST_S
        assert longest is not None or after >= min(interval or 0, LONGEST_S)
        interval = after


@pytest.mark.parametrize(
    ("longest", "first"),
    [
        pytest.param(None, [3600, 7200, 14400, 28800, 43200, 43200], id="never read: soon twice a day"),
        pytest.param(10 * HOUR, [1800, 3600, 7200, 9000, 9000], id="quiet: ever more rarely, as its pace allows"),
        pytest.param(2 * HOUR, [1800, 1800, 1800], id="lively: it may be well again, and is then full"),
        pytest.param(600, [1800, 1800, 1800], id="very busy: half an hour is left to the server"),
    ],
)
def test_a_failing_feed_keeps_within_its_own_pace_for_a_week(longest: int | None, first: list[int]) -> None:
    intervals: list[int] = []
    interval = None
    for number in range(500):
        interval = interval_after_failure_s(interval, failures=number, longest_s=longest)
        intervals.append(interval)
    assert intervals[: len(first)] == first
    assert intervals[-1] == LONGEST_S
    assert longest is None or sum(s for s in intervals if s < LONGEST_S) >= 6 * DAY


@pytest.mark.parametrize(
    ("published", "expected"),
    [
        pytest.param(ago(*range(20)), 10 * HOUR, id="one an hour, 20 deep: half of it in ten hours"),
        pytest.param(ago(*[h / 10 for h in range(20)]), HOUR, id="ten an hour"),
        pytest.param(ago(*[24 * d for d in range(10)]), LONGEST_S, id="one a day: half a day at most"),
        pytest.param(ago(0, 24, 48, 48.1, 48.2, 48.3, 72, 96), round(24.1 * HOUR), id="a small crowd among days"),
        pytest.param(
            ago(0, 24, *[48 + n / 10 for n in range(6)], 72, 96), round(0.5 * HOUR), id="half of it in half an hour"
        ),
        pytest.param(ago(*[5.0] * 20), FIRST_S, id="all at once: filled in batches, or stamped anew"),
        pytest.param(ago(*[None] * 20), None, id="undated"),
        pytest.param(ago(1, 2, 3, *[None] * 20), None, id="mostly undated"),
        pytest.param(ago(1, 2, 3), None, id="too few"),
        pytest.param([], None, id="empty"),
    ],
)
def test_a_feeds_dates_bound_its_interval(published: list[datetime | None], expected: int | None) -> None:
    assert longest_interval_s(published) == (None if expected is None else min(expected, LONGEST_S))


@given(st.none() | st.integers(0, LONGEST_S), st.lists(moments, max_size=40), st.integers(0, 40), intervals)
def test_what_is_learnt_is_always_a_possible_interval(
    remembered: int | None, published: list[datetime | None], new: int, elapsed: int | None
) -> None:
    learnt = learnt_longest_s(remembered, published, new=min(new, len(published)), elapsed_s=elapsed)
    assert SHORTEST_S <= learnt <= LONGEST_S
    assert type(learnt) is int


NIGHT = ago(*[n / 2 for n in range(20)])  # two an hour: half of it in five hours
DAILY = ago(*[24 * n for n in range(20)])


@pytest.mark.parametrize(
    ("remembered", "published", "new", "elapsed", "expected"),
    [
        pytest.param(None, DAILY, 20, None, LONGEST_S, id="first poll, weeks to be seen: the dates say it all"),
        pytest.param(None, NIGHT, 20, None, FIRST_S, id="first poll, one night to be seen: carefully"),
        pytest.param(None, ago(*[4.0 * n for n in range(20)]), 20, None, LONGEST_S * 76 / 168, id="three days seen"),
        pytest.param(None, ago(*[None] * 20), 20, None, FIRST_S, id="first poll, undated"),
        pytest.param(1200, NIGHT, 0, 1200, 1202, id="at night the day's pace is remembered"),
        pytest.param(1200, NIGHT, 0, WEEK_S, 2400, id="and fades by half in a week"),
        pytest.param(1200, DAILY, 0, HOUR, LONGEST_S, id="a feed that shows weeks needs no memory"),
        pytest.param(5 * HOUR, ago(*[n / 60 for n in range(20)]), 3, 600, 600, id="dates that show a crowd"),
        pytest.param(LONGEST_S, ago(*[None] * 20), 0, HOUR, UNDATED_LONGEST_S, id="undated: two hours at most"),
        pytest.param(HOUR, ago(*[None] * 20), 20, HOUR, HOUR / 2, id="undated, all new: half the time"),
        pytest.param(HOUR, ago(*[None] * 20), 4, HOUR, 3615, id="a few new ones tell nothing"),
        pytest.param(HOUR, [], 0, HOUR, 3615, id="not modified: only the memory fades"),
        pytest.param(300, [], 0, 300, 301, id="the shortest fades as well"),
    ],
)
def test_the_safe_interval_is_learnt(
    remembered: int | None, published: list[datetime | None], new: int, elapsed: float | None, expected: float
) -> None:
    learnt = learnt_longest_s(remembered, published, new=new, elapsed_s=elapsed)
    assert learnt == pytest.approx(expected, abs=1)


@pytest.mark.parametrize(
    ("cache_control", "interval", "longest", "expected"),
    [
        (None, 600, None, 600),
        ("max-age=300", 600, None, 600),
        ("public, max-age=1800", 600, None, 1800),
        ("max-age=86400", 600, None, 3600),
        ("max-age=86400", 7200, None, 7200),
        ("max-age=3600", 600, 1200, 1200),
        ("max-age=3600", 600, 7200, 3600),
        ("no-cache, max-age=0", 600, None, 600),
        ("max-age=soon", 600, None, 600),
        ("max-age=99999999999999", 600, None, 3600),
    ],
)
def test_a_stated_max_age_is_respected_up_to_an_hour_and_to_what_is_safe(
    cache_control: str | None, interval: int, longest: int | None, expected: int
) -> None:
    due = next_poll(NOW, interval, cache_control=cache_control, longest_s=longest)
    assert due - NOW == timedelta(seconds=expected)


@given(st.text(max_size=30), st.none() | st.integers(1, 10 * DAY), st.integers(0, 3 * DAY))
def test_a_feed_is_asked_for_its_whole_body_at_least_once_a_day_and_at_most_once_an_hour(
    url: str, longest: int | None, passed: int
) -> None:
    stretch = next((h * HOUR for h in (24, 8, 4, 2) if longest is None or h * HOUR <= 2 * longest), HOUR)
    moments = [NOW + timedelta(seconds=passed + 300 * step) for step in range(3 * stretch // 300)]
    full = [after for last, after in pairwise(moments) if is_full_due(url, last, after, longest_s=longest)]
    assert 2 <= len(full) <= 3
    assert all(later - earlier >= timedelta(seconds=stretch - 300) for earlier, later in pairwise(full))
    assert is_full_due(url, None, NOW)


@pytest.mark.parametrize("first_s", [1800, 2400, 3600, 7000, 7300, 14_500, 40_000])
def test_a_longest_interval_that_changes_at_each_poll_puts_no_full_question_off(first_s: int) -> None:
    for number in range(20):
        luck = random.Random(number)
        now, asked, longest_s = NOW, NOW, first_s
        slack_s = 60  # by which `longest_s` has changed
        for _ in range(200):
            later = now + timedelta(seconds=luck.randint(SHORTEST_S, longest_s))
            if is_full_due(f"https://f{number}.example/rss", now, later, longest_s=longest_s):
                asked = later
            assert later - asked <= timedelta(seconds=slack_s + min(max(3 * longest_s, 2 * HOUR), DAY + longest_s))
            now, longest_s = later, longest_s + luck.choice((0, 1, 7, -3))


# Through the index


class Watched:
    """Sources whose feeds a loopback server answers, and the passes over them."""

    def __init__(self, server: HTTPServer, folder: Path, *names: str) -> None:
        self.server, self.data = server, folder / "data"
        self.asked: list[str] = []
        sources = "".join(source_toml(n, server.url_for(f"/{n}")) for n in names)
        self.config: Config = load_config(write_config(folder / "config", sources=sources))

    def serve(self, name: str, answer: Callable[[], Answer]) -> None:
        def handler(request: Request) -> Answer:
            self.asked.append(name)
            return answer()

        self.server.expect_request(f"/{name}").respond_with_handler(handler)

    async def run(self, now: datetime, *, due_only: bool = True) -> list[str]:
        """One pass; the feeds that were asked."""
        self.asked.clear()
        await monitor(self.config, self.data, sources=self.config.sources, now=lambda: now, due_only=due_only)
        return sorted(self.asked)

    async def states(self) -> dict[str, Any]:
        async with open_for_reading(self.data, self.config.settings.storage) as corpus, corpus.database.read() as c:
            return {row.source_id: row for row in await c.execute(select(feeds))}


def rss(server: HTTPServer, dates: Sequence[datetime] = (), **headers: str) -> Answer:
    items = "".join(
        f"<item><link>{server.url_for(f'/gone/{n}')}</link><pubDate>{d:%a, %d %b %Y %H:%M:%S} +0000</pubDate></item>"
        for n, d in enumerate(dates or [NOW - timedelta(days=n) for n in range(10)])
    )
    return Answer(
        f"<rss version='2.0'><channel><title>t</title>{items}</channel></rss>",
        headers={"Content-Type": "application/rss+xml", **headers},
    )


@pytest.fixture
def watched(httpserver: HTTPServer, tmp_path: Path) -> Watched:
    return Watched(httpserver, tmp_path, "one", "two")


async def test_only_due_feeds_are_polled_and_by_default_all(watched: Watched) -> None:
    quick = [NOW - timedelta(minutes=n) for n in range(20)]
    watched.serve("one", lambda: rss(watched.server, quick))
    watched.serve("two", lambda: rss(watched.server))
    assert await watched.run(NOW) == ["one", "two"]
    states = await watched.states()
    assert states["one"].next_poll == NOW + timedelta(minutes=10)
    assert states["two"].next_poll == NOW + timedelta(minutes=30)
    assert await watched.run(NOW + timedelta(minutes=9)) == []
    assert await watched.run(NOW + timedelta(minutes=10)) == ["one"]
    assert await watched.run(NOW + timedelta(minutes=11), due_only=False) == ["one", "two"]
    assert await watched.run(NOW + timedelta(minutes=12)) == []


@pytest.mark.parametrize(
    ("retry_after", "expected"),
    [
        pytest.param({}, 3600, id="none: the usual wait after a failure"),
        pytest.param({"Retry-After": "600"}, 3600, id="shorter than that"),
        pytest.param({"Retry-After": "20000"}, 20000, id="longer: respected"),
        pytest.param({"Retry-After": "99999999"}, DAY, id="a day at most"),
    ],
)
async def test_the_retry_after_of_a_429_moves_the_next_poll(
    httpserver: HTTPServer, tmp_path: Path, retry_after: dict[str, str], expected: int
) -> None:
    watched = Watched(httpserver, tmp_path, "one")
    watched.serve("one", lambda: Answer("later", status=429, headers=retry_after))
    await watched.run(NOW)
    state = (await watched.states())["one"]
    assert state.next_poll == NOW + timedelta(seconds=expected)
    assert (state.failures, state.error, state.succeeded_at) == (1, "http 429", None)


async def test_a_feed_that_is_well_again_is_polled_at_its_own_pace(watched: Watched) -> None:
    answers = [
        lambda: rss(watched.server, [NOW - timedelta(minutes=3 * n) for n in range(20)]),
        *[lambda: Answer("", status=500)] * 5,
        lambda: rss(watched.server, [NOW - timedelta(minutes=3 * n) for n in range(20)]),
    ]
    watched.serve("one", lambda: answers.pop(0)())
    watched.serve("two", lambda: rss(watched.server))
    now, waits, failures = NOW, [], []
    while answers:
        await watched.run(now)
        state = (await watched.states())["one"]
        waits.append((state.next_poll - now) / timedelta(minutes=1))
        failures.append(state.failures)
        now = state.next_poll
    assert waits == [30, 30, 30, 30, 30, 30, pytest.approx(30, abs=1)]
    assert failures == [0, 1, 2, 3, 4, 5, 0]


async def test_validators_and_entries_are_stored_together_or_not_at_all(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched.serve("one", lambda: rss(watched.server, ETag='"v1"'))
    watched.serve("two", lambda: rss(watched.server, ETag='"v1"'))
    stored = []

    async def die(*arguments: object, **named: object) -> None:
        stored.append(arguments)
        raise RuntimeError("the machine dies here")

    async def contents() -> tuple[int, int]:
        storage = watched.config.settings.storage
        async with open_for_reading(watched.data, storage) as corpus, corpus.database.read() as c:
            return len((await c.execute(select(urls))).all()), len((await c.execute(select(feeds))).all())

    pairs = [(source, FeedState(source.feeds[0])) for source in watched.config.sources]
    for moment in ("store_entries", "store_poll", "store_hosts"):
        async with open_context(watched.config, watched.data, now=lambda: NOW) as context:
            with monkeypatch.context() as patched:
                patched.setattr(poll_module, moment, die)
                with pytest.raises(RuntimeError, match="dies here"):
                    await poll(context, pairs, {s.id: SourceReport(s.name) for s in watched.config.sources})
        assert await contents() == (0, 0), moment
    assert len(stored) == 3
    await watched.run(NOW)
    entries, known = await contents()
    assert (entries, known) == (10, 2)  # both feeds name the same ten
    assert all(state.etag == '"v1"' for state in (await watched.states()).values())


async def test_a_feed_that_is_never_modified_is_read_all_the_same(watched: Watched) -> None:
    dates = [NOW - timedelta(days=n) for n in range(10)]

    def never_modified() -> Answer:
        answer = rss(watched.server, dates, ETag='"v1"', **{"Last-Modified": "Mon, 02 Mar 2026 09:00:00 GMT"})
        return Answer(status=304) if conditional[-1] else answer

    conditional: list[bool] = []

    def handler(request: Request) -> Answer:
        conditional.append("If-None-Match" in request.headers)
        return never_modified()

    watched.server.expect_request("/one").respond_with_handler(handler)
    watched.serve("two", lambda: rss(watched.server))
    await watched.run(NOW, due_only=False)
    dates.append(NOW + timedelta(minutes=5))
    for hours in range(1, 26):
        await watched.run(NOW + timedelta(hours=hours), due_only=False)
    assert 2 <= conditional.count(False) <= 3  # the first time, and once a day
    storage = watched.config.settings.storage
    async with open_for_reading(watched.data, storage) as corpus, corpus.database.read() as c:
        newest = (await c.execute(select(urls.c.published).order_by(urls.c.published.desc()))).scalars().first()
    assert newest == NOW + timedelta(minutes=5)


async def test_after_a_failure_the_whole_body_is_asked_for(watched: Watched) -> None:
    answers = [rss(watched.server, ETag='"v1"'), Answer(status=500), rss(watched.server, ETag='"v1"')]
    conditional: list[bool] = []

    def handler(request: Request) -> Answer:
        conditional.append("If-None-Match" in request.headers)
        return answers[min(len(conditional), 3) - 1]

    watched.server.expect_request("/one").respond_with_handler(handler)
    watched.serve("two", lambda: rss(watched.server))
    for minutes in range(4):
        await watched.run(NOW + timedelta(minutes=minutes), due_only=False)
    assert conditional == [False, True, False, True]
