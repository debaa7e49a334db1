"""Cyclic garbage collection at times of our choosing.

Nearly everything that lives long here is the memory of compounds; walking through it again and again costs a
fifth of the time (measured). So after a warm-up collection happens when there is nothing else to do, or at
the latest after a few minutes of work without a pause, and what has outlived one is frozen: the next walks
only through what is newer. All that is frozen is freed like anything else when nobody refers to it any more;
only cycles of it wait for a collection of everything, once an hour.

To walk through what the imports alone have made takes 60 ms, in which no fact moves: that happens before the
first one comes.
"""

from __future__ import annotations

import gc
from collections.abc import Callable

EVERY_SECONDS = 60.0
AT_THE_LATEST_SECONDS = 300.0
EVERYTHING_SECONDS = 3600.0


class Collector:
    """Takes over from the automatic collector after a number of batches; 0 leaves everything as it is."""

    def __init__(self, after_batches: int, monotonic: Callable[[], float]) -> None:
        self._left = after_batches
        self._monotonic = monotonic
        self._last: float | None = None
        self._last_of_everything = 0.0

    def begin(self) -> None:
        """The program is there, and no record yet."""
        if self._left > 0:
            self._last_of_everything = self._monotonic()
            _collect_new()

    def batch_done(self) -> None:
        """A batch is committed."""
        if self._last is not None:
            self._collect(AT_THE_LATEST_SECONDS)
        elif self._left > 0:
            self._left -= 1
            if self._left == 0:
                _collect_new()
                gc.disable()
                self._last = self._monotonic()

    def idle(self) -> None:
        """Nothing is due."""
        if self._last is not None:
            self._collect(EVERY_SECONDS)

    def _collect(self, pause_seconds: float) -> None:
        now = self._monotonic()
        if self._last is None or now - self._last < pause_seconds:
            return
        if now - self._last_of_everything >= EVERYTHING_SECONDS:
            gc.unfreeze()
            self._last_of_everything = now
        _collect_new()
        self._last = now


def _collect_new() -> None:
    """What was not frozen before; it is then."""
    gc.collect()
    gc.freeze()
