"""The life of an address: its state, what may become of it, and when. Pure; docs/addresses.md has the table in words.

An address waits while it has no outcome yet, or a time for its next attempt. Most outcomes without an article speak of
a moment, not of the address: a page that is not there yet, a firewall in a bad mood, a flash that is to be continued.
So a young address is asked again after growing gaps, and only the last answer is final. An address with an article is
never decided anew; its page may be looked at again for a later text.

Everybody who writes a state asks here: monitor, backfill, import and the commands that open addresses again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from extractors.records import Again, Counted, Outcome, Yield

GAPS = (  # before the next attempt; together longer than a long weekend
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(days=1),
    timedelta(days=2),
    timedelta(days=4),
)
# The same for a page that answers and has no article on it: many of these are galleries and videos, which stay so. Half
# the tries keep the requests of an ordinary month within a twentieth of what they would be without any.
TEXT_GAPS = (GAPS[1], GAPS[3], GAPS[4] + GAPS[5])
LOOKS = (timedelta(hours=1), timedelta(hours=24))  # after the decision: when a page is looked at for a later text
YOUNG = timedelta(days=7)  # since its publication: what a backfill lists of an older address is not about to change
FARTHEST = TEXT_GAPS[-1] + timedelta(days=1)  # no rule plans an attempt later; a Retry-After is heard up to a day
OF_A_MOMENT = (*Outcome.which(Again.LATER), Outcome.GAVE_UP)
FLASH_WORDS = 40  # a shorter text may be a flash, whatever it says: its whole story may be on topic
SHORT_WORDS = 60  # an article that is shorter may have been the first report


@dataclass(frozen=True, slots=True)
class Life:
    """The state of an address. `listed`: only a backfill knows it, so no monitor takes it on."""

    outcome: Outcome | None = None  # None: waits for its first attempt
    attempts: int = 0
    next_attempt: datetime | None = None
    article: int | None = None
    published: datetime | None = None
    listed: bool = False
    looks: int = 0  # planned so far
    first_seen: datetime | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether it has no article and will be tried: at `next_attempt`, or by the next pass."""
        return self.article is None and (self.outcome is None or self.next_attempt is not None)

    @property
    def is_final(self) -> bool:
        """Whether no pass takes it on again: it is neither waiting, nor to be looked at, nor left to another period."""
        left = self.outcome is not None and self.outcome.again is Again.OF_ITS_DAYS
        return self.outcome is not None and self.next_attempt is None and not left

    def is_due(self, now: datetime) -> bool:
        """Whether a pass may take it on at `now`. A moment that no rule can have planned is doubted: it is due."""
        if self.next_attempt is not None:
            return self.next_attempt <= now or self.is_doubtful(now)
        return self.outcome is None

    def is_doubtful(self, now: datetime) -> bool:
        """Whether the moment of its next attempt shows that the clock was wrong then, or is now."""
        return self.next_attempt is not None and self.next_attempt > now + FARTHEST


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of an attempt: its outcome, and the article that the address became or repeats.

    `words` are those of the text, None if there was none; `continued`: it says that more is to come; `near`: it names
    something of the topic.
    """

    outcome: Outcome
    article: int | None = None
    retry_after: datetime | None = None
    words: int | None = None
    continued: bool = False
    near: bool = False


def after_attempt(life: Life, ended: Ended, *, now: datetime) -> Life:
    """Return the state after an attempt."""
    if life.article is not None:  # a look: whatever it found, the article stays
        return _looked(replace(life, attempts=life.attempts + 1, next_attempt=None), now)
    if ended.outcome is Outcome.OUTSIDE and not life.listed:
        return life  # a backfill's period is no concern of the monitor
    life = _recounted(life, now)
    tried = replace(life, outcome=ended.outcome, article=ended.article, attempts=life.attempts + 1, next_attempt=None)
    if ended.outcome.again is Again.LATER:
        again = _next_attempt(life, ended, now)
        given_up = again is None and ended.outcome.counted is Counted.FAILED
        return replace(tried, outcome=Outcome.GAVE_UP if given_up else ended.outcome, next_attempt=again)
    return _looked(tried, now) if not life.listed and _may_grow(ended) else tried


def after_import(life: Life, ended: Ended, *, now: datetime) -> Life:
    """Return the state after the user has imported a text of his own for the address.

    What has no article gets this one. An import that comes to nothing changes nothing.
    """
    if ended.article is None or life.article is not None:
        return life
    return replace(after_attempt(life, ended, now=now), next_attempt=None)


def gaps_after(outcome: Outcome) -> tuple[timedelta, ...]:
    """Return the gaps of an address that ends so again and again."""
    if outcome.counted is Counted.FAILED:
        return GAPS
    return TEXT_GAPS if outcome.page is Yield.NO_TEXT or outcome in (Outcome.PAYWALLED, Outcome.TOO_LARGE) else GAPS


def after_naming(life: Life) -> Life:
    """Return the state once a feed names the address: it is the monitor's, and young.

    What a backfill has left out as of other days, or ended at its first answer of a moment, is open again.
    """
    if life.article is not None:
        return life
    if life.outcome is Outcome.OUTSIDE or (life.listed and life.is_final and life.outcome in OF_A_MOMENT):
        return replace(opened(life), listed=False)
    return life if life.is_final else replace(life, listed=False)


def after_change(life: Life, *, headline: bool, now: datetime) -> Life:
    """Return the state once its feed gives the address another date, or with `headline` another headline.

    An article is looked at again; what was off topic, only for another headline.
    """
    may_differ = life.outcome is Outcome.APPENDED or (headline and life.outcome is Outcome.OFF_TOPIC)
    if not may_differ or life.listed or life.next_attempt is not None or life.looks >= len(LOOKS):
        return life
    return replace(life, next_attempt=now, looks=life.looks + 1)


def may_open(life: Life) -> bool:
    """Say whether an address may be opened again: it has a final outcome, and no article."""
    return life.is_final and life.article is None


def opened(life: Life, *, once: bool = False) -> Life:
    """Return the state of an address that is opened again, as a new one; with `once`, for a single attempt."""
    return replace(life, outcome=None, next_attempt=None, attempts=len(GAPS) if once else 0, looks=0)


def is_young(life: Life, *, now: datetime) -> bool:
    """Say whether the address may be about to change: a feed names it, or it was published in the last days."""
    return not life.listed or (life.published is not None and life.published > now - YOUNG)


def _recounted(life: Life, now: datetime) -> Life:
    """Return the state with the attempts that count: clocks that go wrong and right again must not use up a week's.

    Where one has, an attempt comes before its gap is over, and so did another one, at the jump there or back.
    """
    return replace(life, attempts=max(0, life.attempts - 2)) if life.is_doubtful(now) else life


def _next_attempt(life: Life, ended: Ended, now: datetime) -> datetime | None:
    if ended.outcome.counted is not Counted.FAILED and not is_young(life, now=now):
        return None
    gaps = gaps_after(ended.outcome)
    if life.attempts < len(gaps):
        asked = min(ended.retry_after, now + timedelta(days=1)) if ended.retry_after else now
        return max(now + gaps[life.attempts], asked)
    return _extra_attempt(life, now)


def _extra_attempt(life: Life, now: datetime) -> datetime | None:
    """Return when an address is tried once more though its attempts are used up, which a wrong clock may have done."""
    if life.first_seen is None or life.attempts > len(GAPS) + 2:
        return None
    last = life.first_seen + sum(GAPS, timedelta())
    if life.first_seen <= now < last:
        return min(last, now + GAPS[-1])
    # Before the address was first seen, or long after the attempt was due: the clock is wrong, or nobody was at work.
    is_odd = now < life.first_seen or (life.next_attempt is not None and now > life.next_attempt + GAPS[-1])
    return now + GAPS[-1] if is_odd else None


def _may_grow(ended: Ended) -> bool:
    if ended.outcome is Outcome.APPENDED:
        return ended.continued or (ended.words is not None and ended.words < SHORT_WORDS)
    flash = ended.words is not None and ended.words < FLASH_WORDS
    return ended.outcome is Outcome.OFF_TOPIC and ended.near and flash


def _looked(life: Life, now: datetime) -> Life:
    """Return the state with the next look planned, if there is one left."""
    if life.looks >= len(LOOKS):
        return life
    gap = LOOKS[life.looks] - (LOOKS[life.looks - 1] if life.looks else timedelta())
    return replace(life, next_attempt=now + gap, looks=life.looks + 1)
