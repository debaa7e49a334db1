"""One replica of intake to be hurt: the real service on a clock that jumps as a file says."""

import json
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

from intake import app
from intake.settings import DoorSettings, IntakeSettings
from shared.runtime.clock import SystemClock
from shared.runtime.errors import StartupError
from shared.runtime.logs import configure, get_logger
from shared.runtime.serve import run
from shared.runtime.settings import DatabaseSettings, HttpSettings, KafkaSettings, LogSettings

# Short, so that a frozen replica loses its reservations, or keeps them, within seconds.
RESERVED_SECONDS = 4.0
PUBLISH_SECONDS = 2.0
BUSY_WAIT_SECONDS = 1.0
SHUTDOWN_SECONDS = 8.0
FORGET_PAUSE_SECONDS = 0.5
log = get_logger()


class JumpingClock(SystemClock):
    """The machine's clock plus the seconds in a file; without the file nothing is added."""

    __slots__ = ("_path",)

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def now(self) -> datetime:
        try:
            ahead = float(self._path.read_text())
        except FileNotFoundError:
            ahead = 0.0
        return datetime.now(UTC) + timedelta(seconds=ahead)

    def today(self, zone: ZoneInfo) -> date:
        return self.now().astimezone(zone).date()


def work(given: dict[str, Any]) -> int:
    settings = IntakeSettings(
        kafka=KafkaSettings.model_validate(given["kafka"]),
        database=DatabaseSettings(url=given["url"], pool_max=4),
        http=HttpSettings(port=given["port"]),
        door=DoorSettings(
            publish_seconds=PUBLISH_SECONDS,
            busy_wait_seconds=BUSY_WAIT_SECONDS,
            reserved_seconds=RESERVED_SECONDS,
        ),
        shutdown_seconds=SHUTDOWN_SECONDS,
    )
    configure(LogSettings(format="json"), service=given["name"])
    clock = JumpingClock(Path(given["clock"]))
    with (
        patch.object(app, "system_clock", return_value=clock),
        # So often that it is at work while the clock is wrong.
        patch.object(app, "FORGET_PAUSE_SECONDS", FORGET_PAUSE_SECONDS),
    ):
        try:
            return run(settings, app.build(settings))
        except StartupError as error:
            log.warning("not_started", reason=str(error))
            return 2


if __name__ == "__main__":
    sys.exit(work(json.loads(sys.argv[1])))
