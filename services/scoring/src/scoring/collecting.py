"""Cyclic garbage collection at times of our choosing.

Nearly everything that lives long here is the memory of compounds; walking through it again and again costs a
fifth of the time (measured). So after a warm-up what lives is frozen and collection happens when there is
nothing else to do, or at the latest after a few minutes of work without a pause.
"""

from __future__ import annotations

import gc
from collections.abc import Callable

EVERY_SECONDS = 60.0
AT_THE_LATEST_SECONDS = 300.0


class Collector:
    """Takes over from the automatic collector after a number of batches; 0 leaves everything as it is."""

    def __init__(self, after_batches: int, monotonic: Callable[[], float]) -> None:
        self._left = after_batches
        self._monotonic = monotonic
        self._last: float | None = None

    def batch_done(self) -> None:
        """A batch is committed."""
        if self._last is not None:
            self._collect(AT_THE_LATEST_SECONDS)
        elif self._left > 0:
            self._left -= 1
            if self._left == 0:
                gc.collect()
                gc.freeze()
                gc.disable()
                self._last = self._monotonic()

    def idle(self) -> None:
        """Nothing is due."""
        if self._last is not None:
            self._collect(EVERY_SECONDS)

    def _collect(self, pause_seconds: float) -> None:
        now = self._monotonic()
        if self._last is not None and now - self._last >= pause_seconds:
            gc.collect()
            self._last = now
