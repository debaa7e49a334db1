"""Single events of many requests, carried together: one reservation, one publish and one completion for all.

Each request waits once, for its verdict. While one group is published, the next one reserves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, Protocol

from intake.domain.reservations import Busy, Fresh, Reservation, Standing
from intake.domain.verdicts import RETRY, Verdict, refused
from intake.handlers.judging import Entry
from intake.ports import Away, EventLog, Receipts

# Bounds a group; who comes later is in the next.
GROUP_MAX = 500

Asked = tuple[Entry, asyncio.Future[Verdict]]


class Waiting(Protocol):
    """What single events share with batches."""

    async def outwait(self, entry: Entry, standing: Standing) -> Standing: ...

    async def complete(self, stored: Sequence[tuple[Reservation, int]]) -> None: ...


class Singles:
    """Groups whatever asks while a reservation runs; nothing is ever delayed to make a group larger."""

    def __init__(self, door: Waiting, receipts: Receipts, log: EventLog) -> None:
        self._door = door
        self._receipts = receipts
        self._log = log
        self._asked: list[Asked] = []
        self._reserving: asyncio.Task[None] | None = None
        # The loop keeps no task alive by itself.
        self._under_way: set[asyncio.Task[None]] = set()

    def carry(self, entry: Entry) -> asyncio.Future[Verdict]:
        """The verdict of one entry, whose id nobody else is carrying in this process."""
        future: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self._asked.append((entry, future))
        if self._reserving is None:
            self._reserving = asyncio.create_task(self._reserve(), name="single events")
        return future

    async def _reserve(self) -> None:
        try:
            # Everything that this turn of the loop still brings goes along.
            await asyncio.sleep(0)
            while self._asked:
                group, self._asked = self._asked[:GROUP_MAX], self._asked[GROUP_MAX:]
                standings = None
                try:
                    standings = await self._receipts.reserve([entry.reservation for entry, _ in group])
                except Away:
                    continue
                finally:
                    if standings is None:
                        _settle_all(group)
                self._go(self._publish(group, standings))
        finally:
            self._reserving = None

    def _go(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name="single events")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _publish(self, group: Sequence[Asked], standings: Sequence[Standing]) -> None:
        going: list[Asked] = []
        for asked, standing in zip(group, standings, strict=True):
            entry, future = asked
            if isinstance(standing, Fresh):
                going.append(asked)
            elif isinstance(standing, Busy):
                self._go(self._later(entry, future, standing))
            else:
                _settle(future, entry.told(standing))
        if going:
            await self._store(going)

    async def _later(self, entry: Entry, future: asyncio.Future[Verdict], standing: Standing) -> None:
        """Another replica has the id: wait for it, apart from everybody else."""
        try:
            standing = await self._door.outwait(entry, standing)
            if isinstance(standing, Fresh):
                await self._store(((entry, future),))
            else:
                _settle(future, entry.told(standing))
        except Away:
            _settle(future, refused(RETRY))

    async def _store(self, going: Sequence[Asked]) -> None:
        try:
            offsets = await self._log.append_all(
                [
                    (entry.reservation.topic, entry.offer.key, entry.value, entry.reservation.partition)
                    for entry, _ in going
                ]
            )
            stored: list[tuple[Reservation, int]] = []
            for (entry, future), offset in zip(going, offsets, strict=True):
                if offset is None:
                    self._receipts.release((entry.reservation,))
                    _settle(future, refused(RETRY))
                else:
                    stored.append((entry.reservation, offset))
            if stored:
                await self._door.complete(stored)
            for (entry, future), offset in zip(going, offsets, strict=True):
                if offset is not None:
                    _settle(future, entry.stored(offset))
        finally:
            # Nobody may wait for ever, whatever went wrong.
            _settle_all(going)


def _settle(future: asyncio.Future[Verdict], verdict: Verdict) -> None:
    if not future.done():
        future.set_result(verdict)


def _settle_all(asked: Sequence[Asked]) -> None:
    for _, future in asked:
        if not future.done():
            future.set_result(refused(RETRY))
