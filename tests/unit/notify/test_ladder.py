"""The retry ladder: twelve attempts over 75 hours and 42 minutes, never earlier than it says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from notify.domain.ladder import BRIEF_LADDER, HOUR, JITTER_MAX, LADDER, MINUTE, delay_after


def test_twelve_attempts_over_three_days_and_some_hours() -> None:
    assert len(LADDER) == 12
    assert sum(LADDER) == 75 * HOUR + 42 * MINUTE + 35


def test_the_first_retries_come_soon() -> None:
    assert [delay_after(attempt, LADDER, 0.0) for attempt in (1, 2, 3)] == [5, 30, 2 * MINUTE]


def test_after_the_last_attempt_there_is_none() -> None:
    assert delay_after(12, LADDER, 0.5) is None
    assert delay_after(3, BRIEF_LADDER, 0.5) is None


def test_a_brief_refusal_ends_within_two_hours_at_any_jitter() -> None:
    waits = [delay_after(attempt, BRIEF_LADDER, 1.0) for attempt in (1, 2)]
    assert sum(wait for wait in waits if wait is not None) <= 2 * HOUR


@given(st.integers(1, 11), st.floats(0, 1))
def test_jitter_only_makes_later_and_by_a_fifth_at_most(attempt: int, jitter: float) -> None:
    delay = delay_after(attempt, LADDER, jitter)
    assert delay is not None
    assert LADDER[attempt] <= delay <= LADDER[attempt] * (1 + JITTER_MAX)


@pytest.mark.parametrize("attempt", [12, 13, 40])
def test_a_released_delivery_beyond_the_ladder_is_not_tried_for_ever(attempt: int) -> None:
    assert delay_after(attempt, LADDER, 0.0) is None
