"""When parking is no longer about a record: a run or a share of rejects that stops the consumer."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ParkingLimits:
    """Bounds per partition: a bad deploy must not drain a topic into the parking place.

    `run_max` rejects in a row, or more than `share_max` of the last `window` records, stop the consumer.
    """

    run_max: int = 20
    share_max: float = 0.5
    window: int = 200


class RejectHistory:
    """The last `window` records of one partition, rejected or not; judged before anything is parked."""

    __slots__ = ("_limits", "_recent", "_rejects", "_run")

    def __init__(self, limits: ParkingLimits) -> None:
        self._limits = limits
        self._recent: deque[bool] = deque()
        self._rejects = 0
        self._run = 0

    def copy(self) -> RejectHistory:
        """What a batch is tried on before it is written."""
        twin = RejectHistory(self._limits)
        twin._recent = self._recent.copy()
        twin._rejects, twin._run = self._rejects, self._run
        return twin

    def passed(self, count: int) -> None:
        """Take `count` records at once that were not rejected."""
        if count:
            self._run = 0
            window = self._limits.window
            self._recent.extend([False] * min(count, window))
            while len(self._recent) > window:
                self._rejects -= self._recent.popleft()

    def add(self, *, rejected: bool) -> str | None:
        """Take one more record; answers why parking must stop, None while it may go on.

        Only a reject can stop: records that pass are never held up by what was before them.
        """
        self._recent.append(rejected)
        self._rejects += rejected
        self._run = self._run + 1 if rejected else 0
        if len(self._recent) > self._limits.window:
            self._rejects -= self._recent.popleft()
        if not rejected:
            return None
        if self._run >= self._limits.run_max:
            return f"{self._run} records in a row were rejected"
        if (
            len(self._recent) == self._limits.window
            and self._rejects > self._limits.share_max * self._limits.window
        ):
            return f"{self._rejects} of the last {self._limits.window} records were rejected"
        return None
