"""F4: bare consumption. aiokafka getmany as a member of a group, doing nothing with what comes."""

from __future__ import annotations

import json
import sys
import time
import uuid

import uvloop
from aiokafka import AIOKafkaConsumer

# As the product's subscriber has them.
FETCH_WAIT_MS = 100
PARTITION_BYTES_MAX = 2 * 1024 * 1024
FETCH_BYTES_MAX = 16 * 1024 * 1024


async def main(bootstrap: str, topic: str, batch_records_max: int, total: int) -> None:
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id=f"floor-{uuid.uuid4().hex}",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        fetch_max_wait_ms=FETCH_WAIT_MS,
        max_partition_fetch_bytes=PARTITION_BYTES_MAX,
        fetch_max_bytes=FETCH_BYTES_MAX,
    )
    await consumer.start()
    seen, started, cpu = 0, 0.0, 0.0
    while seen < total:
        fetched = await consumer.getmany(timeout_ms=1000, max_records=batch_records_max)
        if fetched and not started:
            started, cpu = time.perf_counter(), time.process_time()
        seen += sum(map(len, fetched.values()))
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    await consumer.stop()
    print(json.dumps({"events": seen, "seconds": seconds, "cpu_seconds": cpu}))


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
