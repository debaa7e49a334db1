"""A database of notify, emptied before each test, with what fills and drains it."""

from collections.abc import AsyncIterator

import pytest

from tests.conftest import MakeDatabase
from tests.integration.notify.workshop import Workshop, workshop


@pytest.fixture(scope="module")
async def notify_database(make_database: MakeDatabase) -> str:
    """One for each module: making one for each test would cost more than the tests."""
    return await make_database("notify")


@pytest.fixture
async def shop(notify_database: str) -> AsyncIterator[Workshop]:
    async with workshop(notify_database) as one:
        await one.empty()
        yield one
