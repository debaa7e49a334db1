"""S1 and S7: how fast facts on the topic become committed scores, and how soon one outcome can be read."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from shared.events import topics
from shared.runtime.clock import SystemClock
from shared.runtime.metrics import Metrics
from shared.runtime.producer import RecordProducer
from shared.runtime.settings import KafkaSettings

from tests.bench import traffic
from tests.bench.harness import Row, Sample
from tests.bench.place import Place, fill, make_topics, run_floor

SETTLE_SECONDS_MAX = 240
SETTLE_SECONDS = 3.0


class Loaded:
    """A scoring database that already holds facts, kept as a template for every run."""

    def __init__(self, place: Place, *, compounds: int, known: int, measured: int) -> None:
        self._place = place
        self._compounds, self._known, self.measured = compounds, known, measured
        self.kafka: KafkaSettings
        self.end = 0
        self._template = ""

    async def prepare(self) -> None:
        """Register, load the known facts through the service itself, then append the measured ones."""
        now = datetime.now(UTC)
        self.kafka = self._place.kafka()
        await make_topics(self.kafka)
        self._template = await self._place.database("scoring")
        await fill(
            self.kafka,
            self.kafka.name_of(topics.REGISTRY),
            traffic.registrations(self._compounds, now),
        )
        facts = self.kafka.name_of(topics.FACTS)
        known = await fill(self.kafka, facts, traffic.facts(self._known, self._compounds, now, seed=1))
        environment = self._place.environment(self.kafka, self._template)
        async with self._place.service("scoring", environment):
            await _until_cursor(self._template, facts, known)
            await _until_idle(self._template)
        self.end = known + await fill(
            self.kafka, facts, traffic.facts(self.measured, self._compounds, now, seed=2)
        )

    async def fresh(self) -> str:
        """A copy of the loaded database."""
        name = f"bench_run_{uuid.uuid4().hex[:8]}"
        admin = await asyncpg.connect(self._place.postgres)
        await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{self._template.rsplit("/", 1)[1]}"')
        await admin.close()
        return self._template.rsplit("/", 1)[0] + f"/{name}"


async def s1(place: Place) -> Row:
    """Full scoring path against bare consume and store (F1)."""
    loaded = Loaded(place, compounds=1_000, known=60_000, measured=40_000)
    await loaded.prepare()
    facts = loaded.kafka.name_of(topics.FACTS)

    async def value() -> Sample:
        url = await loaded.fresh()
        async with place.service("scoring", place.environment(loaded.kafka, url), ready=False) as (
            _,
            process,
        ):
            (began_at, began), (ended_at, ended) = await _watch_cursor(url, facts, loaded.end)
            memory = process.memory_info().rss
        rate = (ended - began) / (ended_at - began_at)
        return Sample(rate, {"rss_mib": round(memory / 2**20), "events": ended - began})

    async def floor() -> Sample:
        done = await run_floor(
            "f1", loaded.kafka.bootstrap, facts, loaded.kafka.partitions, place.postgres, loaded.measured
        )
        return Sample(done["events"] / done["seconds"], done)

    return Row(
        name="S1",
        what="full scoring path, one process, 1,000 compounds with 60 facts each already there",
        unit="facts/s",
        target="at least 0.20 of F1 (10,000 compounds with 200 facts each)",
        value=value,
        floor=floor,
    )


async def s7(place: Place) -> Row:
    """One fact at 100/s: acknowledged on the topic to outcome readable."""
    compounds = 400
    kafka = place.kafka()
    await make_topics(kafka)
    url = await place.database("scoring")
    now = datetime.now(UTC)
    await fill(kafka, kafka.name_of(topics.REGISTRY), traffic.registrations(compounds, now))
    facts = kafka.name_of(topics.FACTS)
    known = await fill(kafka, facts, traffic.facts(5_000, compounds, now))

    async def value() -> Sample:
        async with place.service("scoring", place.environment(kafka, url)) as (_, process):
            await _until_cursor(url, facts, known)
            await _until_idle(url)
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


async def _watch_cursor(url: str, topic: str, end: int) -> tuple[tuple[float, int], tuple[float, int]]:
    """((time, position) when the cursor first moved, the same when it reached `end`)."""
    connection = await asyncpg.connect(url)
    query = "SELECT coalesce(sum(next_offset), 0) FROM input_cursor WHERE topic = $1"
    first = last = int(await connection.fetchval(query, topic))
    began: tuple[float, int] | None = None
    deadline = time.monotonic() + SETTLE_SECONDS_MAX
    while last < end:
        assert time.monotonic() < deadline, f"cursor stands at {last} of {end}"
        await asyncio.sleep(0.01)
        last = int(await connection.fetchval(query, topic))
        if began is None and last > first:
            began = (time.perf_counter(), last)
    await connection.close()
    assert began is not None
    return began, (time.perf_counter(), last)


async def until(holds: Callable[[], Awaitable[bool]], otherwise: str, *, seconds: float = 0.1) -> None:
    """Look every `seconds` until it holds; AssertionError with the words given at the deadline."""
    deadline = time.monotonic() + SETTLE_SECONDS_MAX
    while not await holds():
        assert time.monotonic() < deadline, otherwise
        await asyncio.sleep(seconds)


async def _until_cursor(url: str, topic: str, end: int) -> None:
    connection: asyncpg.Connection[Any] = await asyncpg.connect(url)
    query = "SELECT coalesce(sum(next_offset), 0) >= $2 FROM input_cursor WHERE topic = $1"
    await until(lambda: connection.fetchval(query, topic, end), "facts were not absorbed in time")
    await connection.close()


async def _until_idle(url: str) -> None:
    """No work is due and nothing waits to be published."""
    connection: asyncpg.Connection[Any] = await asyncpg.connect(url)
    query = """SELECT NOT EXISTS (SELECT FROM work WHERE not_before <= now() + interval '10 s')
        AND NOT EXISTS (SELECT FROM outbox)"""
    await until(lambda: connection.fetchval(query), "work and outbox did not run dry")
    await connection.close()
