"""The receipts port on PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from shared.runtime.database import Database

from intake.domain.reservations import Reservation, Standing
from intake.domain.verdicts import Receipt
from intake.ports import Away
from intake.store import statements
from intake.store.connection import AWAY, WriterConnection
from intake.store.reserving import receipt_of
from intake.store.writer import Writer

RECEIPTS_KEPT: Final = timedelta(days=100)
FORGET_ROWS: Final = 5_000


class PostgresReceipts:
    """Which ids were taken in: one writer for this process, the pool for those who ask."""

    def __init__(self, database: Database, *, reserved_seconds: float) -> None:
        self._database = database
        self._connection = WriterConnection(database, "receipts")
        self._writer = Writer(self._connection, timedelta(seconds=reserved_seconds))

    @property
    def available(self) -> bool:
        """True while the database answers."""
        return self._connection.open

    async def start(self) -> None:
        """Connect; raises Away."""
        await self._connection.start()

    async def stop(self) -> None:
        """Finish what is under way and disconnect."""
        await self._writer.settle()
        await self._connection.close()

    async def reserve(self, reservations: Sequence[Reservation]) -> Sequence[Standing]:
        """See `ports.Receipts`."""
        return await self._writer.reserve(reservations)

    async def complete(self, receipts: Sequence[tuple[Reservation, int]]) -> None:
        """See `ports.Receipts`."""
        await self._writer.complete(receipts)

    def release(self, reservations: Sequence[Reservation]) -> None:
        """See `ports.Receipts`."""
        self._writer.release(reservations)

    async def find(
        self, event_id: str, source: str | None, credential: str
    ) -> Sequence[tuple[str, Receipt | None]]:
        """See `ports.LookUp`."""
        try:
            rows = await self._database.pool.fetch(statements.FIND, UUID(event_id), source, credential)
        except AWAY as error:
            raise Away(type(error).__name__) from error
        return [(row["source"], None if row["offset"] is None else receipt_of(row)) for row in rows]

    async def forget(self, now: datetime) -> int:
        """Delete one chunk of receipts that no sender asks for any more; how many went. Raises Away."""
        try:
            gone: int = await self._database.pool.fetchval(
                statements.FORGET, now - RECEIPTS_KEPT, FORGET_ROWS, RECEIPTS_KEPT
            )
        except AWAY as error:
            raise Away(type(error).__name__) from error
        return gone
