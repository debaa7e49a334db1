"""S9: what it costs to correct a fact of 300 days ago, the past put right, beside an ordinary fact."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import asyncpg
import msgspec
import psutil
from shared.events import topics

from tests.bench import traffic
from tests.bench.harness import Row, Sample
from tests.bench.place import Place, fill
from tests.bench.rows.stock import Stock, cpu_seconds, until_cursor, until_idle

COMPOUNDS = 5_000
AGE_DAYS = 300
QUIET_SECONDS = 3.0
# One fact of each compound, a few days around; what corrects a correction would be another case.
OLD = """
SELECT DISTINCT ON (l.compound) b.body FROM ledger l
JOIN ledger_body b ON b.partition = l.partition AND b.ledger_seq = l.ledger_seq
WHERE l.day BETWEEN $1 AND $2 AND l.revision = 1 AND l.kind IN ('incident.recorded', 'inspection.recorded')
ORDER BY l.compound, l.day
"""


class Spent(NamedTuple):
    """Microseconds of CPU a fact: until it was absorbed, and until nothing was left to do for it."""

    absorbed: float
    done: float


async def s9(place: Place) -> Row:
    """Ordinary facts, then corrections of old ones, in one process over one stock."""
    stock = Stock(place, compounds=COMPOUNDS, facts_each=200, measured=0)
    await stock.prepare()
    pairs: list[tuple[Spent, Spent, float]] = []

    async def floor() -> Sample:
        pairs.append(await _pair(place, stock))
        ordinary, _, _ = pairs[-1]
        return Sample(ordinary.done, {"absorbed_us": round(ordinary.absorbed, 1)})

    async def value() -> Sample:
        _, correction, memory = pairs[-1]
        return Sample(
            correction.done,
            {
                "absorbed_us": round(correction.absorbed, 1),
                "refold_us": round(correction.done - correction.absorbed, 1),
                "rss_mib": round(memory / 2**20),
            },
        )

    return Row(
        name="S9",
        what="CPU of a correction of a 300-day-old fact, its past put right, over an ordinary fact",
        unit="µs",
        target="at most 3 of an ordinary fact",
        value=value,
        floor=floor,
    )


async def _pair(place: Place, stock: Stock) -> tuple[Spent, Spent, float]:
    url, kafka = await stock.fresh_apart()
    facts = kafka.name_of(topics.FACTS)
    connection = await asyncpg.connect(url)
    async with place.service("scoring", place.environment(kafka, url)) as (_, process):
        at = 0
        rng = random.Random(len(facts))
        warm, ordinary, corrections = await _events(connection, rng)

        async def spent(records: Iterable[tuple[str, bytes]]) -> Spent:
            nonlocal at
            idle = await _idle_rate(connection, process)
            before, began = sum(await cpu_seconds(connection, process)), time.perf_counter()
            count = await fill(kafka, facts, records)
            at += count
            await until_cursor(connection, facts, at)
            absorbed = sum(await cpu_seconds(connection, process)) - before
            between = time.perf_counter() - began
            await until_idle(connection)
            done = sum(await cpu_seconds(connection, process)) - before
            seconds = time.perf_counter() - began
            return Spent((absorbed - idle * between) / count * 1e6, (done - idle * seconds) / count * 1e6)

        await spent(warm)
        pair = (await spent(ordinary), await spent(corrections), float(process.memory_info().rss))
    await connection.close()
    return pair


async def _events(
    connection: asyncpg.Connection[Any], rng: random.Random
) -> tuple[list[tuple[str, bytes]], list[tuple[str, bytes]], list[tuple[str, bytes]]]:
    """As many facts of today as corrections of old ones, one a compound, of the same kinds; first a few
    hundred of each, that warm up."""
    now = datetime.now(UTC)
    around = date.fromordinal(now.toordinal() - AGE_DAYS)
    rows = await connection.fetch(OLD, around - timedelta(days=5), around + timedelta(days=5))
    old = [msgspec.json.decode(row[0]) for row in rows]
    rng.shuffle(old)
    some = len(old) // 5
    ordinary = [_keyed(_of_today(rng, event, now)) for event in old]
    corrections = [_keyed(_corrected(rng, event, now)) for event in old]
    return ordinary[:some] + corrections[:some], ordinary[some:], corrections[some:]


def _of_today(rng: random.Random, event: dict[str, Any], now: datetime) -> dict[str, Any]:
    return {**event, "id": traffic.uuid_of(rng), "time": now.isoformat(), "receivedtime": now.isoformat()}


def _corrected(rng: random.Random, event: dict[str, Any], now: datetime) -> dict[str, Any]:
    data = dict(event["data"])
    if "code" in data:
        data["code"] = traffic.CODES[(traffic.CODES.index(data["code"]) + 1) % len(traffic.CODES)]
    else:
        first, *others = data["checks"]
        data["checks"] = [{**first, "result": "pass" if first["result"] == "fail" else "fail"}, *others]
    more = {"id": traffic.uuid_of(rng), "rootid": event["id"], "revision": 2, "receivedtime": now.isoformat()}
    return {**event, "data": data, **more}


def _keyed(event: dict[str, Any]) -> tuple[str, bytes]:
    return event["subject"], msgspec.json.encode(event)


async def _idle_rate(connection: asyncpg.Connection[Any], process: psutil.Process) -> float:
    """CPU seconds a second of a service that has nothing to do."""
    before, began = sum(await cpu_seconds(connection, process)), time.perf_counter()
    await asyncio.sleep(QUIET_SECONDS)
    used = sum(await cpu_seconds(connection, process)) - before
    return used / (time.perf_counter() - began)
