"""One clock for all workers: the database's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta


class DatabaseTime:
    """The database's clock between two looks at it, carried on by the monotonic clock."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self.monotonic = monotonic
        self._seen: datetime | None = None
        self._seen_at = 0.0

    @property
    def known(self) -> bool:
        return self._seen is not None

    def set(self, now: datetime) -> None:
        """The database has just said what time it is."""
        self._seen, self._seen_at = now, self.monotonic()

    def now(self) -> datetime:
        """Database time now; only after the first `set`."""
        assert self._seen is not None
        return self._seen + timedelta(seconds=self.monotonic() - self._seen_at)
