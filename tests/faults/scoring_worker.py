"""One scoring process to be hurt: the real service on a moving clock.

SIGUSR1 makes its clock jump 400 days ahead, SIGUSR2 back. With `everybody` it is the only member of groups of
its own, so that each worker is given every partition and they fight for them.
"""

import asyncio
import json
import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from scoring.app import ScoringService
from scoring.settings import FoldSettings, ScoringSettings, WorkSettings
from shared.runtime.consume import consumer
from shared.runtime.consume.membership import KafkaMembership
from shared.runtime.logs import configure, get_logger
from shared.runtime.settings import DatabaseSettings, HttpSettings, KafkaSettings, LogSettings

from tests.faults.moving_clock import MovingClock, archives_at
from tests.faults.serving import serve

JUMP = timedelta(days=400)
log = get_logger()


class Alone(KafkaMembership):
    """The only member of a group that nobody else is in."""

    def __init__(self, *args: Any, group: str, **rest: Any) -> None:
        super().__init__(*args, group=f"{group}.{uuid4().hex}", **rest)


def settings_of(given: dict[str, Any]) -> ScoringSettings:
    """Small memory, small chunks, short waits: everything that can happen happens often."""
    return ScoringSettings(
        kafka=KafkaSettings.model_validate(given["kafka"]),
        database=DatabaseSettings(url=given["url"], pool_max=4),
        http=HttpSettings(port=0),
        fold=FoldSettings(cached_compounds=25, whole_compounds=3, freeze_after_batches=0),
        work=WorkSettings(
            chunk=5, refold_every_seconds=2, refold_patience_seconds=5, unassigned_after_seconds=4
        ),
    )


async def work(given: dict[str, Any]) -> int:
    configure(LogSettings(format="json"), service=given["name"])
    clock = MovingClock(Path(given["clock"]), JUMP if given.get("jumped") else timedelta())
    loop = asyncio.get_running_loop()

    def jump(to: timedelta) -> None:
        clock.jumped = to
        log.info("clock_jumped", days=to.days)

    loop.add_signal_handler(signal.SIGUSR1, jump, JUMP)
    loop.add_signal_handler(signal.SIGUSR2, jump, timedelta())
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    if given["everybody"]:
        # The consumer takes this one where no other membership is given.
        consumer.KafkaMembership = Alone  # type: ignore[misc]
    service = ScoringService(settings_of(given), clock=clock, make_archive=archives_at(clock))
    return await serve(service, stop)


if __name__ == "__main__":
    sys.exit(asyncio.run(work(json.loads(sys.argv[1]))))
