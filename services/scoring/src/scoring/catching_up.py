"""After an absence: days wait until their facts are read, and how far they are is told now and then."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from shared.runtime.logs import get_logger
from shared.runtime.records import Partition

from scoring.domain.facts import Day
from scoring.handlers.days import as_date

log = get_logger()

DAYS_PER_LINE = 7


class Unread:
    """Tells partitions whose logs are still being read; one in which nothing moves for long is no such.

    To close a day before its facts are read would tell of stars that nobody had, and of history revised.
    """

    def __init__(self, monotonic: Callable[[], float], patience_seconds: float) -> None:
        self._monotonic = monotonic
        self._patience_seconds = patience_seconds
        self._lags: dict[int, tuple[int, float]] = {}

    def of(self, lag: Mapping[Partition, int]) -> set[int]:
        """The partitions that have more to read, by the lag of each that is owned."""
        now = self._monotonic()
        before, self._lags = self._lags, {}
        for (_, number), records in lag.items():
            known = before.get(number)
            since = known[1] if known is not None and known[0] == records else now
            self._lags[number] = (records, since)
        return {
            number
            for number, (records, since) in self._lags.items()
            if records and now - since < self._patience_seconds
        }


class CatchUp:
    """Says how far days are closed when they are many: a line at first, every few days, and at the end."""

    def __init__(self) -> None:
        self._told = 0

    def note(self, behind: int, closed: Day | None) -> None:
        """So many days are still to be closed; `closed` is the one just done, if any."""
        if behind == 0:
            if self._told:
                log.info("days_caught_up")
            self._told = 0
        elif behind > 1 and not self._told - DAYS_PER_LINE < behind <= self._told:
            day = None if closed is None else as_date(closed)
            log.info("days_catching_up", days_behind=behind, closing=day)
            self._told = behind
