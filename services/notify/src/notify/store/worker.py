"""The one connection of a dispatcher: it writes rounds, hears of new work, and shows that it lives."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from shared.runtime.consume.kinds import is_away
from shared.runtime.cursor import Connection
from shared.runtime.database import Database

from notify.ports import Unavailable
from notify.store.ingest import DUE_CHANNEL
from notify.store.lane_statements import WORKER_LOCK_CLASS
from notify.store.lanes import Announce, AnnounceSuspended, Lanes


class WorkerStore:
    """Lanes as one worker of one process sees them; used by one task at a time."""

    def __init__(
        self,
        database: Database,
        announce: Announce,
        announce_suspended: AnnounceSuspended,
        on_due: Callable[[], None],
        on_announced: Callable[[], None],
    ) -> None:
        """`on_due` is called when something was made due, `on_announced` when the outbox has grown."""
        self._database = database
        self._announce = announce
        self._announce_suspended = announce_suspended
        self._on_due = on_due
        self._on_announced = on_announced
        self._connection: Connection | None = None
        self._worker: int | None = None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Lanes]:
        """One round; Unavailable when the database is away, then the next call connects anew."""
        try:
            connection = await self._open()
            async with connection.transaction():
                assert self._worker is not None
                lanes = Lanes(connection, self._worker, self._announce, self._announce_suspended)
                yield lanes
        except Exception as error:
            # Also when two transactions wait for each other: the round is written again.
            if is_away(error):
                raise Unavailable from error
            raise
        if lanes.announced:
            self._on_announced()

    async def close(self) -> None:
        """Give the connection up; what is still leased is free for others at once."""
        if self._connection is not None and not self._connection.is_closed():
            await self._connection.close(timeout=5)

    async def _open(self) -> Connection:
        if self._connection is None or self._connection.is_closed():
            connection = await self._database.dedicated("dispatcher")
            if self._worker is None:
                self._worker = await connection.fetchval("SELECT nextval('worker_number')::int")
            # The same number as before a lost connection, so that what is in hand stays ours if nobody
            # has taken it meanwhile.
            await connection.execute("SELECT pg_advisory_lock($1, $2)", WORKER_LOCK_CLASS, self._worker)
            await connection.add_listener(DUE_CHANNEL, self._heard)
            self._connection = connection
            self._on_due()
        return self._connection

    def _heard(self, *_: object) -> None:
        self._on_due()
