"""Intake as processes, on servers and topics of the test's own."""

from collections.abc import AsyncIterator

import pytest

from tests.conftest import MakeDatabase, MakeKafka
from tests.integration.intake.house import House, Replica


@pytest.fixture(scope="module")
async def house(make_kafka: MakeKafka, make_database: MakeDatabase) -> House:
    """One installation for each module."""
    return House(await make_kafka(partitions=4), await make_database("intake"))


@pytest.fixture(scope="module")
async def intake(house: House) -> AsyncIterator[Replica]:
    """The first replica of the module's installation."""
    async with house.replica() as replica:
        yield replica


@pytest.fixture(scope="module")
async def key(house: House, intake: Replica) -> str:
    """An officer's key that the first replica knows already."""
    return await intake.knows(await house.key("officer", rights=("backfill",)))
