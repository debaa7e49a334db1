"""What the clocks of a sender say: recorded, judged, never repaired."""

from __future__ import annotations

from datetime import datetime, timedelta

from intake.domain.verdicts import Fault, Grounds, Refusal

AHEAD_FLAGGED = timedelta(minutes=10)
AHEAD_MAX = timedelta(hours=24)
LATE_AFTER = timedelta(hours=24)
AGE_MAX = timedelta(days=90)
# Beyond a network's delay the device's clock is wrong; beyond a day it was never set.
SKEW_FLAGGED = timedelta(minutes=1)
SKEW_UNSYNCED = timedelta(hours=24)
BACKFILL = "backfill"
NOTHING = timedelta()

TOO_FAR_AHEAD = Refusal(
    Grounds.INVALID,
    "time_ahead",
    "The time of the event is more than 24 hours ahead.",
    (Fault("/time", "time_ahead"),),
)
TOO_OLD = Refusal(
    Grounds.INVALID,
    "time_too_old",
    "The event is more than 90 days old, and this key has no right to load old events.",
    (Fault("/time", "time_too_old"),),
)


def judge_time(
    occurred_at: datetime, received_at: datetime, skew: timedelta | None, *, old_allowed: bool
) -> str | Refusal:
    """The `timequality` of an event, or why its time is refused.

    `skew` is received minus sent where the sender said when it sent; the time is judged with it and
    without, because readers use it as it is. `old_allowed`: corrections, and keys with `backfill`.
    """
    ahead = occurred_at - received_at
    corrected = ahead + skew if skew else ahead
    if ahead > AHEAD_MAX or corrected > AHEAD_MAX:
        return TOO_FAR_AHEAD
    if not old_allowed and (-ahead > AGE_MAX or -corrected > AGE_MAX):
        return TOO_OLD
    if corrected > AHEAD_FLAGGED:
        return "future"
    if skew is not None:
        if abs(skew) > SKEW_UNSYNCED:
            return "unsynced"
        if abs(skew) > SKEW_FLAGGED:
            return "skewed"
    return "late" if -corrected > LATE_AFTER else "ok"
