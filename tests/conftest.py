"""What every test may ask for: real servers, topics of its own, databases of its own."""

import contextlib
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest
import structlog
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from shared.events.topics import TOPICS
from shared.runtime.settings import KafkaSettings
from shared.runtime.topics import ensure_topics

from tests.databases import Databases
from tests.servers import SessionServers, provide

MakeKafka = Callable[..., Awaitable[KafkaSettings]]
MakeDatabase = Callable[[str | None], Awaitable[str]]

_SOURCE = pytest.StashKey[str]()


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """What a verb tried in this process does to logging ends with its test."""
    # Loggers keep for ever what they met at their first use.
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    if root.handlers != handlers:
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.reset_defaults()


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest) -> Iterator[SessionServers]:
    """A real Kafka and a real PostgreSQL for the whole session, started when the first test asks."""
    provided = provide()
    request.config.stash[_SOURCE] = f"{provided.source}: Kafka {provided.kafka}"
    yield provided
    provided.give_back()


@pytest.fixture(scope="session")
async def make_kafka(servers: SessionServers) -> AsyncIterator[MakeKafka]:
    """Makes the topics of one more installation on the session's Kafka: `await make_kafka(partitions=4)`."""
    made: list[KafkaSettings] = []

    async def make(**settings: object) -> KafkaSettings:
        fresh = KafkaSettings.model_validate(
            {"bootstrap": servers.kafka, "topic_prefix": f"t{secrets.token_hex(4)}.", **settings}
        )
        await ensure_topics(fresh)
        made.append(fresh)
        return fresh

    yield make
    await _delete_topics(servers.kafka, made)


@pytest.fixture
async def kafka(make_kafka: MakeKafka) -> KafkaSettings:
    """Settings of an installation of this test's own, with its topics created; 4 partitions to stay quick."""
    return await make_kafka(partitions=4)


@pytest.fixture(scope="session")
async def make_database(servers: SessionServers) -> AsyncIterator[MakeDatabase]:
    """Makes one more database: `url = await make_database("scoring")`, migrated; None for an empty one."""
    databases = Databases(servers.postgres)
    yield databases.make
    await databases.remove_all()


async def _delete_topics(bootstrap: str, made: list[KafkaSettings]) -> None:
    names = [settings.name_of(topic) for settings in made for topic in TOPICS]
    if not names:
        return
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    # A test may have ended its broker; then there is nothing to clean.
    with contextlib.suppress(KafkaError, OSError):
        await admin.start()
        try:
            await admin.delete_topics(names)
        finally:
            await admin.close()


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config
) -> None:
    """Says which servers were used: results on one kind say little about another."""
    terminalreporter.write_line(f"servers: {config.stash.get(_SOURCE, 'none was needed')}")
