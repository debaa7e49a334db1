"""A writer's own connection, opened again whenever it was lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from shared.runtime.away import DATABASE_AWAY
from shared.runtime.database import Database
from shared.runtime.logs import get_logger

from intake.ports import Away

log = get_logger()

# Losing the last moments of receipts costs a repeat on the topic and nothing else.
# The small statements must find their rows by index, whatever the planner believes of young tables, and are
# planned once: planning one costs more than running it. A replica that is frozen with locks in its hands
# loses them soon: until then whoever wants the same rows holds up all that goes along.
SETTINGS = """
SET synchronous_commit = off;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET enable_seqscan = off;
SET jit = off;
SET plan_cache_mode = force_generic_plan;
SET lock_timeout = '2s';
SET statement_timeout = '3s';
SET idle_in_transaction_session_timeout = '5s';
"""
# What a second try of the same statement is likely to get past.
_AGAIN: tuple[type[Exception], ...] = (
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.LockNotAvailableError,
)
AWAY: tuple[type[Exception], ...] = (
    *DATABASE_AWAY,
    *_AGAIN,
    asyncpg.QueryCanceledError,
    asyncpg.PostgresSystemError,
)
_REFUSED: tuple[type[Exception], ...] = (*AWAY, asyncpg.PostgresError)
RECONNECT_PAUSE_SECONDS = 0.25
# A server that is frozen keeps no timeout of its own.
USE_SECONDS_MAX = 4.0


class WriterConnection:
    """One connection for one writer, which uses it for one thing at a time.

    While the server is away every use fails at once; a connection is tried again in the background.
    """

    def __init__(self, database: Database, purpose: str) -> None:
        self._database = database
        self._purpose = purpose
        self._connection: asyncpg.Connection[Any] | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def open(self) -> bool:
        """True while the server answers."""
        return self._connection is not None and not self._connection.is_closed()

    async def start(self) -> None:
        """Connect; raises Away."""
        try:
            await self._connect()
        except AWAY as error:
            raise Away(type(error).__name__) from error

    async def close(self) -> None:
        self._closed = True
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait([self._connecting])
        if self._connection is not None:
            self._connection.terminate()

    @asynccontextmanager
    async def use(self) -> AsyncIterator[asyncpg.Connection[Any]]:
        """The connection; what says that the server is away becomes Away, and the connection is replaced."""
        connection = self._connection
        if connection is None or connection.is_closed():
            self._reconnect()
            raise Away("the database is away")
        try:
            async with asyncio.timeout(USE_SECONDS_MAX):
                yield connection
        except AWAY as error:
            if not isinstance(error, (*_AGAIN, asyncpg.QueryCanceledError)):
                connection.terminate()
                self._reconnect()
            log.warning("receipts_away", purpose=self._purpose, error=type(error).__name__)
            raise Away(type(error).__name__) from error

    async def _connect(self) -> None:
        connection = await self._database.dedicated(self._purpose)
        await connection.execute(SETTINGS)
        # Found at once, not with the next event: while it is away no event comes this far.
        connection.add_termination_listener(lambda _: self._reconnect())
        self._connection = connection

    def _reconnect(self) -> None:
        if not self._closed and (self._connecting is None or self._connecting.done()):
            self._connecting = asyncio.create_task(self._try_again(), name=f"{self._purpose} reconnect")

    async def _try_again(self) -> None:
        while not self.open:
            try:
                async with asyncio.timeout(5):
                    await self._connect()
            except _REFUSED:
                await asyncio.sleep(RECONNECT_PAUSE_SECONDS)
