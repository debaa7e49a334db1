"""Rates of devices: bursts, the steady rate, the reserve of who was away, and how many are remembered."""

from hypothesis import given
from hypothesis import strategies as st
from intake.domain.rates import Allowance, Rates

HOUR = 3600.0
ALLOWANCE = Allowance(burst=20, per_second=5.0, reserve=2_000, reserve_seconds=8 * HOUR)
PLAIN = Allowance(burst=20, per_second=5.0, reserve=0, reserve_seconds=HOUR)


def taken(rates: Rates, tries: int, now: float, device: str = "d") -> int:
    """How many of so many tries at one moment go through."""
    return sum(rates.wait_seconds(device, now) == 0 for _ in range(tries))


def test_a_burst_and_then_the_steady_rate() -> None:
    rates = Rates(PLAIN, remembered_max=10)
    assert taken(rates, 100, 0.0) == 20
    assert taken(rates, 100, 1.0) == 5
    assert taken(rates, 100, 1.1) == 0
    assert taken(rates, 100, 1.25) == 1
    # However long it was silent, no more than a burst.
    assert taken(rates, 100, 1e6) == 20


def test_who_is_refused_is_told_how_long_and_pays_nothing() -> None:
    rates = Rates(PLAIN, remembered_max=10)
    taken(rates, 20, 0.0)
    waits = [rates.wait_seconds("d", 0.0) for _ in range(50)]
    assert set(waits) == {0.2}
    assert rates.wait_seconds("d", 0.1) == 0.1
    assert rates.wait_seconds("d", 0.2) == 0


def test_two_thousand_written_down_offline_come_in_at_once() -> None:
    rates = Rates(ALLOWANCE, remembered_max=10)
    assert taken(rates, 5_000, 0.0) == 2_020
    # Right after it the device is like any other, and the reserve fills slowly.
    assert taken(rates, 5_000, 10.0) == 20
    assert taken(rates, 5_000, HOUR) in {20 + 249, 20 + 250}
    assert taken(rates, 5_000, 9 * HOUR) == 2_020


def test_one_at_a_hundred_times_its_rate_gets_its_rate() -> None:
    rates = Rates(ALLOWANCE, remembered_max=10)
    taken(rates, 5_000, 0.0)
    through = sum(taken(rates, 5, tick / 100) for tick in range(1, 60 * 100))
    assert 300 <= through <= 305


def test_devices_do_not_pay_for_each_other() -> None:
    rates = Rates(PLAIN, remembered_max=10)
    assert taken(rates, 100, 0.0, "loud") == 20
    assert taken(rates, 3, 0.0, "quiet") == 3


def test_the_longest_silent_are_forgotten() -> None:
    rates = Rates(PLAIN, remembered_max=3)
    for moment, device in enumerate(("a", "b", "c")):
        taken(rates, 20, moment, device)
    taken(rates, 1, 3.0, "a")
    for number in range(100):
        taken(rates, 1, 4.0, f"new-{number}")
        assert len(rates) == 3


@given(st.lists(st.floats(0, 30), max_size=200))
def test_never_more_than_burst_rate_and_reserve_together(pauses: list[float]) -> None:
    allowance = Allowance(burst=4, per_second=2.0, reserve=10, reserve_seconds=100.0)
    rates, now, through = Rates(allowance, remembered_max=1), 0.0, 0
    for pause in pauses:
        now += pause
        through += taken(rates, 3, now)
        assert through <= 4 + 10 + now * (2.0 + 0.1) + 1e-6
