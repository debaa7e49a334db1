"""The circuit breaker: 70 % of 10 in 5 minutes, or 5 connections in a row; 30 s doubling to 15 min."""

from datetime import UTC, datetime, timedelta

from notify.domain.breaker import Breaker, State, probing, record

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def after(
    results: str, breaker: Breaker | None = None, now: datetime = NOW, *, unreached: bool = False
) -> Breaker:
    """`.` is a success, `x` a failure."""
    breaker = breaker or Breaker()
    for result in results:
        breaker = record(breaker, failed=result == "x", unreached=unreached and result == "x", now=now)
    return breaker


def test_seven_failures_of_ten_open_it() -> None:
    assert after("...xxxxxx").state is State.CLOSED
    assert after("...xxxxxxx").state is State.OPEN


def test_six_failures_of_ten_do_not() -> None:
    assert after("....xxxxxx").state is State.CLOSED


def test_nine_failures_alone_are_too_few_to_judge() -> None:
    assert after("xxxxxxxxx").state is State.CLOSED
    assert after("xxxxxxxxxx").state is State.OPEN


def test_old_failures_do_not_count() -> None:
    aged = after("xxxxxxxxx")
    assert after("x", aged, NOW + timedelta(minutes=5)).state is State.CLOSED


def test_five_failed_connections_in_a_row_open_it_at_once() -> None:
    assert after("xxxx", unreached=True).state is State.CLOSED
    assert after("xxxxx", unreached=True).state is State.OPEN
    assert after("xxxx.xxxx", unreached=True).state is State.CLOSED


def test_one_probe_decides_and_the_pause_doubles_up_to_a_quarter_of_an_hour() -> None:
    breaker = after("xxxxx", unreached=True)
    pauses = [breaker.open_seconds]
    for _ in range(7):
        breaker = after("x", probing(breaker))
        pauses.append(breaker.open_seconds)
    assert pauses == [30, 60, 120, 240, 480, 900, 900, 900]
    assert breaker.open_until == NOW + timedelta(minutes=15)


def test_a_successful_probe_closes_it_with_a_clean_record() -> None:
    assert after(".", probing(after("xxxxx", unreached=True))) == Breaker()


def test_stragglers_do_not_prolong_the_pause() -> None:
    opened = after("xxxxx", unreached=True)
    assert after("xxx", opened, NOW + timedelta(seconds=20)) == opened
