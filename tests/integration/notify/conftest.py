"""A database of notify for each test, with what fills and empties it."""

from collections.abc import AsyncIterator

import pytest

from tests.conftest import MakeDatabase
from tests.integration.notify.workshop import Workshop, workshop


@pytest.fixture
async def shop(make_database: MakeDatabase) -> AsyncIterator[Workshop]:
    async with workshop(await make_database("notify")) as one:
        yield one
