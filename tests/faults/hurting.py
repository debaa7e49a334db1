"""Workers that are killed, frozen and cut off under load, by a seed; then a reader of its own counts."""

import asyncio
import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
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
from tests.integration.runtime.audit import Audit, audit
from tests.integration.runtime.tally import make_tables

PROGRAM = Path(__file__).parents[1] / "integration" / "runtime" / "tally.py"
WORKERS = 3
PARTITIONS = 6
SESSION_MS = 6000


@dataclass
class Crew:
    """Worker processes that can be hurt, each with its log in a file."""

    kafka: KafkaSettings
    url: str
    folder: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    started: int = 0
    frozen: set[str] = field(default_factory=set)

    def start(self) -> None:
        self.started += 1
        name = f"w{self.started}"
        given = json.dumps({"kafka": self.kafka.model_dump(), "url": self.url, "name": name})
        with (self.folder / f"{name}.log").open("wb") as stream:
            self.processes[name] = subprocess.Popen([sys.executable, str(PROGRAM), given], stderr=stream)

    def at_work(self) -> list[str]:
        """Who has claimed something, ever."""
        return [name for name in sorted(self.processes) if (self.folder / f"{name}.log").stat().st_size]

    def kill(self, name: str) -> None:
        process = self.processes.pop(name)
        self.frozen.discard(name)
        process.kill()
        process.wait()

    def freeze(self, name: str) -> None:
        self.frozen.add(name)
        self.processes[name].send_signal(signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        self.frozen.discard(name)
        self.processes[name].send_signal(signal.SIGCONT)

    def end(self) -> None:
        for name in list(self.processes):
            self.kill(name)

    def events(self) -> Counter[str]:
        """How often the workers logged what."""
        counts: Counter[str] = Counter()
        for path in self.folder.glob("*.log"):
            for line in path.read_bytes().splitlines():
                if line.startswith(b"{"):
                    counts[json.loads(line)["event"]] += 1
        return counts


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
            crew.freeze(name)
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
    crew = Crew(kafka, url, folder)
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
