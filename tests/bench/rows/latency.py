"""S7: how soon an outcome can be read."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
import uuid
from datetime import UTC, datetime

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from shared.events import topics
from shared.runtime.clock import SystemClock
from shared.runtime.metrics import Metrics
from shared.runtime.producer import RecordProducer
from shared.runtime.settings import KafkaSettings

from tests.bench import traffic
from tests.bench.harness import Row, Sample
from tests.bench.place import Place, fill, make_topics
from tests.bench.rows.stock import until_cursor, until_idle

SETTLE_SECONDS = 3.0


async def s7(place: Place) -> Row:
    """One fact at 100/s: acknowledged on the topic to outcome readable."""
    compounds = 400
    kafka = place.kafka()
    await make_topics(kafka)
    url = await place.database("scoring")
    now = datetime.now(UTC)
    await fill(kafka, kafka.name_of(topics.REGISTRY), traffic.registrations(compounds, now))
    facts = kafka.name_of(topics.FACTS)
    known = await fill(kafka, facts, traffic.facts(5_000, traffic.compound_ids(compounds), now))

    async def value() -> Sample:
        async with place.service("scoring", place.environment(kafka, url)) as (_, process):
            connection = await asyncpg.connect(url)
            await until_cursor(connection, facts, known)
            await until_idle(connection)
            await connection.close()
            latencies = sorted(await _latencies(kafka, compounds, rate=100, seconds=20))
            memory = process.memory_info().rss
        return Sample(
            statistics.median(latencies) * 1000,
            {
                "p99_ms": round(latencies[int(len(latencies) * 0.99)] * 1000, 1),
                "max_ms": round(latencies[-1] * 1000, 1),
                "events": len(latencies),
                "rss_mib": round(memory / 2**20),
            },
        )

    return Row(
        name="S7",
        what="one fact at 100/s: acknowledged on the topic to outcome readable, p50",
        unit="ms",
        target="p50 at most 8 ms, p99 at most 30 ms",
        value=value,
    )


async def _latencies(kafka: KafkaSettings, compounds: int, *, rate: int, seconds: int) -> list[float]:
    """Seconds from each acknowledgement to the arrival of the outcome that names the fact as its cause."""
    outcomes = kafka.name_of(topics.OUTCOMES)
    reader = AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap, fetch_max_wait_ms=50)
    await reader.start()
    partitions = [TopicPartition(outcomes, p) for p in range(kafka.partitions)]
    reader.assign(partitions)
    await reader.seek_to_end(*partitions)
    for partition in partitions:
        await reader.position(partition)
    arrived: dict[str, float] = {}
    acknowledged: dict[str, float] = {}
    rng = random.Random(uuid.uuid4().int)

    async def read() -> None:
        async for record in reader:
            at = time.perf_counter()
            for name, value in record.headers:
                if name == "cause-id":
                    arrived.setdefault(value.decode(), at)

    reading = asyncio.create_task(read())
    producer = RecordProducer(kafka, SystemClock(), Metrics("bench"))
    await producer.start()
    sends = []
    began = time.perf_counter()

    async def send(number: int) -> None:
        await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
        # Round by round over all compounds, so that each fact turns the lamp and is the cause of an outcome.
        lit = (number // compounds) % 2 == 1
        compound = traffic.compound_id(number % compounds)
        key, value = traffic.toggle(rng, compound, datetime.now(UTC), lit=lit)
        await producer.send(kafka.name_of(topics.FACTS), value, key=key.encode())
        acknowledged[_id_of(value)] = time.perf_counter()

    sends = [asyncio.create_task(send(number)) for number in range(rate * seconds)]
    await asyncio.gather(*sends)
    # Facts of one compound that were absorbed together share one outcome and one cause: give the last of
    # them a moment, then measure those that are named.
    await asyncio.sleep(SETTLE_SECONDS)
    reading.cancel()
    await producer.stop()
    await reader.stop()
    return [max(0.0, arrived[key] - at) for key, at in acknowledged.items() if key in arrived]


def _id_of(value: bytes) -> str:
    at = value.index(b'"id":"') + 6
    return value[at : value.index(b'"', at)].decode()
