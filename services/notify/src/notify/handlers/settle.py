"""What the results of attempts mean for their deliveries and for their endpoint."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from notify.domain.answers import Verdict
from notify.domain.ladder import BRIEF_LADDER, LADDER, delay_after
from notify.domain.lanes import Health, after
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
    rows: list[Finished] = []
    suspend: str | None = None
    for one in ended:
        answer = one.sent.answer
        health = after(health, answer, one.seconds, now)
        rows.append(_finished(one, jitter))
        if answer.verdict is Verdict.SUSPEND:
            suspend = suspend or answer.cause
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
