"""A database of notify, emptied before each test, with what fills and drains it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from shared.runtime.settings import KafkaSettings

from tests.conftest import MakeDatabase, MakeKafka
from tests.integration.notify.stage import Client, Stage, stage_on
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


@pytest.fixture
async def stage(kafka: KafkaSettings, notify_database: str, tmp_path: Path) -> AsyncIterator[Stage]:
    async with workshop(notify_database) as shop:
        await shop.empty()
    async with stage_on(kafka, notify_database, tmp_path / "notices") as one:
        yield one


@pytest.fixture(scope="module")
async def api(
    make_kafka: MakeKafka, make_database: MakeDatabase, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Client]:
    """One running service for tests that change nothing."""
    kafka = await make_kafka(partitions=2)
    files = tmp_path_factory.mktemp("notices")
    async with stage_on(kafka, await make_database("notify"), files) as one, one.service() as client:
        yield client
