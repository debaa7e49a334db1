"""The composition root of intake: what is built, in which order it starts, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import Awaitable, Callable, Coroutine
from importlib.metadata import version
from typing import Any

from shared.runtime.auth import Directory
from shared.runtime.clock import system_clock
from shared.runtime.database import Database
from shared.runtime.errors import StartupError
from shared.runtime.health import Readiness
from shared.runtime.logs import get_logger
from shared.runtime.metrics import Metrics
from shared.runtime.migrations import check_schema, migrations_of
from shared.runtime.producer import RecordProducer
from shared.runtime.topics import check_topics
from shared.runtime.web import build_app, mounted

from intake.api.contract import list_schemas, read_schema, read_time
from intake.api.events import PATH, EventsRoute
from intake.api.front import Front
from intake.api.openapi import events_path, schemas
from intake.api.receipts import read_receipt
from intake.handlers.door import Door
from intake.metrics import IntakeMetrics
from intake.ports import Away
from intake.settings import IntakeSettings
from intake.store.receipts import FORGET_ROWS, PostgresReceipts
from intake.topics.circuit import Circuit
from intake.topics.publishing import PublishedEvents
from intake.topics.registry import RegistryView
from intake.topics.time import TimeSignal
from intake.translate.offers import Offers

log = get_logger()

MIGRATIONS = migrations_of(__file__)
FORGET_PAUSE_SECONDS = 60.0
COLLECTOR_THRESHOLDS = (50_000, 20, 20)


class IntakeService:
    """One process of intake."""

    def __init__(self, settings: IntakeSettings) -> None:
        self._settings = settings
        self._clock = system_clock(settings)
        self._plumbing = Metrics("intake")
        self._metrics = IntakeMetrics(self._plumbing)
        self.fatal: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        kafka = settings.kafka
        self._producer = RecordProducer(kafka, self._clock, self._plumbing)
        self._signal = TimeSignal(self._producer, kafka, self._clock, settings.clock_seconds)
        self._circuit = Circuit(self._signal.publish, self._metrics)
        self._log = PublishedEvents(self._producer, self._circuit, kafka, settings.door.publish_seconds)
        self._directory = Directory(kafka, clock=self._clock, metrics=self._plumbing)
        self._registry = RegistryView(kafka, self._clock, settings.zone)
        self._database: Database | None = None
        self._receipts: PostgresReceipts | None = None
        self._app: Front | None = None
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def app(self) -> Front:
        """The ASGI application; there after `start`."""
        if self._app is None:
            raise RuntimeError("the service has not started")
        return self._app

    @property
    def available(self) -> bool:
        """Whether events can be taken in: see `ports.Availability`."""
        return self._circuit.closed and self._receipts is not None and self._receipts.available

    async def start(self) -> None:
        """Open everything; raises StartupError."""
        settings = self._settings
        self._database = await Database.open(settings.database, application_name="intake")
        await check_schema(self._database, MIGRATIONS)
        await check_topics(settings.kafka)
        await self._producer.start()
        await self._directory.start()
        await self._registry.start()
        self._receipts = PostgresReceipts(self._database, reserved_seconds=settings.door.reserved_seconds)
        try:
            await self._receipts.start()
        except Away as error:
            raise StartupError("The database went away during the start: start it again.") from error
        self._app = self._build(self._receipts)
        # What is there now stays for ever: the collector need not look at it with every pass.
        # An event makes hundreds of objects that go by themselves: a pass for every few events finds nothing.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*COLLECTOR_THRESHOLDS)
        self._begin(self._signal.tick(self._circuit.trip), "time signal")
        self._begin(self._forget(self._receipts), "old receipts")

    async def stop(self) -> None:
        """Finish what is under way and close everything."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._circuit.stop()
        await self._producer.stop()
        if self._receipts is not None:
            await self._receipts.stop()
        await self._registry.stop()
        await self._directory.stop()
        if self._database is not None:
            await self._database.close()

    def _build(self, receipts: PostgresReceipts) -> Front:
        settings = self._settings
        door = Door(
            receipts,
            self._log,
            self._registry,
            self._clock,
            busy_wait_seconds=settings.door.busy_wait_seconds,
        )
        offers = Offers(settings.kafka, settings.zone)
        route = EventsRoute(door, offers, self._directory, self, settings.door, self._metrics)
        readiness = Readiness(
            {
                "kafka": lambda: self._circuit.closed and self._producer.healthy,
                "database": lambda: receipts.available,
                "access": lambda: self._directory.ready,
                "registry": lambda: self._registry.ready,
            }
        )
        litestar = build_app(
            [mounted(PATH, "POST", route), read_receipt, read_time, list_schemas, read_schema],
            title="Anxing intake",
            version=version("anxing-intake"),
            readiness=readiness,
            directory=self._directory,
            metrics=self._plumbing,
            dependencies={"receipts": receipts, "clock": self._clock},
            extra_paths={PATH: events_path()},
            extra_schemas=schemas(),
            page_title="安星 · 事件入口",
            description="The door for facts: authenticates, validates, de-duplicates, publishes.",
        )
        return Front(PATH, route, litestar)

    def _begin(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Background work never ends by itself: if it does, the process must not look healthy."""
        if not task.cancelled() and not self.fatal.done():
            self.fatal.set_result(f"{task.get_name()} ended: {task.exception()!r}")

    async def _forget(self, receipts: PostgresReceipts) -> None:
        while True:
            with contextlib.suppress(Away):
                gone = await receipts.forget(self._clock.now())
                self._metrics.receipts_forgotten.inc(gone)
                if gone == FORGET_ROWS:
                    continue
            await asyncio.sleep(FORGET_PAUSE_SECONDS)


def build(settings: IntakeSettings) -> Callable[[], Awaitable[IntakeService]]:
    """Builds the service inside its event loop."""

    async def made() -> IntakeService:
        return IntakeService(settings)

    return made
