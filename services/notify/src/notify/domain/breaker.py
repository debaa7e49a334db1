"""The circuit breaker of one endpoint: stop asking what does not answer, and ask again with one probe."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final


class State(StrEnum):
    """Closed lets everything through, half-open one probe, open nothing."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


WINDOW: Final = timedelta(minutes=5)
ATTEMPTS_MIN: Final = 10
FAILURES_PERCENT: Final = 70
UNREACHED_RUN_MAX: Final = 5
OPEN_SECONDS_FIRST: Final = 30
OPEN_SECONDS_MAX: Final = 15 * 60


@dataclass(frozen=True, slots=True)
class Breaker:
    """Counts of the current window, which starts anew with the first attempt after it has ended."""

    state: State = State.CLOSED
    open_until: datetime | None = None
    open_seconds: int = 0
    window_from: datetime | None = None
    attempts: int = 0
    failures: int = 0
    unreached_run: int = 0


def record(breaker: Breaker, *, failed: bool, unreached: bool, now: datetime, times: int = 1) -> Breaker:
    """The breaker after one more attempt has ended at `now`; `times`: so many successes at once."""
    if breaker.state is State.OPEN:
        # A straggler that was under way when it opened: a success is as good as a probe.
        return breaker if failed else Breaker()
    if breaker.state is State.HALF_OPEN:
        return _opened(breaker, now) if failed else Breaker()
    fresh = breaker.window_from is None or now - breaker.window_from >= WINDOW
    counted = replace(
        breaker,
        window_from=now if fresh else breaker.window_from,
        attempts=times if fresh else breaker.attempts + times,
        failures=int(failed) if fresh else breaker.failures + int(failed),
        unreached_run=breaker.unreached_run + 1 if unreached else 0,
    )
    often = counted.attempts >= ATTEMPTS_MIN and counted.failures * 100 >= counted.attempts * FAILURES_PERCENT
    return _opened(counted, now) if often or counted.unreached_run >= UNREACHED_RUN_MAX else counted


def probing(breaker: Breaker) -> Breaker:
    """The breaker once its time has passed and one delivery may try."""
    return replace(breaker, state=State.HALF_OPEN) if breaker.state is State.OPEN else breaker


def _opened(breaker: Breaker, now: datetime) -> Breaker:
    seconds = min(breaker.open_seconds * 2 or OPEN_SECONDS_FIRST, OPEN_SECONDS_MAX)
    return Breaker(State.OPEN, open_until=now + timedelta(seconds=seconds), open_seconds=seconds)
