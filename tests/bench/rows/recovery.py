"""S8: an owner is killed; how long its partitions stand still beyond the session timeout."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

import asyncpg
import psutil
from shared.events import topics
from shared.runtime.clock import SystemClock
from shared.runtime.metrics import Metrics
from shared.runtime.producer import RecordProducer
from shared.runtime.settings import KafkaSettings

from tests.bench import traffic
from tests.bench.harness import Row, Sample
from tests.bench.place import Place, fill, make_topics
from tests.bench.rows.stock import until, until_cursor

COMPOUNDS = 240
FACTS_PER_SECOND = 100
AFTERLIFE_SECONDS = 0.5
OWNERS = """
SELECT c.partition, c.next_offset, a.client_port
FROM input_cursor c LEFT JOIN pg_stat_activity a ON a.pid = c.owner_pid WHERE c.topic = $1
"""


async def s8(place: Place) -> Row:
    """Two processes under light traffic, one of them killed."""
    kafka = place.kafka()
    await make_topics(kafka)
    url = await place.database("scoring")
    now = datetime.now(UTC)
    await fill(kafka, kafka.name_of(topics.REGISTRY), traffic.registrations(COMPOUNDS, now))
    facts = kafka.name_of(topics.FACTS)
    known = await fill(kafka, facts, traffic.facts(2_000, traffic.compound_ids(COMPOUNDS), now))
    session = kafka.session_timeout_ms / 1000

    async def value() -> Sample:
        async with AsyncExitStack() as stack:
            environment = place.environment(kafka, url)
            _, survivor = await stack.enter_async_context(place.service("scoring", environment))
            _, victim = await stack.enter_async_context(place.service("scoring", environment))
            connection = await asyncpg.connect(url)
            await until_cursor(connection, facts, known)
            stopping = asyncio.Event()
            sending = asyncio.create_task(_traffic(kafka, stopping))
            await until(lambda: _shared(connection, facts, victim), "partitions were not shared")
            lost = await _owned(connection, facts, victim)
            killed = time.perf_counter()
            victim.send_signal(signal.SIGKILL)
            # What it had sent to the database may still be committed.
            await asyncio.sleep(AFTERLIFE_SECONDS)
            before = await _offsets(connection, facts)

            async def all_move() -> bool:
                offsets = await _offsets(connection, facts)
                return all(offsets[one] > before[one] for one in offsets)

            await until(all_move, "partitions were not taken over", seconds=0.02)
            elapsed = time.perf_counter() - killed
            memory = survivor.memory_info().rss
            stopping.set()
            await sending
            await connection.close()
        detail = {
            "elapsed_seconds": round(elapsed, 2),
            "session_seconds": session,
            "partitions_of_the_killed": len(lost),
            "rss_mib": round(memory / 2**20),
        }
        return Sample(elapsed - session, detail)

    return Row(
        name="S8",
        what="kill -9 of an owner to all its partitions owned and committing, beyond the session timeout",
        unit="s",
        target="at most 2.5 s",
        value=value,
    )


async def _owned(connection: asyncpg.Connection[Any], facts: str, process: psutil.Process) -> list[int]:
    """The partitions whose claim was written over a connection of this process."""
    ports = {one.laddr.port for one in process.net_connections()}
    return [row[0] for row in await connection.fetch(OWNERS, facts) if row[2] in ports]


async def _shared(connection: asyncpg.Connection[Any], facts: str, process: psutil.Process) -> bool:
    """Whether the process has about half of the partitions."""
    owners = await connection.fetch(OWNERS, facts)
    return len(await _owned(connection, facts, process)) >= len(owners) // 3


async def _offsets(connection: asyncpg.Connection[Any], facts: str) -> dict[int, int]:
    return {row[0]: row[1] for row in await connection.fetch(OWNERS, facts)}


async def _traffic(kafka: KafkaSettings, stopping: asyncio.Event) -> None:
    """Lamps going on and off, each compound in turn."""
    producer = RecordProducer(kafka, SystemClock(), Metrics("bench"))
    await producer.start()
    rng = random.Random()
    number = 0
    while not stopping.is_set():
        compound = traffic.compound_id(number % COMPOUNDS)
        lit = (number // COMPOUNDS) % 2 == 1
        key, value = traffic.toggle(rng, compound, datetime.now(UTC), lit=lit)
        await producer.send(kafka.name_of(topics.FACTS), value, key=key.encode())
        number += 1
        await asyncio.sleep(1 / FACTS_PER_SECOND)
    await producer.stop()
