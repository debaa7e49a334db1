"""Time as a port: nothing but this module asks the machine what time it is."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from shared.runtime.settings import ClientSettings


class Clock(Protocol):
    """What handlers and edges may know about time; none of it blocks or raises."""

    def now(self) -> datetime:
        """Wall time, aware, UTC."""
        ...

    def today(self, zone: ZoneInfo) -> date:
        """The local day of `now` in that zone: days of facts and closings are local days."""
        ...

    def monotonic(self) -> float:
        """Seconds that only grow; for deadlines and ages, meaningless elsewhere."""
        ...


class SystemClock:
    """The machine's clock, shifted by a fixed number of seconds in rehearsals."""

    __slots__ = ("_offset",)

    def __init__(self, offset_seconds: float = 0.0) -> None:
        self._offset = timedelta(seconds=offset_seconds)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._offset

    def today(self, zone: ZoneInfo) -> date:
        return self.now().astimezone(zone).date()

    def monotonic(self) -> float:
        return time.monotonic()


class FixedClock:
    """A clock that stands still until it is moved; for tests."""

    __slots__ = ("_monotonic", "_now")

    def __init__(self, now: datetime) -> None:
        self.set(now)
        self._monotonic = 1_000.0

    def now(self) -> datetime:
        return self._now

    def today(self, zone: ZoneInfo) -> date:
        return self._now.astimezone(zone).date()

    def monotonic(self) -> float:
        return self._monotonic

    def set(self, now: datetime) -> None:
        """Jump to an aware instant; monotonic time stays, as on a real machine."""
        if now.tzinfo is None:
            raise ValueError("a clock needs an aware datetime")
        self._now = now.astimezone(UTC)

    def advance(self, *, days: int = 0, seconds: float = 0.0) -> None:
        """Let time pass, for wall and monotonic time alike."""
        step = timedelta(days=days, seconds=seconds)
        self._now += step
        self._monotonic += step.total_seconds()


def system_clock(settings: ClientSettings) -> SystemClock:
    """The clock of a running program."""
    return SystemClock(settings.clock_offset_seconds)
