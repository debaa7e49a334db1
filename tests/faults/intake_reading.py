"""What an outsider finds when all is done: topics, receipts, and what the door says of those."""

import json
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

FACTS, REGISTRY = "anxing.facts.v1", "anxing.registry.v1"
STAMPS = frozenset(
    {"receivedtime", "actorid", "actorrole", "actororg", "deviceid", "clockskewms", "timequality"}
)
"""What intake adds, by the contracts."""
STAMPED = b',"receivedtime":"'
Identity = tuple[str, str]
Place = tuple[str, int, int]


class Record(NamedTuple):
    """A record of a topic; `sent` is the value up to the stamps."""

    topic: str
    partition: int
    offset: int
    key: str
    sent: bytes
    stamps: dict[str, Any]
    headers: tuple[tuple[str, bytes], ...]

    @property
    def place(self) -> Place:
        return self.topic, self.partition, self.offset


class Row(NamedTuple):
    """A receipt in its table; without an offset it was only reserved."""

    topic: str
    partition: int
    offset: int | None
    fingerprint: str


@dataclass
class Reading:
    """Everything at rest. `told` is what the door answers to questions after some receipts."""

    records: list[Record]
    rows: dict[Identity, Row]
    told: dict[Identity, dict[str, Any]] = field(default_factory=dict)


async def read(bootstrap: str, prefix: str, partitions: int, url: str) -> Reading:
    """All of it, by a plain consumer and a plain connection."""
    topics = {prefix + FACTS: partitions, prefix + REGISTRY: 1}
    places = [TopicPartition(topic, number) for topic, count in topics.items() for number in range(count)]
    records = await _records(bootstrap, places)
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            'SELECT id::text, source, topic, partition, "offset", fingerprint FROM receipt'
        )
    finally:
        await connection.close()
    found = {
        (row["id"], row["source"]): Row(
            row["topic"], row["partition"], row["offset"], row["fingerprint"].hex()
        )
        for row in rows
    }
    return Reading(records, found)


async def _records(bootstrap: str, places: list[TopicPartition]) -> list[Record]:
    # Without it a position may be set to the end behind our back, while the broker is just back.
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        for place in places:
            consumer.seek(place, 0)
        found: list[Record] = []
        left = {place for place in places if ends[place]}
        while left:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found += [
                    record_of(
                        one.topic,
                        one.partition,
                        one.offset,
                        one.key or b"",
                        one.value or b"",
                        tuple(one.headers),
                    )
                    for one in records
                ]
            left = {place for place in left if await consumer.position(place) < ends[place]}
        return found
    finally:
        await consumer.stop()


def record_of(
    topic: str, partition: int, offset: int, key: bytes, value: bytes, headers: tuple[tuple[str, bytes], ...]
) -> Record:
    """A record, taken apart into the sender's part and the stamps; without stamps it is all the sender's."""
    sent, mark, rest = value.rpartition(STAMPED)
    stamps: dict[str, Any] = {}
    if mark:
        stamps = json.loads(b'{"receivedtime":"' + rest)
    return Record(topic, partition, offset, key.decode(), sent if mark else value, stamps, headers)
