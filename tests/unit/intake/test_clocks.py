"""Times are judged and flagged, never changed."""

from datetime import timedelta

import pytest
from intake.domain.clocks import TOO_FAR_AHEAD, TOO_OLD, judge_time

from tests.unit.intake.events import NOW

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("before", "skew", "quality"),
    [
        (HOUR, None, "ok"),
        (HOUR, timedelta(seconds=2), "ok"),
        (-9 * MINUTE, None, "ok"),
        (-11 * MINUTE, None, "future"),
        (-23 * HOUR, None, "future"),
        (25 * HOUR, None, "late"),
        (89 * DAY, None, "late"),
        (HOUR, 5 * MINUTE, "skewed"),
        (HOUR, -5 * MINUTE, "skewed"),
        (40 * DAY + HOUR, 40 * DAY, "unsynced"),
        # The device is an hour fast: what looks ahead is not.
        (-40 * MINUTE, -HOUR, "skewed"),
        # It is an hour slow: what looks past is ahead.
        (30 * MINUTE, HOUR, "future"),
    ],
)
def test_flags(before: timedelta, skew: timedelta | None, quality: str) -> None:
    assert judge_time(NOW - before, NOW, skew, old_allowed=False) == quality


@pytest.mark.parametrize(
    ("before", "skew"), [(-25 * HOUR, None), (-25 * HOUR, -30 * HOUR), (-23 * HOUR, 2 * HOUR)]
)
def test_more_than_a_day_ahead_is_refused(before: timedelta, skew: timedelta | None) -> None:
    for old_allowed in (False, True):
        assert judge_time(NOW - before, NOW, skew, old_allowed=old_allowed) is TOO_FAR_AHEAD


def test_more_than_ninety_days_back_needs_the_right_or_a_correction() -> None:
    old = NOW - 91 * DAY
    assert judge_time(old, NOW, None, old_allowed=False) is TOO_OLD
    assert judge_time(old, NOW, None, old_allowed=True) == "late"
    assert judge_time(NOW - 89 * DAY, NOW, -2 * DAY, old_allowed=False) is TOO_OLD
