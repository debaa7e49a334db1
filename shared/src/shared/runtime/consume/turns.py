"""When side work has its turn: each second, when woken, and again at once while there is more."""

from __future__ import annotations

from collections.abc import Callable

from shared.runtime.backoff import Backoff

POLL_SECONDS = 1.0


class SideTurns:
    """Times of side work, in monotonic seconds; batches and side work alternate when both wait."""

    def __init__(self, now: Callable[[], float], *, exists: bool) -> None:
        self._now = now
        self._exists = exists
        self._due_at = 0.0
        self._not_before = 0.0
        self._had_last_turn = False
        self._backoff = Backoff(first_seconds=1.0, cap_seconds=60.0)

    def wake(self) -> None:
        """There may be something to do now."""
        self._due_at = 0.0

    def seconds(self) -> float | None:
        """Until it is due, 0 when it is; None without side work."""
        if not self._exists:
            return None
        return max(0.0, max(self._due_at, self._not_before) - self._now())

    def comes_first(self, *, batch_waits: bool) -> bool:
        """Whether it is due and has the next turn."""
        return self.seconds() == 0.0 and not (batch_waits and self._had_last_turn)

    def took(self, *, side: bool) -> None:
        """Who had this turn."""
        self._had_last_turn = side

    def idle(self) -> None:
        """It was asked and had nothing to do."""
        self._due_at = self._now() + POLL_SECONDS

    def worked(self) -> None:
        """A piece is committed: it works again."""
        self._backoff.reset()

    def failed(self) -> float:
        """A bug: how long it is left alone, while batches go on."""
        pause = self._backoff.next_seconds()
        self._not_before = self._now() + pause
        return pause
