"""A reader of its own of the outcomes topic: sequences must be dense, ids unique."""

import json
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from shared.events.topics import OUTCOMES
from shared.runtime.closing import close_consumer
from shared.runtime.settings import KafkaSettings


async def read_outcomes(kafka: KafkaSettings) -> list[dict[str, Any]]:
    """All outcomes by partition and sequence; repeats of a sequence are dropped as every reader does."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        places = [TopicPartition(kafka.name_of(OUTCOMES), number) for number in range(kafka.partitions)]
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        ends = await consumer.end_offsets(places)
        found: list[dict[str, Any]] = []
        for place in places:
            last = 0
            while await consumer.position(place) < ends[place]:
                records = await consumer.getmany(place, timeout_ms=200)
                for record in records.get(place, []):
                    headers = dict(record.headers)
                    sequence = int(headers["partition-sequence"])
                    if sequence <= last:
                        continue
                    assert sequence == last + 1, f"{place}: {last} is followed by {sequence}"
                    last = sequence
                    event = json.loads(record.value)
                    event["partition"], event["sequence"] = place.partition, sequence
                    event["cause"] = headers["cause-id"].decode()
                    found.append(event)
    finally:
        await close_consumer(consumer)
    ids = [event["id"] for event in found]
    assert len(ids) == len(set(ids)), "an outcome id was used twice"
    return found
