"""Workers that are killed, frozen and cut off under load, by a seed; then a reader of its own counts."""

import asyncio
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import asyncpg
from shared.events.topics import FACTS
from shared.runtime.clock import SystemClock
from shared.runtime.errors import Retryable
from shared.runtime.metrics import Metrics
from shared.runtime.producer import RecordProducer
from shared.runtime.settings import KafkaSettings

from tests.eventually import eventually
from tests.faults.crew import Crew
from tests.integration.runtime.audit import Audit, audit
from tests.integration.runtime.tally import make_tables

PROGRAM = Path(__file__).parents[1] / "integration" / "runtime" / "tally.py"
WORKERS = 3
PARTITIONS = 6
SESSION_MS = 6000


async def load(kafka: KafkaSettings, until: float, chance: random.Random) -> int:
    """Publishes until then, in bursts; answers how many were acknowledged."""
    producer = RecordProducer(kafka, SystemClock(), Metrics("load"))
    await producer.start()
    sent = 0
    try:
        while time.monotonic() < until:
            partition = chance.randrange(PARTITIONS)
            try:
                for _ in range(chance.choice([1, 1, 1, 30])):
                    await producer.send(kafka.name_of(FACTS), b"%d" % sent, key=b"C", partition=partition)
                    sent += 1
            except Retryable:
                continue
            await asyncio.sleep(0.005)
    finally:
        await producer.stop()
    return sent


async def hurt(crew: Crew, sql: asyncpg.Connection, until: float, chance: random.Random) -> Counter[str]:
    """One fault after the other, by the seed; answers how many of each kind."""
    done: Counter[str] = Counter()
    while time.monotonic() < until:
        awake = crew.at_work()
        kind = chance.choice(["kill", "freeze", "freeze long", "cut", "steal"])
        if kind == "kill" and len(awake) > 1:
            crew.kill(chance.choice(awake))
            crew.start()
        elif kind.startswith("freeze") and len(awake) > 1:
            name = chance.choice(awake)
            await crew.freeze(name)
            await asyncio.sleep(SESSION_MS / 1000 + 3 if kind == "freeze long" else chance.uniform(0.1, 2))
            crew.thaw(name)
        elif kind == "cut":
            await sql.execute(
                "SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity WHERE"
                " datname = current_database() AND pid <> pg_backend_pid() ORDER BY random() LIMIT 3) AS s"
            )
        elif kind == "steal":
            await sql.execute(
                "UPDATE input_cursor SET epoch = epoch + 1 WHERE partition = $1", chance.randrange(6)
            )
        else:
            continue
        done[kind] += 1
        await asyncio.sleep(chance.uniform(0.2, 1.5))
    return done


async def endure(
    kafka: KafkaSettings, url: str, folder: Path, *, seconds: float, seed: int
) -> tuple[dict[str, Any], Audit, Counter[str]]:
    """Hurt three workers for so long; the figures, what the audit found, and what the workers logged.

    `kafka` has PARTITIONS partitions and SESSION_MS; `url` is an empty database.
    """
    await make_tables(url)
    sql = await asyncpg.connect(url)
    given = {"kafka": kafka.model_dump(), "url": url}
    crew = Crew([sys.executable, str(PROGRAM)], given, folder)
    begin = time.monotonic()
    try:
        for _ in range(WORKERS):
            crew.start()

        async def begun() -> bool:
            return await sql.fetchval("SELECT count(*) FROM input_cursor") == PARTITIONS

        await eventually(begun, 30)
        until = time.monotonic() + seconds
        sent, faults = await asyncio.gather(
            load(kafka, until, random.Random(seed)), hurt(crew, sql, until, random.Random(seed + 1))
        )

        async def settled() -> bool:
            taken = await sql.fetchval('SELECT count(*) FROM taken WHERE "offset" >= 0')
            return taken >= sent and await sql.fetchval("SELECT count(*) FROM outbox") == 0

        await eventually(settled, 60)
    finally:
        crew.end()
        await sql.close()
    found = await audit(kafka, url)
    events = crew.events()
    figures = {
        "faults": dict(faults),
        "fenced": events["fenced"],
        "differences": len(found.ledger_gaps),
        "lost": len(found.lost) + len(found.outcomes_lost),
        "repeated": len(found.doubled) + len(found.outcomes_doubled),
        "records": sent,
        "seconds": round(time.monotonic() - begin, 1),
        "seed": seed,
    }
    return figures, found, events
