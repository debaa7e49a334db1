"""A clock that all workers of a run share, and that the harness moves on by days."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from scoring.app import MakeArchive
from scoring.domain.rubric_sections import Rubric
from scoring.ports import Archive
from scoring.settings import ScoringSettings
from scoring.store.archive import DatabaseArchive
from shared.events.topics import FACTS
from shared.runtime.clock import Clock, SystemClock
from shared.runtime.database import Database


class MovingClock(SystemClock):
    """The machine's clock plus what the file says, plus a jump of this process alone."""

    __slots__ = ("_ahead", "_path", "_seen", "jumped")

    def __init__(self, path: Path, jumped: timedelta = timedelta()) -> None:
        super().__init__()
        self._path = path
        self._seen = 0
        self._ahead = timedelta()
        self.jumped = jumped

    def ahead(self) -> timedelta:
        """By how much time in this run is ahead of the machine's."""
        changed = self._path.stat().st_mtime_ns
        if changed != self._seen:
            self._ahead, self._seen = timedelta(seconds=float(self._path.read_text())), changed
        return self._ahead

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead() + self.jumped

    def today(self, zone: ZoneInfo) -> date:
        return self.now().astimezone(zone).date()


def set_ahead(path: Path, ahead: timedelta) -> None:
    """Move the clock of everybody who looks at the file; never seen half written."""
    fresh = path.with_suffix(".new")
    fresh.write_text(str(ahead.total_seconds()))
    fresh.rename(path)


class OneTimeArchive(DatabaseArchive):
    """The database lives in the time of the run: only a jump of this process is a difference."""

    ahead: Callable[[], timedelta]

    async def clock_skew_seconds(self) -> float:
        return await super().clock_skew_seconds() + self.ahead().total_seconds()


def archives_at(moving: MovingClock) -> MakeArchive:
    """Makes the archive of a worker on this clock."""

    def make(database: Database, settings: ScoringSettings, clock: Clock, rubric: Rubric) -> Archive:
        archive = OneTimeArchive(database, settings, clock, settings.kafka.name_of(FACTS), rubric.name)
        archive.ahead = moving.ahead
        return archive

    return make
