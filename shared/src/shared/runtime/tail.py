"""The last incarnation and sequence on an output partition: they tell of a database that went back."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.runtime.closing import close_consumer
from shared.runtime.records import Partition
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
    if not partitions:
        return {}
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    async with asyncio.timeout(READ_WITHIN_SECONDS):
        await consumer.start()
        try:
            return await _read(consumer, [TopicPartition(*partition) for partition in partitions])
        finally:
            await close_consumer(consumer)


async def _read(consumer: AIOKafkaConsumer, places: list[TopicPartition]) -> dict[Partition, Tail]:
    consumer.assign(places)
    starts, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
    waiting = {place for place in places if starts[place] < ends[place]}
    for place in places:
        consumer.seek(place, max(starts[place], ends[place] - TAIL_RECORDS))
    tails: dict[Partition, Tail] = {}
    while waiting:
        for place, records in (await consumer.getmany(timeout_ms=200)).items():
            partition = Partition(*place)
            for record in records:
                found = _tail_of(record.headers)
                if found is not None:
                    tails[partition] = max(found, tails.get(partition, found))
        waiting = {place for place in waiting if await consumer.position(place) < ends[place]}
    return tails


def _tail_of(headers: Iterable[tuple[str, bytes]]) -> Tail | None:
    by_name = dict(headers)
    try:
        return Tail(int(by_name["incarnation"]), int(by_name["partition-sequence"]))
    except (KeyError, ValueError):
        return None
