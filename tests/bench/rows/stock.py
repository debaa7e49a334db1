"""A scoring database that already holds facts, copied for each run, and how a service is watched over it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import asyncpg
import psutil
from shared.events import topics
from shared.runtime.settings import KafkaSettings

from tests.bench import traffic
from tests.bench.harness import Sample
from tests.bench.place import Place, fill, make_topics
from tests.bench.proving import differing
from tests.bench.seeding import Size, seed

SETTLE_SECONDS_MAX = 240
MEASURED_SEED = 1_000_003
WARM_FACTS = 50_000
"""Read before the clock starts: pages of a copied database are written whole once, whoever touches them."""
PROVED = 200
"""Compounds of each stock that are computed anew before anything is measured."""
LARGE = 500_000


class Stock:
    """A stocked database, kept as a template for every run, and facts to come on a topic."""

    def __init__(
        self, place: Place, *, compounds: int, facts_each: int, measured: int, steps: bool = True
    ) -> None:
        self._place = place
        self.compounds, self._facts_each, self.measured = compounds, facts_each, measured
        self._steps = steps
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
        size = Size(self.compounds, self._facts_each, self.kafka.partitions, steps=int(self._steps))
        await seed(self._template, self.facts, size, now)
        ids = traffic.compound_ids(self.compounds)
        wrong = await differing(self._template, ids, PROVED)
        assert not wrong, wrong[:5]
        await fill(self.kafka, self.facts, traffic.facts(self.measured, ids, now, seed=MEASURED_SEED))

    async def fresh(self) -> str:
        """A copy of the stocked database; the copy before it is gone then."""
        name = f"{self._template.rsplit('/', 1)[1]}_run_{time.monotonic_ns() % 10**9}"
        template = self._template.rsplit("/", 1)[1]
        admin = await asyncpg.connect(self._place.postgres)
        if self._copy is not None:
            await admin.execute(f'DROP DATABASE "{self._copy}"')
        await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')
        await admin.execute("CHECKPOINT")
        await admin.close()
        self._copy = name
        return self._template.rsplit("/", 1)[0] + f"/{name}"

    async def fresh_apart(self) -> tuple[str, KafkaSettings]:
        """A copy whose cursors stand at the beginning of empty topics."""
        kafka = self._place.kafka()
        await make_topics(kafka)
        url = await self.fresh()
        connection = await asyncpg.connect(url)
        await connection.execute("UPDATE input_cursor SET topic = $1", kafka.name_of(topics.FACTS))
        await connection.close()
        return url, kafka


async def large(place: Place) -> Stock:
    """Half a million compounds with 10 facts each, made once for all rows of one place."""
    if "large" not in place.kept:
        stock = Stock(place, compounds=LARGE, facts_each=10, measured=150_000, steps=False)
        await stock.prepare()
        place.kept["large"] = stock
    found = place.kept["large"]
    assert isinstance(found, Stock)
    return found


async def absorbed(url: str, process: psutil.Process, topic: str, begin: int, end: int) -> Sample:
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
            began_at, began, cpu = time.perf_counter(), last, await cpu_seconds(connection, process)
    seconds, now = time.perf_counter() - began_at, await cpu_seconds(connection, process)
    await connection.close()
    facts = last - began
    python, postgres = ((after - before) / facts * 1e6 for before, after in zip(cpu, now, strict=True))
    detail = {
        "events": facts,
        "service_us": round(python, 1),
        "postgres_us": round(postgres, 1),
        "rss_mib": round(process.memory_info().rss / 2**20),
    }
    return Sample(facts / seconds, detail)


async def cpu_seconds(connection: asyncpg.Connection[Any], process: psutil.Process) -> tuple[float, float]:
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


async def until_cursor(connection: asyncpg.Connection[Any], facts: str, end: int) -> None:
    """So many facts are absorbed."""
    query = "SELECT coalesce(sum(next_offset), 0) >= $2 FROM input_cursor WHERE topic = $1"
    await until(
        lambda: connection.fetchval(query, facts, end), "facts were not absorbed in time", seconds=0.02
    )


async def until_idle(connection: asyncpg.Connection[Any]) -> None:
    """No work is due and nothing waits to be published."""
    query = """SELECT NOT EXISTS (SELECT FROM work WHERE not_before <= now() + interval '10 s')
        AND NOT EXISTS (SELECT FROM outbox)"""
    await until(lambda: connection.fetchval(query), "work and outbox did not run dry", seconds=0.02)
