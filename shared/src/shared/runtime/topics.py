"""Creating the topics of an installation, and refusing to start on ones that do not fit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from shared.events.topics import TOPICS, Topic, partitions_of
from shared.runtime.away import KAFKA_AWAY, connect_patiently, kafka_away
from shared.runtime.errors import StartupError
from shared.runtime.settings import KafkaSettings

DAY_MS = 86_400_000
POLL_SECONDS = 0.1
# A new topic answers "not leader" at first; this is how long its partitions get to elect one.
LEADERS_WITHIN_SECONDS = 30.0


async def ensure_topics(settings: KafkaSettings) -> list[str]:
    """Create the topics that are missing, wait until every partition can be used, answer what was created.

    Existing topics stay as they are; a wrong partition count among them is a StartupError.
    """
    async with _admin(settings) as admin:
        existing = await _partition_counts(admin, settings)
        missing = [topic for topic in TOPICS if settings.name_of(topic) not in existing]
        if missing:
            response: Any = await admin.create_topics([_new(topic, settings) for topic in missing])
            for name, code, *message in response.topic_errors:
                if code and for_code(code) is not TopicAlreadyExistsError:
                    raise StartupError(f"Kafka did not create the topic {name}: {_reason(code, message)}.")
        await _wait_for_leaders(admin, settings)
    await check_topics(settings)
    return [settings.name_of(topic) for topic in missing]


async def check_topics(settings: KafkaSettings) -> None:
    """Raise StartupError when a topic is missing or has another partition count than the settings say."""
    async with _admin(settings) as admin:
        counts = await _partition_counts(admin, settings)
    for topic in TOPICS:
        name, wanted = settings.name_of(topic), partitions_of(topic, settings.partitions)
        if name not in counts:
            raise StartupError(f"The topic {name} is missing at {settings.bootstrap}: run `anxing topics`.")
        if counts[name] != wanted:
            raise StartupError(
                f"The topic {name} has {counts[name]} partitions but ANXING_KAFKA__PARTITIONS "
                f"asks for {wanted}: set it back, because a change of the count is a migration."
            )


@asynccontextmanager
async def _admin(settings: KafkaSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    try:
        admin = await connect_patiently(
            lambda: _connect(settings),
            to=f"Kafka {settings.bootstrap}",
            away=KAFKA_AWAY,
            deadline_seconds=settings.connect_deadline_seconds,
        )
    except KAFKA_AWAY as error:
        raise kafka_away(settings) from error
    try:
        yield admin
    finally:
        await admin.close()


async def _connect(settings: KafkaSettings) -> AIOKafkaAdminClient:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap, request_timeout_ms=15_000)
    try:
        await admin.start()
    except BaseException:
        await admin.close()
        raise
    return admin


async def _described(admin: AIOKafkaAdminClient, settings: KafkaSettings) -> list[Mapping[str, Any]]:
    described = await admin.describe_topics([settings.name_of(topic) for topic in TOPICS])
    return [topic for topic in described if topic["error_code"] == 0]


async def _partition_counts(admin: AIOKafkaAdminClient, settings: KafkaSettings) -> dict[str, int]:
    return {topic["topic"]: len(topic["partitions"]) for topic in await _described(admin, settings)}


async def _wait_for_leaders(admin: AIOKafkaAdminClient, settings: KafkaSettings) -> None:
    wanted = {settings.name_of(topic): partitions_of(topic, settings.partitions) for topic in TOPICS}
    try:
        async with asyncio.timeout(LEADERS_WITHIN_SECONDS):
            while True:
                led = {
                    topic["topic"]: sum(part["leader"] >= 0 for part in topic["partitions"])
                    for topic in await _described(admin, settings)
                }
                if all(
                    led.get(name, 0) >= min(count, led.get(name, count)) and name in led
                    for name, count in wanted.items()
                ):
                    return
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError as error:
        raise StartupError(
            f"The topics at {settings.bootstrap} have no leaders: look at the broker."
        ) from error


def _new(topic: Topic, settings: KafkaSettings) -> NewTopic:
    config = {
        "cleanup.policy": "compact" if topic.compacted else "delete",
        "min.insync.replicas": str(settings.min_insync),
        "retention.ms": "-1" if topic.retention_days is None else str(topic.retention_days * DAY_MS),
        # -1 for ever must hold for bytes too, whatever the cluster's default is.
        "retention.bytes": "-1",
        "unclean.leader.election.enable": "false",
    }
    return NewTopic(
        name=settings.name_of(topic),
        num_partitions=partitions_of(topic, settings.partitions),
        replication_factor=settings.replication,
        topic_configs=config,
    )


def _reason(code: int, message: list[Any]) -> str:
    return str(message[0]) if message and message[0] else for_code(code).__name__
