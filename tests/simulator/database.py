"""What hands out connections to the simulated server: a pool, and the database of one process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from tests.simulator.client import Connection, Network

CONNECT_TIMEOUT_SECONDS = 5.0


class Pool:
    """Connections that are used again; one that is known to be lost is replaced."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._idle: list[Connection] = []

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Connection]:
        connection = None
        while self._idle and (connection is None or connection.is_closed()):
            connection = self._idle.pop()
        if connection is None or connection.is_closed():
            connection = await connect(self._network)
        try:
            yield connection
        finally:
            if not connection.is_closed():
                if connection._owed is not None or connection.is_in_transaction():
                    connection.terminate()
                else:
                    self._idle.append(connection)

    async def fetch(self, query: str, *args: Any) -> list[Any]:
        async with self.acquire() as connection:
            return await connection.fetch(query, *args)

    async def execute(self, query: str, *args: Any) -> str:
        async with self.acquire() as connection:
            return await connection.execute(query, *args)

    async def fetchval(self, query: str, *args: Any) -> Any:
        async with self.acquire() as connection:
            return await connection.fetchval(query, *args)


class SimulatedDatabase:
    """One process's `shared.runtime.database.Database`, as far as the engine uses it."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self.pool = Pool(network)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A transaction on a connection of the pool."""
        async with self.pool.acquire() as connection, connection.transaction():
            yield connection

    async def dedicated(self, purpose: str = "dedicated") -> Connection:
        """A connection of its own; raises what a driver raises while the server is away."""
        assert purpose
        return await connect(self._network)


async def connect(network: Network) -> Connection:
    """A new connection; raises what a driver raises while the server is away."""
    await asyncio.sleep(network.weather.delay())
    if not network.server.up:
        if network.weather.chance.random() < 0.3:
            await asyncio.sleep(CONNECT_TIMEOUT_SECONDS)
            raise TimeoutError("connecting took too long")
        if network.weather.chance.random() < 0.3:
            raise asyncpg.CannotConnectNowError("the database system is starting up")
    session = network.server.connect()
    connection = Connection(network, session)
    await asyncio.sleep(network.weather.delay())
    if connection.is_closed():
        raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
    return connection
