"""One connection for the reads of a loop: a pool would clean up after each, at the price of a read."""

from __future__ import annotations

from typing import Any, Protocol

import asyncpg
from shared.runtime.database import Database


class Fetch(Protocol):
    """Reads rows; a pool's way, or a steady connection's."""

    async def __call__(self, query: str, *args: Any) -> list[asyncpg.Record]:
        """Raises what asyncpg raises."""
        ...


class SteadyReads:
    """Reads of one task at a time on a connection of its own, opened anew after it was lost."""

    def __init__(self, database: Database, purpose: str) -> None:
        self._database = database
        self._purpose = purpose
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None

    async def fetch(self, query: str, *args: Any) -> list[asyncpg.Record]:
        """Rows of a query outside any transaction."""
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._database.dedicated(self._purpose)
        rows: list[asyncpg.Record] = await self._connection.fetch(query, *args)
        return rows

    async def close(self) -> None:
        """Give the connection up."""
        if self._connection is not None and not self._connection.is_closed():
            await self._connection.close(timeout=5)
