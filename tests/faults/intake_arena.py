"""Where intake is hurt: two replicas, each behind three wires, started again whenever they end."""

import asyncio
import contextlib
import json
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import aiohttp
import psutil
from shared.embedded.errors import NotReadyError, PortTakenError
from shared.embedded.ports import any_free
from shared.embedded.servers import Servers
from shared.runtime.settings import KafkaSettings

from tests.eventually import eventually
from tests.faults.crew import Crew
from tests.faults.intake_book import Book, Fault
from tests.faults.intake_wires import ClientWire, KafkaWire, PostgresWire

SLOTS = ("a", "b")
READY_SECONDS_MAX = 40.0
REVIVE_SECONDS_MAX = 200.0
TEND_SECONDS = 0.1
LOOK_SECONDS = 2.0
FATAL = 1


@dataclass
class Slot:
    """A place for a replica: its wires stay, the processes behind them come and go."""

    name: str
    kafka: KafkaWire
    postgres: PostgresWire
    front: ClientWire
    worker: str = ""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass
class Arena:
    """One run's topics, database and replicas."""

    servers: Servers
    kafka: KafkaSettings
    url: str
    folder: Path
    book: Book
    chance: random.Random
    faults: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    troubles: list[str] = field(default_factory=list)
    away: set[str] = field(default_factory=set)
    """Servers that are killed and not back yet."""
    memory: dict[str, list[float]] = field(default_factory=dict)
    """MB of each process, every two seconds."""

    def __post_init__(self) -> None:
        command = [sys.executable, "-m", "tests.faults.intake_worker"]
        self.crew = Crew(command, {}, self.folder)
        self.slots: list[Slot] = []
        self._stack = AsyncExitStack()
        self._tasks: list[asyncio.Task[None]] = []

    async def begin(self) -> None:
        """Both replicas are ready."""
        self._session = await self._stack.enter_async_context(
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5))
        )
        for name in SLOTS:
            wires = [
                await self._stack.enter_async_context(wire)
                for wire in (
                    KafkaWire(int(self.kafka.bootstrap.rpartition(":")[2])),
                    PostgresWire(urlsplit(self.url).port or 5432),
                    ClientWire(any_free()),
                )
            ]
            self.slots.append(Slot(name, *wires))  # type: ignore[arg-type]  # one of each, in that order
        self._tasks = [asyncio.create_task(self._tend(slot)) for slot in self.slots]
        self._tasks.append(asyncio.create_task(self._look()))
        await eventually(self.all_ready, READY_SECONDS_MAX)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.crew.end()
        await self._stack.aclose()

    @property
    def doors(self) -> dict[str, str]:
        """Where clients post, by slot."""
        return {slot.name: f"http://127.0.0.1:{slot.front.port}" for slot in self.slots}

    def note(self, kind: str, begin: float, slot: str = "", **details: object) -> None:
        """One fault has happened, from then until now: counted, kept, and written down beside the logs."""
        self.faults[kind] += 1
        self.book.faults.append(Fault(kind, slot, begin, time.time()))
        line = {"timestamp": datetime.now(UTC).isoformat(), "event": kind, "slot": slot, **details}
        with (self.folder / "faults.jsonl").open("a") as stream:
            stream.write(json.dumps(line) + "\n")

    def at_work(self) -> list[Slot]:
        """Slots with a replica that has been ready, is not frozen, and is not being replaced."""
        return [
            slot
            for slot in self.slots
            if slot.worker in self.crew.processes
            and slot.worker not in self.crew.frozen
            and not slot.lock.locked()
        ]

    async def all_ready(self) -> bool:
        """Whether both replicas say so."""
        return len(self.at_work()) == len(SLOTS) and all(
            [await self.is_ready(slot.front.to_port) for slot in self.slots]
        )

    async def is_ready(self, port: int) -> bool:
        with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
            async with self._session.get(f"http://127.0.0.1:{port}/readyz") as response:
                return response.status == 200
        return False

    async def hire(self, slot: Slot) -> bool:
        """A replica for the slot: clients reach it once it is ready; False when it gave up before."""
        port = any_free()
        parts = urlsplit(self.url)
        user = parts.netloc.rpartition("@")[0]
        name = self.crew.start(
            port=port,
            url=urlunsplit(parts._replace(netloc=f"{user}@127.0.0.1:{slot.postgres.port}")),
            kafka=self.kafka.model_dump() | {"bootstrap": f"127.0.0.1:{slot.kafka.port}"},
            clock=str(self.folder / f"{slot.name}.clock"),
        )
        process = self.crew.processes[name]
        until = time.monotonic() + READY_SECONDS_MAX
        while process.poll() is None and time.monotonic() < until:
            if await self.is_ready(port):
                slot.front.to_port, slot.worker = port, name
                return True
            await asyncio.sleep(TEND_SECONDS)
        self.crew.kill(name)
        self.seen["gave up while starting"] += 1
        return False

    @asynccontextmanager
    async def frozen(self, slot: Slot) -> AsyncIterator[None]:
        """Its process stands still."""
        name = slot.worker
        await self.crew.freeze(name)
        try:
            yield
        finally:
            self.crew.thaw(name)

    async def revive(self) -> None:
        """Start again what has ended; the port of a killed server is free when its last thread is gone.

        A server that is slow to come back on a loaded machine is started once more.
        """
        until = time.monotonic() + REVIVE_SECONDS_MAX
        while True:
            try:
                await asyncio.to_thread(self.servers.revive)
            except (PortTakenError, NotReadyError):
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(TEND_SECONDS)
            else:
                return

    async def _tend(self, slot: Slot) -> None:
        """Start anew whatever has ended, as a supervisor does; until cancelled."""
        while True:
            async with slot.lock:
                process = self.crew.processes.get(slot.worker)
                if process is not None and (code := process.poll()) is not None:
                    self.seen["ended by itself"] += 1
                    if code == FATAL:
                        self.troubles.append(f"{slot.worker} ended by itself as fatal")
                    self.crew.kill(slot.worker)
                if slot.worker not in self.crew.processes:
                    await self.hire(slot)
            await asyncio.sleep(TEND_SECONDS)

    async def _look(self) -> None:
        """How much memory everybody takes; until cancelled."""
        while True:
            for name, process in list(self.crew.processes.items()):
                with contextlib.suppress(psutil.Error):
                    size = psutil.Process(process.pid).memory_info().rss
                    self.memory.setdefault(name, []).append(round(size / 1e6, 1))
            await asyncio.sleep(LOOK_SECONDS)
