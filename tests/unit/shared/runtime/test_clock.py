"""Time as a port."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from shared.runtime.clock import FixedClock, SystemClock, system_clock
from shared.runtime.settings import ClientSettings

SHANGHAI = ZoneInfo("Asia/Shanghai")


def test_days_are_local_days():
    clock = FixedClock(datetime(2026, 3, 31, 16, 0, tzinfo=UTC))

    assert clock.today(SHANGHAI) == date(2026, 4, 1)
    assert clock.today(ZoneInfo("UTC")) == date(2026, 3, 31)


def test_a_fixed_clock_moves_when_it_is_told_to():
    clock = FixedClock(datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=8))))
    began = clock.monotonic()

    clock.advance(days=1, seconds=1.5)

    assert clock.now() == datetime(2026, 1, 1, 16, 0, 1, 500_000, tzinfo=UTC)
    assert clock.monotonic() - began == 86_401.5

    clock.set(datetime(2020, 1, 1, tzinfo=UTC))

    assert clock.monotonic() - began == 86_401.5, "monotonic time never jumps back"


def test_a_clock_without_zone_is_refused():
    with pytest.raises(ValueError):
        FixedClock(datetime(2026, 1, 1))  # noqa: DTZ001 - what the test is about


def test_a_rehearsal_shifts_the_wall_clock():
    clock = system_clock(ClientSettings(clock_offset_seconds=400 * 86_400))

    assert clock.now() - SystemClock().now() > timedelta(days=399)
    assert clock.now().tzinfo is UTC
