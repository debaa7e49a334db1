"""S7: how soon an outcome can be read."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
import uuid
from datetime import UTC, datetime
from typing import NamedTuple

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

COMPOUNDS, KNOWN_FACTS = 400, 5_000
RATE, SECONDS = 100, 20
SETTLE_SECONDS = 3.0


async def known_district(place: Place) -> tuple[KafkaSettings, str, int]:
    """Topics and a database of some hundred compounds, and how many facts wait to be absorbed first."""
    kafka = place.kafka()
    await make_topics(kafka)
    url = await place.database("scoring")
    now = datetime.now(UTC)
    await fill(kafka, kafka.name_of(topics.REGISTRY), traffic.registrations(COMPOUNDS, now))
    coming = traffic.facts(KNOWN_FACTS, traffic.compound_ids(COMPOUNDS), now)
    return kafka, url, await fill(kafka, kafka.name_of(topics.FACTS), coming)


async def until_rested(kafka: KafkaSettings, url: str, known: int) -> None:
    """Everything that was known is absorbed and told."""
    connection = await asyncpg.connect(url)
    await until_cursor(connection, kafka.name_of(topics.FACTS), known)
    await until_idle(connection)
    await connection.close()


async def s7(place: Place) -> Row:
    """One fact at 100/s: acknowledged on the topic to outcome readable."""
    kafka, url, known = await known_district(place)

    async def value() -> Sample:
        async with place.service("scoring", place.environment(kafka, url)) as (_, process):
            await until_rested(kafka, url, known)
            made = await journeys(kafka, COMPOUNDS, rate=RATE, seconds=SECONDS)
            memory = process.memory_info().rss
        latencies = sorted(one.seconds for one in made)
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


class Journey(NamedTuple):
    """One fact: when it was sent, acknowledged, and when the outcome that names it as its cause was read."""

    fact: str
    sent: float
    acknowledged: float
    arrived: float

    @property
    def seconds(self) -> float:
        """From the acknowledgement to the outcome; the answer may have come after it."""
        return max(0.0, self.arrived - self.acknowledged)


async def journeys(kafka: KafkaSettings, compounds: int, *, rate: int, seconds: int) -> list[Journey]:
    """Lamps going on and off at an even rate; facts that share an outcome with a later one are left out."""
    outcomes = kafka.name_of(topics.OUTCOMES)
    reader = AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap, fetch_max_wait_ms=50)
    await reader.start()
    partitions = [TopicPartition(outcomes, p) for p in range(kafka.partitions)]
    reader.assign(partitions)
    await reader.seek_to_end(*partitions)
    for partition in partitions:
        await reader.position(partition)
    arrived: dict[str, float] = {}
    sent: dict[str, float] = {}
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

    async def send(number: int) -> None:
        # Round by round over all compounds, so that each fact turns the lamp and is the cause of an outcome.
        lit = (number // compounds) % 2 == 1
        compound = traffic.compound_id(number % compounds)
        key, value = traffic.toggle(rng, compound, datetime.now(UTC), lit=lit)
        fact = id_of(value)
        sent[fact] = time.perf_counter()
        await producer.send(kafka.name_of(topics.FACTS), value, key=key.encode())
        acknowledged[fact] = time.perf_counter()

    began = time.perf_counter()
    async with asyncio.TaskGroup() as sends:
        for number in range(rate * seconds):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            sends.create_task(send(number))
    await asyncio.sleep(SETTLE_SECONDS)
    reading.cancel()
    await producer.stop()
    await reader.stop()
    return [
        Journey(fact, sent[fact], at, arrived[fact]) for fact, at in acknowledged.items() if fact in arrived
    ]


def id_of(value: bytes) -> str:
    """The id of an event in bytes."""
    at = value.index(b'"id":"') + 6
    return value[at : value.index(b'"', at)].decode()
