"""Commits positions of the group, for lag displays only: the truth is the cursor, and no failure matters."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping

from shared.runtime.away import KAFKA_AWAY
from shared.runtime.consume.log import Log
from shared.runtime.logs import get_logger
from shared.runtime.records import Partition

log = get_logger()

COMMIT_SECONDS = 5.0
LAST_COMMIT_SECONDS = 1.0
# Commits of every small batch would cost more than the batches.
PAUSE_SECONDS = 0.25


class Hints:
    """Takes new cursors at any rate and commits the newest at a bearable one."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._waiting: dict[Partition, int] = {}
        self._news = asyncio.Event()

    def note(self, offsets: Mapping[Partition, int]) -> None:
        """Cursors moved to here. Never waits."""
        self._waiting.update(offsets)
        self._news.set()

    async def run(self) -> None:
        """Commit until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            await self._commit(COMMIT_SECONDS)
            await asyncio.sleep(PAUSE_SECONDS)

    async def last(self) -> None:
        """One more, before the group is left."""
        await self._commit(LAST_COMMIT_SECONDS)

    async def _commit(self, seconds: float) -> None:
        offsets, self._waiting = self._waiting, {}
        assigned = self._log.assigned()
        offsets = {partition: offset for partition, offset in offsets.items() if partition in assigned}
        if not offsets:
            return
        with contextlib.suppress(*KAFKA_AWAY):
            if await self._log.commit(offsets, seconds=seconds):
                return
        log.debug("hint_not_committed", partitions=len(offsets))
