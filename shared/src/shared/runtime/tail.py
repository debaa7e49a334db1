"""The last incarnation and sequence on an output partition: they tell of a database that went back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.runtime.closing import close_consumer
from shared.runtime.records import Partition, Record
from shared.runtime.settings import KafkaSettings

# A former relay that wakes up may publish a round of older rows behind newer ones; beyond that, the newest
# record is the last.
TAIL_RECORDS = 500
READ_WITHIN_SECONDS = 15.0


class Tail(NamedTuple):
    """Ordered as readers order: the incarnation counts first."""

    incarnation: int
    sequence: int


def incarnation_after(tail: Tail | None, *, incarnation: int, out_seq: int) -> int:
    """The incarnation to write under: a new one when the topic holds what the database does not know of.

    Numbers may be used again after a fail-over that lost commits; under another incarnation they are others.
    """
    if tail is None or tail <= (incarnation, out_seq):
        return incarnation
    return tail.incarnation + 1


async def read_tails(settings: KafkaSettings, partitions: Collection[Partition]) -> dict[Partition, Tail]:
    """The newest position on the tail of each output partition; one that holds none is missing.

    Raises KafkaError or TimeoutError.
    """
    tails: dict[Partition, Tail] = {}

    def take(record: Record) -> None:
        found = tail_of(record)
        if found is not None:
            tails[record.source] = max(found, tails.get(record.source, found))

    await read_last(settings, partitions, TAIL_RECORDS, take)
    return tails


async def read_last(
    settings: KafkaSettings, partitions: Collection[Partition], count: int, take: Callable[[Record], None]
) -> None:
    """Hand over the last `count` records of each partition, up to where it ends now, in order of offset.

    Raises KafkaError or TimeoutError.
    """
    if not partitions:
        return
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    async with asyncio.timeout(READ_WITHIN_SECONDS):
        try:
            await consumer.start()
            await _read(consumer, [TopicPartition(*partition) for partition in partitions], count, take)
        finally:
            await close_consumer(consumer)


async def _read(
    consumer: AIOKafkaConsumer, places: list[TopicPartition], count: int, take: Callable[[Record], None]
) -> None:
    consumer.assign(places)
    starts, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
    waiting = {place for place in places if starts[place] < ends[place]}
    for place in places:
        consumer.seek(place, max(starts[place], ends[place] - count))
    while waiting:
        for place, records in (await consumer.getmany(timeout_ms=200)).items():
            for record in records:
                if record.offset < ends[place]:
                    take(
                        Record(
                            *place,
                            record.offset,
                            record.key,
                            record.value,
                            tuple(record.headers),
                            record.timestamp,
                        )
                    )
        waiting = {place for place in waiting if await consumer.position(place) < ends[place]}


def tail_of(record: Record) -> Tail | None:
    """The position that an outcome says it has; None for a record that says none."""
    by_name = dict(record.headers)
    try:
        return Tail(int(by_name["incarnation"]), int(by_name["partition-sequence"]))
    except (KeyError, ValueError):
        return None
