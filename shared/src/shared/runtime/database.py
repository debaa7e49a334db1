"""One service's own database: an engine for reads, a pool for hot paths, single connections for owners."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg

from shared.runtime.away import DATABASE_AWAY, REFUSED, address_of, connect_patiently, database_away
from shared.runtime.migrations import check_schema, migrate
from shared.runtime.settings import DatabaseSettings

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

__all__ = ["Database", "check_schema", "migrate"]


class Database:
    """Open connections to one database; `open` it once per process and `close` it last."""

    def __init__(
        self, settings: DatabaseSettings, application_name: str, pool: asyncpg.Pool[asyncpg.Record]
    ) -> None:
        self._settings = settings
        self._application_name = application_name
        self._engine: AsyncEngine | None = None
        self.pool = pool

    @classmethod
    async def open(cls, settings: DatabaseSettings, *, application_name: str) -> Database:
        """Connect, waiting a while for a server that is just starting.

        Raises StartupError with host and port, never the password, when it stays unreachable.
        """
        try:
            pool = await connect_patiently(
                lambda: asyncpg.create_pool(
                    settings.url,
                    min_size=1,
                    max_size=settings.pool_max,
                    reset=_as_it_is,
                    **_connect_options(settings, application_name),
                ),
                to=f"database {address_of(settings.url)}",
                away=DATABASE_AWAY,
                deadline_seconds=settings.connect_deadline_seconds,
            )
        except REFUSED as error:
            raise database_away(settings.url, error) from error
        return cls(settings, application_name, pool)

    @property
    def engine(self) -> AsyncEngine:
        """SQLAlchemy over asyncpg, for HTTP reads.

        Loaded and made at first use: it is 20 MB that a process without such reads does not need.
        """
        if self._engine is None:
            from sqlalchemy.engine import make_url  # noqa: PLC0415 - see above
            from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415 - see above

            self._engine = create_async_engine(
                make_url(self._settings.url).set(drivername="postgresql+asyncpg"),
                pool_size=1,
                max_overflow=self._settings.engine_max - 1,
                pool_pre_ping=True,
                connect_args=_connect_options(self._settings, self._application_name),
            )
        return self._engine

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[asyncpg.pool.PoolConnectionProxy[asyncpg.Record]]:
        """A READ COMMITTED transaction on a connection of the pool."""
        async with self.pool.acquire() as connection, connection.transaction():
            yield connection

    async def dedicated(self, purpose: str = "dedicated") -> asyncpg.Connection[asyncpg.Record]:
        """A connection of its own, outside the pool: a consumer's writer, a listener. The caller closes it.

        Raises what asyncpg raises (see `shared.runtime.away`): a running process waits and tries again.
        """
        name = f"{self._application_name}/{purpose}"
        connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(
            self._settings.url, **_connect_options(self._settings, name)
        )
        return connection

    async def close(self) -> None:
        """Give connections up; those still busy after five seconds are cut."""
        try:
            async with asyncio.timeout(5):
                await self.pool.close()
        except TimeoutError:
            self.pool.terminate()
        if self._engine is not None:
            await self._engine.dispose()


async def _as_it_is(connection: object) -> None:
    """A connection goes back to the pool without the usual round trip that resets its session.

    An open transaction is rolled back all the same. Our statements leave nothing else behind: what sets
    something does so for its transaction, and who listens or holds a lock has a connection of its own.
    """


def _connect_options(settings: DatabaseSettings, application_name: str) -> dict[str, Any]:
    return {
        "command_timeout": settings.command_timeout_seconds,
        "timeout": min(5.0, settings.connect_deadline_seconds),
        "server_settings": {
            "application_name": application_name[:63],
            "timezone": "UTC",
            # A frozen process must not hold locks for ever (see ownership of partitions).
            "idle_in_transaction_session_timeout": "60s",
        },
    }
