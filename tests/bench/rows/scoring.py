"""S rows: how fast facts become committed scores, how soon an outcome can be read, what a compound weighs."""

from __future__ import annotations

import asyncio
import json
import os
import random
import statistics
import time
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from itertools import chain
from typing import Any

import asyncpg
import psutil
from aiokafka import AIOKafkaConsumer, TopicPartition
from shared.events import topics
from shared.runtime.clock import SystemClock
from shared.runtime.metrics import Metrics
from shared.runtime.producer import RecordProducer
from shared.runtime.settings import KafkaSettings

from tests.bench import traffic
from tests.bench.harness import Row, Sample
from tests.bench.place import Place, fill, make_topics, run_floor, run_module
from tests.bench.seeding import Size, seed

SETTLE_SECONDS_MAX = 240
SETTLE_SECONDS = 3.0
SUBSCRIBED_FACTS = 400_000
BATCH_RECORDS_MAX = 10_000
MEASURED_SEED = 1_000_003
WARM_FACTS = 50_000
"""Read before the clock starts: pages of a copied database are written whole once, whoever touches them."""


class Stock:
    """A scoring database that already holds facts, kept as a template for every run, and facts to come."""

    def __init__(self, place: Place, *, compounds: int, facts_each: int, measured: int) -> None:
        self._place = place
        self._compounds, self._facts_each, self.measured = compounds, facts_each, measured
        self.kafka: KafkaSettings
        self.facts = ""
        self._template = ""
        self._copy: str | None = None

    async def prepare(self) -> None:
        """Write what is known into the database, and what is to be measured onto the topic."""
        now = datetime.now(UTC)
        self.kafka = self._place.kafka()
        self.facts = self.kafka.name_of(topics.FACTS)
        await make_topics(self.kafka)
        self._template = await self._place.database("scoring")
        size = Size(self._compounds, self._facts_each, self.kafka.partitions)
        await seed(self._template, self.facts, size, now)
        coming = traffic.facts(self.measured, traffic.compound_ids(self._compounds), now, seed=MEASURED_SEED)
        await fill(self.kafka, self.facts, coming)

    async def fresh(self) -> str:
        """A copy of the stocked database; the copy before it is gone then."""
        name = f"bench_run_{uuid.uuid4().hex[:8]}"
        template = self._template.rsplit("/", 1)[1]
        admin = await asyncpg.connect(self._place.postgres)
        if self._copy is not None:
            await admin.execute(f'DROP DATABASE "{self._copy}"')
        await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')
        await admin.execute("CHECKPOINT")
        await admin.close()
        self._copy = name
        return self._template.rsplit("/", 1)[0] + f"/{name}"


async def s1(place: Place) -> Row:
    """Full scoring path against bare consume and store (F1)."""
    stock = Stock(place, compounds=10_000, facts_each=200, measured=150_000)
    await stock.prepare()

    async def value() -> Sample:
        url = await stock.fresh()
        environment = place.environment(stock.kafka, url)
        async with place.service("scoring", environment, ready=False) as (_, process):
            return await _absorbed(url, process, stock.facts, WARM_FACTS, stock.measured)

    async def floor() -> Sample:
        done = await run_floor(
            "f1", stock.kafka.bootstrap, stock.facts, stock.kafka.partitions, place.postgres, stock.measured
        )
        return Sample(done["events"] / done["seconds"], done)

    return Row(
        name="S1",
        what="full scoring path, one process, 10,000 compounds with 200 facts each already there",
        unit="facts/s",
        target="at least 0.20 of F1",
        value=value,
        floor=floor,
    )


async def s6(place: Place) -> Row:
    """The subscriber as the product builds it against bare getmany (F4)."""
    kafka = place.kafka()
    await make_topics(kafka)
    topic = kafka.name_of(topics.FACTS)
    compounds = traffic.compound_ids(10_000)
    once = list(traffic.facts(SUBSCRIBED_FACTS // 4, compounds, datetime.now(UTC)))
    await fill(kafka, topic, chain(once, once, once, once))

    async def side(module: str) -> Sample:
        arguments = (kafka.bootstrap, topic, BATCH_RECORDS_MAX, SUBSCRIBED_FACTS)
        done = json.loads(await run_module(f"tests.bench.{module}", os.environ, *arguments))
        return Sample(
            done["cpu_seconds"] / done["events"] * 1e6,
            {"per_second": round(done["events"] / done["seconds"])},
        )

    return Row(
        name="S6",
        what="FastStream batch subscriber as the product builds it, CPU per event",
        unit="µs",
        target="at most 1.15 of F4",
        value=lambda: side("subscribing"),
        floor=lambda: side("floors.f4"),
        runs=7,
    )


async def s11(place: Place) -> Row:
    """Memory of a compound that is held in the cache."""
    stock = Stock(place, compounds=5_000, facts_each=200, measured=0)
    await stock.prepare()
    environment = place.environment(stock.kafka, await stock.fresh())

    async def value() -> Sample:
        done = json.loads(await run_module("tests.bench.holding", environment, stock.facts, 5_000))
        return Sample(done["bytes"], done)

    return Row(
        name="S11",
        what="memory per compound held in cache, 200 facts each",
        unit="bytes",
        target="at most 4,000",
        value=value,
        runs=3,
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
    known = await fill(kafka, facts, traffic.facts(5_000, traffic.compound_ids(compounds), now))

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


async def _absorbed(url: str, process: psutil.Process, topic: str, begin: int, end: int) -> Sample:
    """Facts per second while the cursors go from `begin` to `end`, and CPU per fact."""
    connection = await asyncpg.connect(url)
    query = "SELECT coalesce(sum(next_offset), 0) FROM input_cursor WHERE topic = $1"
    last = int(await connection.fetchval(query, topic))
    assert last == 0
    began_at, began, cpu = 0.0, 0, (0.0, 0.0)
    deadline = time.monotonic() + SETTLE_SECONDS_MAX
    while last < end:
        assert time.monotonic() < deadline, f"cursor stands at {last} of {end}"
        await asyncio.sleep(0.01)
        last = int(await connection.fetchval(query, topic))
        if last >= begin and not began:
            began_at, began, cpu = time.perf_counter(), last, await _cpu_seconds(connection, process)
    seconds, now = time.perf_counter() - began_at, await _cpu_seconds(connection, process)
    await connection.close()
    absorbed = last - began
    python, postgres = ((after - before) / absorbed * 1e6 for before, after in zip(cpu, now, strict=True))
    detail = {
        "events": absorbed,
        "service_us": round(python, 1),
        "postgres_us": round(postgres, 1),
        "rss_mib": round(process.memory_info().rss / 2**20),
    }
    return Sample(absorbed / seconds, detail)


async def _cpu_seconds(connection: asyncpg.Connection[Any], process: psutil.Process) -> tuple[float, float]:
    """What the service and its backends have used so far."""
    pids = await connection.fetch(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    backends = [psutil.Process(row[0]).cpu_times() for row in pids if psutil.pid_exists(row[0])]
    own = process.cpu_times()
    return own.user + own.system, sum(one.user + one.system for one in backends)


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
