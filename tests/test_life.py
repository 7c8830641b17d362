"""The life of an address: whatever happens in whatever order, no article is lost and no address is asked for ever."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from extractors.records import Again, Outcome
from storage.state.life import (
    FARTHEST,
    FLASH_WORDS,
    GAPS,
    LOOKS,
    SHORT_WORDS,
    TEXT_GAPS,
    Ended,
    Life,
    after_attempt,
    after_change,
    after_import,
    after_naming,
    gaps_after,
    is_young,
    may_open,
    opened,
)

NOW = datetime(2026, 3, 20, 9, 0, tzinfo=UTC)  # a Friday before a long weekend
OF_A_MOMENT = Outcome.which(Again.LATER)
WITH_ARTICLE = (Outcome.APPENDED, Outcome.DUPLICATE, Outcome.REPRINT)


def tried(life: Life, outcome: Outcome, now: datetime = NOW, **facts: object) -> Life:
    return after_attempt(life, Ended(outcome, **facts), now=now)  # type: ignore[arg-type]


@pytest.mark.parametrize("outcome", OF_A_MOMENT)
def test_an_outcome_of_a_moment_is_final_only_after_all_gaps(outcome: Outcome) -> None:
    life, now, waits = Life(), NOW, []
    while not (life := tried(life, outcome, now)).is_final:
        assert life.is_waiting
        assert life.outcome is outcome
        assert life.next_attempt is not None
        waits.append(life.next_attempt - now)
        assert not life.is_due(life.next_attempt - timedelta(seconds=1))
        now = life.next_attempt
    assert tuple(waits) == gaps_after(outcome)
    assert life.outcome is (Outcome.GAVE_UP if outcome is Outcome.FAILED else outcome)
    assert sum(waits, timedelta()) > timedelta(days=7)  # longer than the longest weekend


def test_attempts_that_were_used_up_early_leave_one_for_the_end_of_the_week() -> None:
    life = Life(attempts=len(GAPS), first_seen=NOW - timedelta(days=4))
    waits = tried(life, Outcome.GONE)
    assert waits.next_attempt == NOW - timedelta(days=4) + sum(GAPS, timedelta())
    assert tried(replace(waits, attempts=9), Outcome.GONE, waits.next_attempt).is_final
    backwards = tried(replace(life, first_seen=NOW + timedelta(days=900)), Outcome.GONE)  # so was the clock
    assert backwards.is_due(NOW + GAPS[-1])
    assert tried(replace(backwards, attempts=len(GAPS) + 3), Outcome.GONE).is_final


def test_an_attempt_under_a_clock_that_is_years_ahead_is_not_the_last() -> None:
    life = Life(Outcome.GONE, attempts=len(GAPS), next_attempt=NOW + timedelta(days=3), first_seen=NOW)
    later = tried(life, Outcome.GONE, NOW + timedelta(days=900))
    assert later.is_due(NOW)
    again = tried(later, Outcome.GONE, NOW + timedelta(days=4))
    assert again.next_attempt == NOW + timedelta(days=4) + GAPS[-1]
    assert tried(again, Outcome.GONE, again.next_attempt).is_final


YEARS = timedelta(days=9000)
WRONG = st.sampled_from([-YEARS, YEARS / -24, timedelta(days=-1), timedelta(hours=-1), timedelta(hours=1), YEARS])


@given(
    outcome=st.sampled_from([Outcome.GONE, Outcome.TOO_SHORT, Outcome.FAILED]),
    jumps=st.lists(st.tuples(st.integers(6, 60), st.integers(1, 30), WRONG), max_size=8),
    hours=st.sampled_from([1, 4, 6]),
)
@example(outcome=Outcome.FAILED, jumps=[(0, 12, -YEARS), (24, 6, YEARS), (24, 6, -YEARS), (24, 4, YEARS)], hours=4)
@settings(max_examples=400, deadline=None)
def test_clocks_that_go_wrong_and_right_again_use_up_no_week(
    outcome: Outcome, jumps: list[tuple[int, int, timedelta]], hours: int
) -> None:
    begins, wrong = 0, []  # between two times of a wrong clock it is right for a pass at least
    for after, during, skew in jumps:
        wrong.append((begins + after, begins + after + during, skew))
        begins = wrong[-1][1]
    life, asked, hour = Life(), [], 0
    while not life.is_final:
        now = NOW + timedelta(hours=hour) + next((s for a, b, s in wrong if a <= hour < b), timedelta())
        life = replace(life, first_seen=life.first_seen or now)
        if life.is_due(now):
            asked.append(hour)
            life = tried(life, outcome, now)
        hour += hours
        assert hour < 24 * 60
    assert asked[-1] >= 6 * 24
    assert len(asked) <= len(GAPS) + 3 + 2 * len(jumps)


def test_which_outcomes_are_of_a_moment() -> None:
    for_good = {*WITH_ARTICLE, Outcome.OFF_TOPIC, Outcome.OUTSIDE, Outcome.GAVE_UP, Outcome.REMOVED}
    assert set(Outcome) - set(OF_A_MOMENT) == for_good


@pytest.mark.parametrize("outcome", OF_A_MOMENT)
@pytest.mark.parametrize(("days", "waits"), [(None, False), (400, False), (8, False), (6, True), (0, True), (-1, True)])
def test_what_a_backfill_lists_is_young_by_its_date_alone(outcome: Outcome, days: int | None, waits: bool) -> None:
    published = None if days is None else NOW - timedelta(days=days)
    life = tried(Life(listed=True, published=published), outcome)
    assert life.is_waiting == (waits or outcome is Outcome.FAILED)
    assert tried(replace(life, listed=False, attempts=0), outcome).is_waiting  # a feed names it: perhaps dated wrongly


def test_retry_after_lengthens_a_gap_and_is_believed_for_a_day() -> None:
    def wait(hours: float) -> timedelta:
        life = tried(Life(), Outcome.REFUSED, retry_after=NOW + timedelta(hours=hours))
        assert life.next_attempt is not None
        return life.next_attempt - NOW

    assert [wait(-3), wait(0.1), wait(3), wait(900)] == [GAPS[0], GAPS[0], timedelta(hours=3), timedelta(days=1)]


def test_a_backfill_that_finds_the_monitors_entry_outside_its_days_leaves_it_as_it_is() -> None:
    waiting = tried(Life(), Outcome.GONE)
    for life in (Life(), waiting):
        assert tried(life, Outcome.OUTSIDE) == life
    left = tried(Life(listed=True), Outcome.OUTSIDE)
    assert not left.is_final
    assert not left.is_waiting
    assert after_naming(left) == Life()
    gone = tried(Life(listed=True), Outcome.GONE)
    assert gone.is_final
    assert after_naming(gone) == Life()


def test_an_import_replaces_every_state_without_an_article_and_no_other() -> None:
    for outcome in Outcome:
        if outcome in WITH_ARTICLE:
            continue
        life = Life(outcome, attempts=3, next_attempt=NOW if outcome in OF_A_MOMENT else None)
        for nothing in (Outcome.TOO_SHORT, Outcome.OFF_TOPIC):
            assert after_import(life, Ended(nothing), now=NOW) == life
        taken = after_import(life, Ended(Outcome.APPENDED, article=7, words=30), now=NOW)
        assert (taken.outcome, taken.article, taken.next_attempt) == (Outcome.APPENDED, 7, None)
    kept = Life(Outcome.APPENDED, article=1)
    assert after_import(kept, Ended(Outcome.REPRINT, article=2), now=NOW) == kept


@pytest.mark.parametrize(
    ("ended", "looks"),
    [
        (Ended(Outcome.APPENDED, 1, words=SHORT_WORDS), 0),
        (Ended(Outcome.APPENDED, 1, words=SHORT_WORDS - 1), 2),
        (Ended(Outcome.APPENDED, 1, words=900, continued=True), 2),
        (Ended(Outcome.REPRINT, 1, words=25), 0),
        (Ended(Outcome.OFF_TOPIC, words=FLASH_WORDS, near=True), 0),
        (Ended(Outcome.OFF_TOPIC, words=FLASH_WORDS - 1, near=True), 2),
        (Ended(Outcome.OFF_TOPIC, words=FLASH_WORDS - 1), 0),
        (Ended(Outcome.OFF_TOPIC), 0),
    ],
)
def test_short_and_unfinished_texts_are_looked_at_again_after_an_hour_and_a_day(ended: Ended, looks: int) -> None:
    life, times = after_attempt(Life(), ended, now=NOW), []
    while life.next_attempt is not None:
        times.append(life.next_attempt - NOW)
        life = after_attempt(life, Ended(ended.outcome, words=ended.words, near=ended.near), now=life.next_attempt)
    assert times == list(LOOKS[:looks])
    assert (life.outcome, life.article) == (ended.outcome, ended.article)


def test_another_headline_or_date_has_a_page_looked_at_again_but_not_for_ever() -> None:
    life, looks = Life(Outcome.APPENDED, article=1), 0
    for hour in range(48):
        changed = after_change(life, headline=False, now=NOW + timedelta(hours=hour))
        looks += changed.next_attempt is not None
        life = replace(changed, next_attempt=None)
    assert looks == len(LOOKS)
    refused = Life(Outcome.OFF_TOPIC)
    assert after_change(refused, headline=False, now=NOW) == refused
    assert after_change(refused, headline=True, now=NOW).is_due(NOW)
    for other in (Life(), Life(Outcome.OFF_TOPIC, listed=True), Life(Outcome.REPRINT, article=1)):
        assert after_change(other, headline=True, now=NOW) == other


def test_a_moment_that_no_rule_has_planned_is_doubted() -> None:
    assert Life(Outcome.GONE, next_attempt=NOW + FARTHEST + timedelta(days=900)).is_due(NOW)
    assert not Life(Outcome.GONE, next_attempt=NOW + FARTHEST).is_due(NOW)


class Addresses(RuleBasedStateMachine):
    """One address between monitor, backfills, imports, retries and a clock that jumps."""

    def __init__(self) -> None:
        super().__init__()
        self.life, self.now, self.asked, self.jumps = Life(first_seen=NOW), NOW, 0, 0
        self.named = True

    @rule(listed=st.booleans(), days=st.one_of(st.none(), st.integers(0, 500)))
    def begin(self, listed: bool, days: int | None) -> None:
        published = None if days is None else self.now - timedelta(days=days)
        self.life = Life(listed=listed, published=published, first_seen=self.now)
        self.named, self.asked, self.jumps = not listed, 0, 0

    @precondition(lambda self: self.life.is_due(self.now))
    @rule(outcome=st.sampled_from(OF_A_MOMENT), retry_h=st.one_of(st.none(), st.integers(-5, 9000)))
    def comes_to_nothing(self, outcome: Outcome, retry_h: int | None) -> None:
        retry_after = None if retry_h is None else self.now + timedelta(hours=retry_h)
        self._attempt(Ended(outcome, retry_after=retry_after))

    @precondition(lambda self: self.life.is_due(self.now))
    @rule(outcome=st.sampled_from(WITH_ARTICLE), words=st.integers(20, 100))
    def becomes_an_article(self, outcome: Outcome, words: int) -> None:
        self._attempt(Ended(outcome, article=5, words=words))

    @precondition(lambda self: self.life.is_due(self.now))
    @rule(words=st.one_of(st.none(), st.integers(20, 100)))
    def is_off_topic(self, words: int | None) -> None:
        self._attempt(Ended(Outcome.OFF_TOPIC, words=words, near=True))

    @precondition(lambda self: self.life.is_due(self.now))
    @rule()
    def is_outside(self) -> None:
        before = self.life
        self._attempt(Ended(Outcome.OUTSIDE))
        assert before.listed or before.article is not None or self.life == before

    @rule()
    def a_feed_names_it(self) -> None:
        waiting = self.life.is_waiting
        if self.life.listed:
            self.asked = 0
        self.life, self.named = after_naming(self.life), True
        assert self.life.is_waiting or not waiting
        assert self.life.outcome is not Outcome.OUTSIDE

    @rule(headline=st.booleans())
    def its_feed_changes_it(self, headline: bool) -> None:
        self.life = after_change(self.life, headline=headline, now=self.now)

    @rule(article=st.one_of(st.none(), st.just(9)))
    def imported(self, article: int | None) -> None:
        before = self.life
        outcome = Outcome.TOO_SHORT if article is None else Outcome.APPENDED
        self.life = after_import(before, Ended(outcome, article=article, words=30), now=self.now)
        assert self.life.article == (before.article or article)

    @precondition(lambda self: may_open(self.life))
    @rule(once=st.booleans())
    def opened_again(self, once: bool) -> None:
        self.life, self.asked = opened(self.life, once=once), 0
        assert self.life.is_due(self.now)

    @rule(hours=st.integers(-48, 24 * 400))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        self.jumps += hours < 0 or hours > 90

    def _attempt(self, ended: Ended) -> None:
        before = self.life
        self.life = after_attempt(before, ended, now=self.now)
        self.asked += self.life != before
        if before.article is not None:
            assert (self.life.article, self.life.outcome) == (before.article, before.outcome)

    @invariant()
    def is_in_one_state_with_a_way_on(self) -> None:
        life = self.life
        left = life.outcome is Outcome.OUTSIDE and life.listed
        looked_at = life.article is not None and life.next_attempt is not None
        assert sum((life.is_waiting, life.is_final, left, looked_at)) == 1
        if life.next_attempt is not None:
            assert life.is_due(life.next_attempt)
            assert life.is_due(life.next_attempt + timedelta(days=1000))

    @invariant()
    def a_young_address_is_not_given_up_early(self) -> None:
        if self.life.is_final and self.life.outcome in OF_A_MOMENT:
            assert self.life.attempts > len(TEXT_GAPS) or not is_young(self.life, now=self.now) or self.life.listed

    @invariant()
    def is_not_asked_for_ever(self) -> None:
        assert self.asked <= len(GAPS) + 3 + 2 * len(LOOKS) + self.jumps


TestLife = Addresses.TestCase
TestLife.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
