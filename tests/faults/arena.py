"""Where scoring is hurt: three workers, each behind a wire of its own, and a look at their backends."""

import asyncio
import json
import random
import sys
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
from shared.embedded.errors import PortTakenError
from shared.embedded.servers import Servers
from shared.events.topics import FACTS
from shared.runtime.away import DATABASE_AWAY
from shared.runtime.settings import KafkaSettings

from tests.eventually import eventually
from tests.faults.crew import Crew
from tests.faults.traffic import Traffic
from tests.integration.runtime.proxy import CuttingProxy

WORKERS = 3
WRITER = "scoring/writer-facts"
TEND_SECONDS = 0.3
REVIVE_SECONDS_MAX = 30.0


class Backend(NamedTuple):
    """One connection of a worker as the database sees it."""

    pid: int
    worker: str
    purpose: str
    state: str
    waits_for: str
    query: str


class Sql:
    """A connection of the harness itself; made anew when the server has been away."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._turn = asyncio.Lock()
        self._connection: asyncpg.Connection | None = None

    async def fetch(self, query: str, *values: Any) -> list[asyncpg.Record]:
        while True:
            # The lanes ask side by side, and a connection answers one question at a time.
            async with self._turn:
                try:
                    if self._connection is None or self._connection.is_closed():
                        self._connection = await asyncpg.connect(self.url, timeout=5)
                    return await self._connection.fetch(query, *values)
                except DATABASE_AWAY:
                    await self.close()
            await asyncio.sleep(0.2)

    async def close(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
        self._connection = None


@dataclass
class Arena:
    """One run's topics, database and workers."""

    servers: Servers
    kafka: KafkaSettings
    url: str
    folder: Path
    traffic: Traffic
    everybody: bool
    chance: random.Random
    faults: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    takeover_seconds: list[float] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    ahead: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        given = {
            "kafka": self.kafka.model_dump(),
            "clock": str(self.traffic.clock_file),
            "everybody": self.everybody,
        }
        self.crew = Crew([sys.executable, "-m", "tests.faults.scoring_worker"], given, self.folder)
        self.sql = Sql(self.url)
        self.facts = self.kafka.name_of(FACTS)
        self.wires: dict[str, CuttingProxy] = {}
        self._stack = AsyncExitStack()
        self._tending = asyncio.create_task(self._tend())

    def note(self, kind: str, **details: Any) -> None:
        """One fault has happened: counted, and written down beside the logs of the workers."""
        self.faults[kind] += 1
        line = {"timestamp": datetime.now(UTC).isoformat(), "event": kind, **details}
        with (self.folder / "faults.jsonl").open("a") as stream:
            stream.write(json.dumps(line) + "\n")

    async def hire(self, **more: Any) -> str:
        """One more worker, behind a wire of its own."""
        wire = await self._stack.enter_async_context(CuttingProxy(self.url))
        name = self.crew.start(url=wire.url, **more)
        self.wires[name] = wire
        return name

    async def _tend(self) -> None:
        """Start anew whoever ends by himself, as a supervisor does; until cancelled."""
        while True:
            for _ in self.crew.ended():
                self.seen["ended by itself"] += 1
                await self.hire()
            await asyncio.sleep(TEND_SECONDS)

    async def begin(self) -> None:
        """All workers at work: every partition has an owner."""
        for _ in range(WORKERS):
            await self.hire()

        async def claimed() -> bool:
            rows = await self.sql.fetch("SELECT 1 FROM input_cursor WHERE topic = $1", self.facts)
            return len(rows) == self.kafka.partitions and len(self.crew.at_work()) == WORKERS

        await eventually(claimed, 60)

    async def revive(self) -> None:
        """Start again what has ended; the port of a killed server is free when its last thread is gone."""
        until = time.monotonic() + REVIVE_SECONDS_MAX
        while True:
            try:
                await asyncio.to_thread(self.servers.revive)
            except PortTakenError:
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(0.1)
            else:
                return

    async def dismiss(self) -> None:
        """Everybody leaves in order."""
        self._tending.cancel()
        await self.crew.dismiss()

    async def close(self) -> None:
        self._tending.cancel()
        self.crew.end()
        await self.sql.close()
        await self._stack.aclose()

    async def backends(self) -> list[Backend]:
        """What the awake workers do in the database at this moment."""
        owners = {port: name for name, wire in self.wires.items() for port in wire.ports}
        rows = await self.sql.fetch(
            "SELECT pid, client_port, application_name, coalesce(state, ''), coalesce(wait_event_type, '')"
            " || '/' || coalesce(wait_event, ''), query FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return [Backend(row[0], owners[row[1]], *row[2:]) for row in rows if row[1] in owners]

    async def writers(self, *, owning: bool = False) -> list[Backend]:
        """The writing backends of awake workers; `owning`: of those that own partitions now."""
        awake = set(self.crew.at_work())
        found = [one for one in await self.backends() if one.purpose == WRITER and one.worker in awake]
        if owning:
            rows = await self.sql.fetch("SELECT owner_pid FROM input_cursor WHERE topic = $1", self.facts)
            owners = {row[0] for row in rows}
            found = [one for one in found if one.pid in owners]
        return sorted(found, key=lambda one: one.worker)
