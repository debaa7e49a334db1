"""The receipts port on PostgreSQL: coalesced statements on connections of their own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg
from shared.runtime.database import Database

from intake.domain.reservations import Reservation, Standing
from intake.domain.verdicts import Receipt
from intake.ports import Away
from intake.store import statements
from intake.store.coalesce import Coalesced
from intake.store.connection import AWAY, WriterConnection
from intake.store.reserving import reserve

# Longer than any publish may take: who holds a reservation has answered by then, or is gone.
RESERVED_SECONDS: Final = 15.0
RECEIPTS_KEPT: Final = timedelta(days=100)
FORGET_ROWS: Final = 5_000


class PostgresReceipts:
    """Which ids were taken in. Reserving and completing run side by side, each in one statement at a time."""

    def __init__(self, database: Database, *, reserved_seconds: float = RESERVED_SECONDS) -> None:
        self._database = database
        self._reserved = timedelta(seconds=reserved_seconds)
        self._reserving = WriterConnection(database, "reserve")
        self._completing = WriterConnection(database, "complete")
        self._reserves = Coalesced(self._reserve, name="reserve receipts")
        # One writer for both: a release must not overtake the completion of the same event.
        self._completes = Coalesced(self._complete, name="complete receipts")

    @property
    def available(self) -> bool:
        """True while the database answers."""
        return self._reserving.open and self._completing.open

    async def start(self) -> None:
        """Connect; raises Away."""
        await self._reserving.start()
        await self._completing.start()

    async def stop(self) -> None:
        """Finish what is under way and disconnect."""
        await self._reserves.settle()
        await self._completes.settle()
        await self._reserving.close()
        await self._completing.close()

    async def reserve(self, reservations: Sequence[Reservation]) -> Sequence[Standing]:
        """See `ports.Receipts`."""
        return await self._reserves.ask(reservations)

    async def complete(self, receipts: Sequence[tuple[Reservation, int]]) -> None:
        """See `ports.Receipts`."""
        await self._completes.ask(receipts)

    def release(self, reservations: Sequence[Reservation]) -> None:
        """See `ports.Receipts`."""
        self._completes.ask([(reservation, None) for reservation in reservations])

    async def find(
        self, event_id: str, source: str | None, credential: str
    ) -> Sequence[tuple[str, Receipt | None]]:
        """See `ports.LookUp`."""
        try:
            rows = await self._database.pool.fetch(statements.FIND, UUID(event_id), source, credential)
        except AWAY as error:
            raise Away(type(error).__name__) from error
        return [(row["source"], _receipt(row)) for row in rows]

    async def forget(self, now: datetime) -> int:
        """Delete one chunk of receipts that no sender asks for any more; how many went. Raises Away."""
        try:
            answer = await self._database.pool.execute(statements.FORGET, now - RECEIPTS_KEPT, FORGET_ROWS)
        except AWAY as error:
            raise Away(type(error).__name__) from error
        return int(answer.rpartition(" ")[2])

    async def _reserve(self, reservations: Sequence[Reservation]) -> Sequence[Standing]:
        async with self._reserving.use() as connection:
            return await reserve(connection, reservations, self._reserved)

    async def _complete(self, receipts: Sequence[tuple[Reservation, int | None]]) -> Sequence[None]:
        stored = [(reservation, offset) for reservation, offset in receipts if offset is not None]
        released = [reservation for reservation, offset in receipts if offset is None]
        async with self._completing.use() as connection:
            if stored:
                await connection.execute(
                    statements.COMPLETE,
                    [reservation.id for reservation, _ in stored],
                    [reservation.source for reservation, _ in stored],
                    [offset for _, offset in stored],
                )
            if released:
                await connection.execute(
                    statements.RELEASE, [row.id for row in released], [row.source for row in released]
                )
        return [None] * len(receipts)


def _receipt(row: asyncpg.Record) -> Receipt | None:
    if row["offset"] is None:
        return None
    return Receipt(
        row["id"], row["topic"], row["partition"], row["offset"], row["received_at"], row["fingerprint"]
    )
