"""A database with the tables of the tally, and a Kafka of its own, for each test."""

from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest

from tests.integration.runtime.tally import make_tables


@pytest.fixture
async def url(make_database: Callable[[str | None], Awaitable[str]]) -> str:
    fresh = await make_database(None)
    await make_tables(fresh)
    return fresh


@pytest.fixture
async def sql(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url)
    yield connection
    await connection.close()
