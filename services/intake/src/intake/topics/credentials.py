"""Keys and persons on the access topic: stating and reading them, for the people who run the door."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias
from uuid import uuid4

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from shared.events.access import (
    CredentialIssued,
    CredentialRevoked,
    PersonGranted,
    PersonRevoked,
    person_id,
)
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

Statement: TypeAlias = CredentialIssued | CredentialRevoked | PersonGranted | PersonRevoked


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key as it stands on the topic."""

    issued: CredentialIssued
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """A person as they stand on the topic."""

    granted: PersonGranted
    revoked_at: datetime | None


async def publish(kafka: KafkaSettings, data: Statement, now: datetime) -> None:
    """Publish one statement about a key or a person; every service knows it within moments.

    Raises StartupError.
    """
    checked = msgspec.json.decode(msgspec.json.encode(data), type=type(data))
    if violations := validate(TYPE_OF[type(data)], checked):
        raise StartupError(f"It cannot be as asked: {violations[0].detail}.")
    subject, key = _place(data)
    value = encode_event(
        id=str(uuid4()),
        source=SOURCE,
        type=TYPE_OF[type(data)].name,
        subject=subject,
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
        await producer.send(kafka.name_of(ACCESS), value, key=key.encode(), headers=HEADERS)
    except Retryable as error:
        raise kafka_away(kafka) from error
    finally:
        await producer.stop()


def _place(data: Statement) -> tuple[str, str]:
    """Subject and key of a statement (contracts.md, Events and Access)."""
    if isinstance(data, CredentialIssued | CredentialRevoked):
        return data.credential_id, f"credential:{data.credential_id}"
    return person_id(data.issuer, data.subject), f"person:{data.issuer}|{data.subject}"


async def read_keys(kafka: KafkaSettings) -> dict[str, KnownKey]:
    """All keys by id, as far as the topic goes now. Raises StartupError."""
    keys: dict[str, KnownKey] = {}

    def note(data: Any) -> None:
        if isinstance(data, CredentialIssued):
            keys[data.credential_id] = KnownKey(data, None)
        elif isinstance(data, CredentialRevoked):
            keys[data.credential_id] = KnownKey(data.credential, data.revoked_at)

    await _read(kafka, note)
    return keys


async def read_people(kafka: KafkaSettings) -> dict[str, KnownPerson]:
    """All persons by id, as far as the topic goes now. Raises StartupError."""
    people: dict[str, KnownPerson] = {}

    def note(data: Any) -> None:
        if isinstance(data, PersonGranted):
            people[person_id(data.issuer, data.subject)] = KnownPerson(data, None)
        elif isinstance(data, PersonRevoked):
            people[person_id(data.issuer, data.subject)] = KnownPerson(data.person, data.revoked_at)

    await _read(kafka, note)
    return people


async def _read(kafka: KafkaSettings, note: Callable[[Any], None]) -> None:
    """Give the data of every access event to `note`, in order; what is none is left aside."""
    await check_topics(kafka)
    partition = TopicPartition(kafka.name_of(ACCESS), 0)
    try:
        async with asyncio.timeout(kafka.connect_deadline_seconds), _reading(kafka, partition) as consumer:
            end = (await consumer.end_offsets([partition]))[partition]
            await consumer.seek_to_beginning(partition)
            while await consumer.position(partition) < end:
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    for record in records:
                        note(_data(record.value))
    except KAFKA_AWAY as error:
        raise kafka_away(kafka) from error


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


def _data(value: bytes | None) -> Any:
    try:
        envelope = decode_envelope(value or b"")
        event_type = CATALOGUE.get(envelope.type)
        return None if event_type is None else event_type.decode(envelope.data)
    except Malformed:
        return None
