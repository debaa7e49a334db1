"""F1: bare consume and store. aiokafka getmany(5000), COPY of the raw bytes, one transaction a batch."""

from __future__ import annotations

import json
import sys
import time

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer, TopicPartition


async def main(bootstrap: str, topic: str, partitions: int, url: str, total: int) -> None:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_partition_fetch_bytes=4 * 2**20,
    )
    await consumer.start()
    consumer.assign([TopicPartition(topic, p) for p in range(partitions)])
    connection = await asyncpg.connect(url)
    await connection.execute(
        "DROP TABLE IF EXISTS floor_raw;"
        "CREATE TABLE floor_raw (partition int, record_offset bigint, body bytea,"
        " PRIMARY KEY (partition, record_offset))"
    )
    stored, started, cpu = 0, 0.0, 0.0
    while stored < total:
        fetched = await consumer.getmany(timeout_ms=1000, max_records=5000)
        if not started and fetched:
            started, cpu = time.perf_counter(), time.process_time()
        rows = [(r.partition, r.offset, r.value) for records in fetched.values() for r in records]
        if rows:
            async with connection.transaction():
                await connection.copy_records_to_table("floor_raw", records=rows)
            stored += len(rows)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    await consumer.stop()
    await connection.close()
    print(json.dumps({"events": stored, "seconds": seconds, "cpu_seconds": cpu}))


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], int(sys.argv[5])))
