"""Keys on the access topic: issuing, revoking and reading them, for the people who run the door."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from shared.events.access import CredentialIssued, CredentialRevoked
from shared.events.catalogue import CATALOGUE, TYPE_OF
from shared.events.encode import encode_event
from shared.events.envelope import decode_envelope
from shared.events.errors import Malformed
from shared.events.rules import validate
from shared.events.topics import ACCESS
from shared.runtime.away import KAFKA_AWAY, kafka_away
from shared.runtime.clock import SystemClock
from shared.runtime.errors import Retryable, StartupError
from shared.runtime.metrics import Metrics
from shared.runtime.producer import RecordProducer
from shared.runtime.settings import KafkaSettings
from shared.runtime.topics import check_topics

from intake.topics.publishing import HEADERS

SOURCE = "urn:anxing:intake:keys"
# Whoever may run this program on the server speaks for the administrators.
ACTOR = "operator"
ROLE = "admin"


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key as it stands on the topic."""

    issued: CredentialIssued
    revoked_at: datetime | None


async def publish(kafka: KafkaSettings, data: CredentialIssued | CredentialRevoked, now: datetime) -> None:
    """Publish one statement about a key; every service knows it within moments. Raises StartupError."""
    checked = msgspec.json.decode(msgspec.json.encode(data), type=type(data))
    if violations := validate(TYPE_OF[type(data)], checked):
        raise StartupError(f"The key cannot be as asked: {violations[0].detail}.")
    value = encode_event(
        id=str(uuid4()),
        source=SOURCE,
        type=TYPE_OF[type(data)].name,
        subject=data.credential_id,
        time=now,
        data=data,
        receivedtime=now,
        actorid=ACTOR,
        actorrole=ROLE,
    )
    await check_topics(kafka)
    producer = RecordProducer(kafka, SystemClock(), Metrics("intake"))
    await producer.start()
    try:
        await producer.send(
            kafka.name_of(ACCESS), value, key=f"credential:{data.credential_id}".encode(), headers=HEADERS
        )
    except Retryable as error:
        raise kafka_away(kafka) from error
    finally:
        await producer.stop()


async def read_keys(kafka: KafkaSettings) -> dict[str, KnownKey]:
    """All keys by id, as far as the topic goes now. Raises StartupError."""
    await check_topics(kafka)
    partition = TopicPartition(kafka.name_of(ACCESS), 0)
    keys: dict[str, KnownKey] = {}
    try:
        async with asyncio.timeout(kafka.connect_deadline_seconds), _reading(kafka, partition) as consumer:
            end = (await consumer.end_offsets([partition]))[partition]
            await consumer.seek_to_beginning(partition)
            while await consumer.position(partition) < end:
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    for record in records:
                        _note(keys, record.value)
    except KAFKA_AWAY as error:
        raise kafka_away(kafka) from error
    return keys


@asynccontextmanager
async def _reading(kafka: KafkaSettings, partition: TopicPartition) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka.bootstrap,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    try:
        consumer.assign([partition])
        yield consumer
    finally:
        await consumer.stop()


def _note(keys: dict[str, KnownKey], value: bytes | None) -> None:
    try:
        envelope = decode_envelope(value or b"")
        event_type = CATALOGUE.get(envelope.type)
        data = None if event_type is None else event_type.decode(envelope.data)
    except Malformed:
        return
    if isinstance(data, CredentialIssued):
        keys[data.credential_id] = KnownKey(data, None)
    elif isinstance(data, CredentialRevoked):
        keys[data.credential_id] = KnownKey(data.credential, data.revoked_at)
