"""How much may be under way to an endpoint, and when it is given up."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from notify.domain.answers import Answer, Verdict
from notify.domain.breaker import Breaker, State
from notify.domain.lanes import (
    GIVE_UP_FAILURES_MIN,
    SLOTS_FIRST,
    SLOTS_MAX,
    Bucket,
    Health,
    after,
    allowance,
    opened,
    taken,
)

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
OK = Answer(Verdict.DELIVERED, "ok", 200)
DOWN = Answer(Verdict.LATER, "http_500", 500)
HANGS = Answer(Verdict.LATER, "timeout", timed_out=True)


def test_an_unknown_endpoint_starts_small_and_doubles() -> None:
    health = Health()
    grown = [health.slots]
    for _ in range(4):
        health = after(health, OK, 0.01, NOW)
        grown.append(health.slots)
    assert grown == [SLOTS_FIRST, 4, 8, 8, 8]


def test_work_is_taken_ahead_only_for_who_has_proven_prompt() -> None:
    assert allowance(Health(), NOW, in_hand=0) == SLOTS_FIRST
    assert allowance(Health(slots=SLOTS_MAX), NOW, in_hand=0) > SLOTS_MAX
    assert allowance(Health(slots=SLOTS_MAX), NOW, in_hand=10_000) == 0


def test_a_timeout_leaves_one_slot_and_a_place_among_the_slow() -> None:
    health = after(Health(slots=SLOTS_MAX), HANGS, 15.0, NOW)
    assert health.is_slow(NOW)
    assert allowance(health, NOW, in_hand=0) == 1
    assert not after(health, OK, 0.05, NOW).is_slow(NOW)


def test_a_late_success_is_slow_but_keeps_its_slots() -> None:
    health = after(Health(slots=4), OK, 3.0, NOW)
    assert health.is_slow(NOW)
    assert health.slots == 8


def test_half_open_takes_one_and_no_more() -> None:
    broken = Health(breaker=Breaker(State.OPEN, open_until=NOW, open_seconds=30), slots=SLOTS_MAX)
    probing = opened(broken, NOW + timedelta(seconds=1))
    assert allowance(probing, NOW, in_hand=0) == 1
    assert allowance(probing, NOW, in_hand=1) == 0


def test_open_takes_nothing() -> None:
    broken = Health(breaker=Breaker(State.OPEN, open_until=NOW + timedelta(seconds=9), open_seconds=30))
    assert opened(broken, NOW) == broken
    assert allowance(broken, NOW, in_hand=0) == 0
    assert broken.blocked_until(NOW) == NOW + timedelta(seconds=9)


def test_retry_after_holds_the_whole_endpoint_and_never_gets_shorter() -> None:
    busy = Answer(Verdict.LATER, "http_429", 429, retry_after_seconds=60)
    sooner = replace(busy, retry_after_seconds=5)
    health = after(after(Health(), busy, 0.1, NOW), sooner, 0.1, NOW)
    assert health.halted_until(NOW) == NOW + timedelta(seconds=60)
    assert allowance(health, NOW, in_hand=0) == 0
    assert health.halted_until(NOW + timedelta(seconds=61)) is None


def test_a_bucket_lets_a_minutes_worth_through_and_then_drips() -> None:
    health = Health(slots=SLOTS_MAX, bucket=Bucket(per_minute=6, tokens=6, at=NOW))
    assert allowance(health, NOW, in_hand=0) == 6
    empty = taken(health, 6, NOW)
    assert allowance(empty, NOW, in_hand=6) == 0
    assert empty.blocked_until(NOW) == NOW + timedelta(seconds=10)
    assert empty.halted_until(NOW) is None
    assert allowance(empty, NOW + timedelta(seconds=20), in_hand=0) == 2
    assert allowance(empty, NOW + timedelta(days=1), in_hand=0) == 6


def test_given_up_after_five_days_and_enough_attempts() -> None:
    health = Health()
    for _ in range(GIVE_UP_FAILURES_MIN):
        health = after(health, DOWN, 0.1, NOW)
    assert not health.given_up(NOW + timedelta(days=4, hours=23))
    assert health.given_up(NOW + timedelta(days=5))
    assert not after(health, OK, 0.1, NOW).given_up(NOW + timedelta(days=30))


def test_a_quiet_endpoint_is_not_punished() -> None:
    health = after(Health(), DOWN, 0.1, NOW)
    assert not health.given_up(NOW + timedelta(days=30))


def test_what_was_given_back_says_nothing_about_the_endpoint() -> None:
    health = Health(slots=4)
    assert after(health, Answer(Verdict.NOT_STARTED, "given_back"), 0.0, NOW) == health
