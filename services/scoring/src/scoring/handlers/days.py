"""Which day is open, and which days may close: time is an input that can be wrong.

A clock that jumps must not close a year. So days follow the process's clock only as far as the newest
`receivedtime` of any topic confirms it, and close only while the database's clock agrees; an operator may
overrule both.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from scoring.domain.facts import Day

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class DayRules:
    """`close_after`: from local midnight to the closing of the day before; `ahead_max`: beyond the news."""

    zone: tzinfo
    close_after: timedelta
    ahead_max: int
    skew_max_seconds: float


class Calendar:
    """The open day and the closed days of the partitions of one process."""

    def __init__(self, rules: DayRules) -> None:
        self.rules = rules
        self._closed: dict[int, Day] = {}
        self._read_us: dict[int, int] = {}
        self._newest: datetime | None = None
        self._confirmed: Day | None = None

    def saw(self, instant: datetime | None) -> None:
        """A `receivedtime`: proof that time has come this far."""
        if instant is not None and (self._newest is None or instant > self._newest):
            self._newest = instant

    @property
    def has_news(self) -> bool:
        """Whether anything at all has proved how far time has come."""
        return self._newest is not None

    def confirm(self, through: Day | None) -> None:
        """An operator's word that days may close up to there."""
        self._confirmed = through

    def trusted(self, now: datetime) -> Day:
        """The local day of `now`, but no further than the news and the operator allow."""
        today = self._local(now)
        if self._newest is None:
            return today
        horizon = self._local(self._newest) + self.rules.ahead_max
        if self._confirmed is not None:
            horizon = max(horizon, self._confirmed + 1)
        return min(today, horizon)

    def open_day(self, partition: int, now: datetime) -> Day:
        """The day that is scored provisionally in that partition."""
        return max(self.trusted(now), self.closed(partition, now) + 1)

    def closed(self, partition: int, now: datetime) -> Day:
        """The last closed day of a partition; a partition without history starts with the day before."""
        closed = self._closed.get(partition)
        return self.trusted(now) - 1 if closed is None else closed

    def known(self, partition: int) -> bool:
        """Whether the closed day of a partition has been read or set."""
        return partition in self._closed

    def note_closed(self, partition: int, day: Day) -> None:
        self._closed[partition] = day

    def read_to(self, partition: int, received_us: int) -> None:
        """The facts of a partition are read as far as one received then."""
        self._read_us[partition] = received_us

    def has_read_beyond(self, partition: int, day: Day) -> bool:
        """Whether a fact received after `day` was read: then those received on it were too."""
        read = self._read_us.get(partition)
        return read is not None and self._local(EPOCH + timedelta(microseconds=read)) > day

    def forget(self, partition: int) -> None:
        self._closed.pop(partition, None)
        self._read_us.pop(partition, None)

    def last_over(self, now: datetime) -> Day:
        """The last day that is over by the clock, half an hour of grace included."""
        return self._local(now - self.rules.close_after) - 1

    def days_behind(self, partitions: Collection[int], now: datetime) -> int:
        """How many days are over and not closed, in the one of these partitions that is furthest behind."""
        closed = [self.closed(one, now) for one in partitions]
        return max(0, self.last_over(now) - min(closed)) if closed else 0

    def may_close(self, day: Day, skew_seconds: float) -> bool:
        """Whether `day`, which is over, may be closed."""
        if self._confirmed is not None and day <= self._confirmed:
            return True
        if abs(skew_seconds) > self.rules.skew_max_seconds or self._newest is None:
            return False
        return day <= self._local(self._newest) + self.rules.ahead_max

    def _local(self, instant: datetime) -> Day:
        return instant.astimezone(self.rules.zone).toordinal()


def as_date(day: Day) -> date:
    """An ordinal day as a date."""
    return date.fromordinal(day)
