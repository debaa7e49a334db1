"""An installation of scoring for each test."""

from collections.abc import AsyncIterator

import pytest
from shared.runtime.clock import SystemClock
from shared.runtime.settings import KafkaSettings

from tests.conftest import MakeDatabase
from tests.integration.scoring.stage import Stage, stage_on


@pytest.fixture
async def stage(kafka: KafkaSettings, make_database: MakeDatabase) -> AsyncIterator[Stage]:
    async with stage_on(kafka, await make_database("scoring"), SystemClock()) as one:
        yield one
