"""What the results of attempts mean for their deliveries and for their endpoint."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from notify.domain.answers import Verdict
from notify.domain.ladder import BRIEF_LADDER, LADDER, delay_after
from notify.domain.lanes import Health, after, after_successes
from notify.ports import Ended, Finished

DELIVERED, ABANDONED = "delivered", "abandoned"


@dataclass(frozen=True, slots=True)
class Settled:
    """Results of one lane, its health after them, and why it must be suspended, if it must."""

    rows: Sequence[Finished]
    health: Health
    suspend: str | None


def settle(health: Health, ended: Sequence[Ended], now: datetime, jitter: Callable[[], float]) -> Settled:
    """Settle attempts of one lane in the order in which they ended; `jitter` gives numbers from 0 to 1."""
    rows = [_finished(one, jitter) for one in ended]
    suspend: str | None = None
    # Runs of deliveries count at once: on a healthy lane that is all there is.
    for verdict, run in groupby(ended, key=lambda one: one.sent.answer.verdict):
        ones = list(run)
        if verdict is Verdict.DELIVERED:
            health = after_successes(health, len(ones), ones[-1].seconds, now)
            continue
        for one in ones:
            health = after(health, one.sent.answer, one.seconds, now)
        if verdict is Verdict.SUSPEND:
            suspend = suspend or ones[0].sent.answer.cause
    if suspend is None and health.given_up(now):
        suspend = "failing"
    return Settled(rows, health, suspend)


def _finished(one: Ended, jitter: Callable[[], float]) -> Finished:
    answer = one.sent.answer
    match answer.verdict:
        case Verdict.DELIVERED:
            return Finished(one, state=DELIVERED)
        case Verdict.ABANDON:
            return Finished(one, state=ABANDONED, cause=answer.cause)
        case Verdict.LATER | Verdict.BRIEFLY:
            ladder = LADDER if answer.verdict is Verdict.LATER else BRIEF_LADDER
            delay = delay_after(one.taken.attempt, ladder, jitter())
            if delay is None:
                return Finished(one, state=ABANDONED, cause=answer.cause)
            return Finished(one, delay_seconds=max(delay, answer.retry_after_seconds or 0.0))
        case Verdict.SUSPEND | Verdict.NOT_STARTED:
            # Stays where it is: suspended lanes are parked as a whole, what was given back is taken anew.
            return Finished(one)
