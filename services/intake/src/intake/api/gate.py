"""How much may be under way at once; what is over is refused before its body is read."""

from __future__ import annotations

from intake.metrics import IntakeMetrics
from intake.settings import DoorSettings


class Gate:
    """Counts requests and bytes of this process's door."""

    def __init__(self, bounds: DoorSettings, metrics: IntakeMetrics) -> None:
        self._requests_max = bounds.requests_max
        self._bytes_max = bounds.bytes_max
        self._requests = 0
        self._bytes = 0
        metrics.requests_under_way.set_function(lambda: self._requests)
        metrics.bytes_under_way.set_function(lambda: self._bytes)

    def enter(self, size_max: int) -> bool:
        """Take a place for a body of at most that many bytes; False when there is none."""
        if self._requests >= self._requests_max or self._bytes + size_max > self._bytes_max:
            return False
        self._requests += 1
        self._bytes += size_max
        return True

    def grow(self, size: int, needed: int) -> bool:
        """Take what a body needs beyond its place; False, and nothing taken, when there is no room."""
        more = max(0, needed - size)
        if self._bytes + more > self._bytes_max:
            return False
        self._bytes += more
        return True

    def leave(self, size_max: int) -> None:
        """Give the place back."""
        self._requests -= 1
        self._bytes -= size_max
