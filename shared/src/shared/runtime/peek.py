"""Where the next record of a partition lies, asked apart from any group: only this word proves a gap."""

from __future__ import annotations

import asyncio

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.runtime.closing import close_consumer
from shared.runtime.records import Partition
from shared.runtime.settings import KafkaSettings

POLL_MS = 200


async def first_at(
    settings: KafkaSettings, partition: Partition, offset: int, *, seconds: float
) -> int | None:
    """Offset of the first record at `offset` or behind it; None when the log holds none.

    Raises KafkaError, for an offset outside the log as well, or TimeoutError.
    """
    place = TopicPartition(*partition)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap, enable_auto_commit=False, auto_offset_reset="none"
    )
    async with asyncio.timeout(seconds):
        await consumer.start()
        try:
            consumer.assign([place])
            consumer.seek(place, offset)
            end: int = (await consumer.end_offsets([place]))[place]
            # Behind the last record there may be offsets that hold none.
            while await consumer.position(place) < end:
                for records in (await consumer.getmany(timeout_ms=POLL_MS, max_records=1)).values():
                    found: int = records[0].offset
                    return found
            return None
        finally:
            await close_consumer(consumer)
