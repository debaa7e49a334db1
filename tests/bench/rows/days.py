"""S10: how long half a million compounds take when a day is over."""

from __future__ import annotations

import asyncio
import random
import time
from datetime import UTC, datetime, timedelta

import asyncpg
from shared.events import topics

from tests.bench import traffic
from tests.bench.harness import Row, Sample
from tests.bench.place import Place, fill, run_to_end
from tests.bench.rows.stock import SETTLE_SECONDS_MAX, cpu_seconds, large
from tests.bench.seeding import ZONE

CLAIMED = "SELECT count(*) FILTER (WHERE epoch > 0) = count(*) FROM input_cursor WHERE topic = $1"
CLOSED = "SELECT min(closed_day) >= $2 FROM input_cursor WHERE topic = $1"
CHANGED = "SELECT count(*) FILTER (WHERE version > 1), count(*) FROM compound_state"


async def s10(place: Place) -> Row:
    """The day of the stock is over: from the last claim to the last partition closed."""
    stock = await large(place)

    async def value() -> Sample:
        url, kafka = await stock.fresh_apart()
        facts = kafka.name_of(topics.FACTS)
        connection = await asyncpg.connect(url)
        day = (await connection.fetchval("SELECT min(closed_day) FROM input_cursor")) + timedelta(days=1)
        # Noon of the day after: the clock of the service is ahead, and an operator says that this is right.
        noon = datetime.combine(day + timedelta(days=1), datetime.min.time(), ZONE) + timedelta(hours=12)
        ahead = (noon - datetime.now(UTC)).total_seconds()
        environment = place.environment(kafka, url, ANXING_CLOCK_OFFSET_SECONDS=f"{ahead:.0f}")
        await run_to_end(["scoring", "close-days", "--through", day.isoformat(), "--confirm"], environment)
        # Without any news a service whose clock is not the database's begins nothing.
        lamp = traffic.toggle(random.Random(1), traffic.compound_id(0), datetime.now(UTC), lit=True)
        await fill(kafka, facts, [lamp])
        async with place.service("scoring", environment, ready=False) as (_, process):
            deadline = time.monotonic() + SETTLE_SECONDS_MAX
            while not await connection.fetchval(CLAIMED, facts):
                assert time.monotonic() < deadline, "partitions were not claimed in time"
                await asyncio.sleep(0.01)
            began, cpu = time.perf_counter(), await cpu_seconds(connection, process)
            while not await connection.fetchval(CLOSED, facts, day):
                assert time.monotonic() < deadline, "the day was not closed in time"
                await asyncio.sleep(0.02)
            seconds, done = time.perf_counter() - began, await cpu_seconds(connection, process)
            memory = process.memory_info().rss
        changed, compounds = (await connection.fetch(CHANGED))[0]
        await connection.close()
        detail = {
            "compounds": compounds,
            "looked_at": changed,
            "service_seconds": round(done[0] - cpu[0], 2),
            "postgres_seconds": round(done[1] - cpu[1], 2),
            "rss_mib": round(memory / 2**20),
        }
        return Sample(seconds, detail)

    return Row(
        name="S10",
        what="closing a day: 500,000 compounds of which one in 20 can change",
        unit="s",
        target="at most 30 s",
        value=value,
        runs=3,
    )
