"""The health of one endpoint: how much may be under way to it, and when it is given up."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from notify.domain import breaker as breakers
from notify.domain.answers import Answer, Verdict
from notify.domain.breaker import Breaker, State

SLOTS_MAX: Final = 8
"""Requests under way to one endpoint."""
SLOTS_FIRST: Final = 2
"""An endpoint nobody has heard from yet could hang: it starts small and doubles with each success."""

SLOW_AFTER_SECONDS: Final = 1.0
"""A request under way for longer than this moves its endpoint to the slow part of the pool."""
SLOW_AFTER_TIMEOUT: Final = timedelta(minutes=10)
SLOW_AFTER_DELAY: Final = timedelta(minutes=1)

# How much is taken ahead of the free slots, so that sockets stay busy while results are written.
AHEAD: Final = 16

GIVE_UP_AFTER: Final = timedelta(days=5)
GIVE_UP_FAILURES_MIN: Final = 20


@dataclass(frozen=True, slots=True)
class Bucket:
    """A limit the owner has set: so many a minute, at most one minute's worth at once."""

    per_minute: int
    tokens: float
    at: datetime

    def refilled(self, now: datetime) -> Bucket:
        """The bucket with what has dripped in until `now`."""
        gained = max((now - self.at).total_seconds(), 0.0) * self.per_minute / 60
        return replace(self, tokens=min(self.tokens + gained, float(self.per_minute)), at=now)

    def next_at(self) -> datetime:
        """When there is a whole token again."""
        missing = max(1.0 - self.tokens, 0.0)
        return self.at + timedelta(seconds=missing * 60 / self.per_minute)


@dataclass(frozen=True, slots=True)
class Health:
    """What results change; all instants come from the database's clock."""

    breaker: Breaker = field(default_factory=Breaker)
    slots: int = SLOTS_FIRST
    slow_until: datetime | None = None
    paused_until: datetime | None = None
    failing_since: datetime | None = None
    failures: int = 0
    bucket: Bucket | None = None

    def is_slow(self, now: datetime) -> bool:
        return self.slow_until is not None and self.slow_until > now

    def halted_until(self, now: datetime) -> datetime | None:
        """When sending may go on: the receiver asked for a pause, or the breaker is open."""
        opened_until = self.breaker.open_until if self.breaker.state is State.OPEN else None
        return max((end for end in (self.paused_until, opened_until) if end and end > now), default=None)

    def blocked_until(self, now: datetime) -> datetime | None:
        """When anything may be taken again: not halted, and a token in the bucket."""
        halted = self.halted_until(now)
        if self.bucket is None or (refilled := self.bucket.refilled(now)).tokens >= 1:
            return halted
        return max(refilled.next_at(), halted or now)

    def given_up(self, now: datetime) -> bool:
        """Five days without success and enough attempts that a quiet endpoint is not punished."""
        return (
            self.failures >= GIVE_UP_FAILURES_MIN
            and self.failing_since is not None
            and now - self.failing_since >= GIVE_UP_AFTER
        )


def opened(health: Health, now: datetime) -> Health:
    """The health as a turn begins: a breaker whose time has passed lets one probe through."""
    if health.breaker.state is State.OPEN and health.halted_until(now) is None:
        return replace(health, breaker=breakers.probing(health.breaker))
    return health


def allowance(health: Health, now: datetime, *, in_hand: int) -> int:
    """How many more deliveries a turn may take while `in_hand` are not finished."""
    if health.breaker.state is State.HALF_OPEN:
        return max(1 - in_hand, 0)
    if health.blocked_until(now) is not None:
        return 0
    ahead = 1 if health.is_slow(now) or health.slots < SLOTS_MAX else AHEAD
    wanted = health.slots * ahead - in_hand
    if health.bucket is not None:
        wanted = min(wanted, int(health.bucket.refilled(now).tokens))
    return max(wanted, 0)


def taken(health: Health, count: int, now: datetime) -> Health:
    """The health after `count` deliveries were taken out of the bucket."""
    if health.bucket is None:
        return health
    bucket = health.bucket.refilled(now)
    return replace(health, bucket=replace(bucket, tokens=bucket.tokens - count))


def after_successes(health: Health, times: int, seconds: float, now: datetime) -> Health:
    """The health after so many deliveries in a row, the last of which took `seconds`."""
    return Health(
        breaker=breakers.record(health.breaker, failed=False, unreached=False, now=now, times=times),
        slots=min(max(health.slots, 1) << min(times, SLOTS_MAX), SLOTS_MAX),
        slow_until=now + SLOW_AFTER_DELAY if seconds > SLOW_AFTER_SECONDS else None,
        paused_until=health.paused_until,
        bucket=health.bucket,
    )


def after(health: Health, answer: Answer, seconds: float, now: datetime) -> Health:
    """The health after one attempt that took `seconds` has ended."""
    if answer.verdict is Verdict.NOT_STARTED:
        return health
    if not answer.failed:
        return after_successes(health, 1, seconds, now)
    breaker = breakers.record(health.breaker, failed=True, unreached=answer.unreached, now=now)
    changed = replace(
        health,
        breaker=breaker,
        slots=1 if answer.timed_out else max(health.slots // 2, 1),
        failing_since=health.failing_since or now,
        failures=health.failures + 1,
    )
    if answer.timed_out:
        changed = replace(changed, slow_until=now + SLOW_AFTER_TIMEOUT)
    if answer.retry_after_seconds is not None:
        pause = now + timedelta(seconds=answer.retry_after_seconds)
        changed = replace(changed, paused_until=max(pause, health.paused_until or pause))
    return changed
