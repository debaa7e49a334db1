"""Many small requests as few statements: whatever is asked while one runs goes into the next."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import TypeAlias

from intake.domain.reservations import Reservation, Standing
from intake.ports import Away
from intake.store.connection import WriterConnection
from intake.store.reserving import Stored, complete, release, reserve

Asked: TypeAlias = "tuple[Sequence[Reservation], asyncio.Future[Sequence[Standing]]]"
Done: TypeAlias = "tuple[Sequence[Stored], asyncio.Future[None]]"
# Bounds a statement and its answer; the rest waits one turn.
RESERVED_PER_TURN = 1_000


class Writer:
    """The one writer of receipts in a process: reserves and completes together, one statement at a time."""

    def __init__(self, connection: WriterConnection, reserved: timedelta) -> None:
        self._connection = connection
        self._reserved = reserved
        self._asked: list[Asked] = []
        self._done: list[Done] = []
        self._released: list[Reservation] = []
        self._running: asyncio.Task[None] | None = None

    def reserve(self, reservations: Sequence[Reservation]) -> asyncio.Future[Sequence[Standing]]:
        """The standings of these ids, soon; Away when the database is."""
        future: asyncio.Future[Sequence[Standing]] = asyncio.get_running_loop().create_future()
        self._asked.append((reservations, future))
        self._wake()
        return future

    def complete(self, stored: Sequence[Stored]) -> asyncio.Future[None]:
        """Resolves when the receipts are complete; Away when the database is."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._done.append((stored, future))
        self._wake()
        return future

    def release(self, reservations: Sequence[Reservation]) -> None:
        """Let go of reservations, without waiting."""
        self._released.extend(reservations)
        self._wake()

    async def settle(self) -> None:
        """Wait until nothing is under way."""
        while self._running is not None:
            await asyncio.wait([self._running])

    def _wake(self) -> None:
        if self._running is None:
            self._running = asyncio.create_task(self._run(), name="receipts")

    async def _run(self) -> None:
        try:
            # Everything that this turn of the loop still brings goes along.
            await asyncio.sleep(0)
            while self._asked or self._done or self._released:
                await self._turn()
        finally:
            self._running = None

    async def _turn(self) -> None:
        asked = self._take_asked()
        done, self._done = self._done, []
        released, self._released = self._released, []
        wanted = [reservation for group, _ in asked for reservation in group]
        stored = [pair for group, _ in done for pair in group]
        try:
            async with self._connection.use() as connection:
                if released:
                    await release(connection, released)
                if wanted:
                    standings = await reserve(connection, wanted, self._reserved, stored)
                    _hand_out(asked, standings)
                elif stored:
                    await complete(connection, stored)
        except Away as error:
            _fail([*asked, *done], error)
        except BaseException:
            # A bug, or the end of the process: nobody may wait for ever.
            _fail([*asked, *done], Away("the work on receipts was broken off"))
            raise
        for _, future in done:
            if not future.done():
                future.set_result(None)

    def _take_asked(self) -> list[Asked]:
        count = 0
        for taken, (reservations, _) in enumerate(self._asked, start=1):
            count += len(reservations)
            if count >= RESERVED_PER_TURN:
                turn, self._asked = self._asked[:taken], self._asked[taken:]
                return turn
        turn, self._asked = self._asked, []
        return turn


def _hand_out(asked: Sequence[Asked], standings: Sequence[Standing]) -> None:
    start = 0
    for group, future in asked:
        # Who asked may have gone away.
        if not future.done():
            future.set_result(standings[start : start + len(group)])
        start += len(group)


def _fail(waiting: Sequence[Asked | Done], error: Away) -> None:
    for _, future in waiting:
        if not future.done():
            future.set_exception(error)
            # Who asked may not look.
            future.exception()
