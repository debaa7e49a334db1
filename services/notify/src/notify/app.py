"""The composition root of notify: what is built, in which order it starts, and how it ends."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable
from functools import partial
from importlib.metadata import version
from typing import Any

from litestar import Litestar
from shared.events.topics import DELIVERIES, OUTCOMES, PARKED, REGISTRY
from shared.runtime.auth import Directory
from shared.runtime.clock import system_clock
from shared.runtime.consume import Consumer
from shared.runtime.database import Database
from shared.runtime.errors import Retryable
from shared.runtime.health import Readiness
from shared.runtime.log_ends import LogEnds
from shared.runtime.logs import get_logger
from shared.runtime.metrics import Metrics
from shared.runtime.migrations import check_schema
from shared.runtime.outbox import UnorderedRelay
from shared.runtime.parking import ParkedRelay
from shared.runtime.producer import RecordProducer
from shared.runtime.records import Partition
from shared.runtime.topics import check_topics
from shared.runtime.web import build_app

from notify import translate
from notify.api.routes import routes
from notify.channels.file import FileChannel
from notify.channels.guard import Guard
from notify.channels.webhook import WebhookChannel
from notify.domain.addresses import networks
from notify.handlers.dispatch import Dispatcher
from notify.handlers.limits import Limits
from notify.letters import Letters
from notify.metrics import NotifyMetrics
from notify.ports import Unavailable
from notify.sealing import Sealer
from notify.settings import GROUP, MIGRATIONS, REGISTRY_GROUP, Settings
from notify.store.endpoints import EndpointStore
from notify.store.managing import Manager
from notify.store.reading import Reader
from notify.store.registry import RegistryStore
from notify.store.steady import SteadyReads
from notify.store.worker import WorkerStore
from notify.subscribers import OutcomesAbsorber, RegistryAbsorber

log = get_logger()

REGISTRY_WITHIN_SECONDS = 15.0
# Each makes about ten decisions and holds lanes until it is committed: the first ones should not wait long.
OUTCOMES_AT_ONCE_MAX = 500


class NotifyService:
    """One process of notify."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._clock = system_clock(settings)
        self._plumbing = Metrics("notify")
        self._metrics = NotifyMetrics(self._plumbing)
        self.fatal: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        own = settings.notify
        key = own.encryption_key.get_secret_value() if own.encryption_key is not None else None
        self._sealer = Sealer.from_setting(key)
        self._guard = Guard(networks(own.allowed_networks), frozenset(own.allowed_ports), self._metrics)
        self._webhook = WebhookChannel(self._guard, self._sealer, self._clock.now)
        self._directory = Directory(settings.kafka, clock=self._clock, metrics=self._plumbing)
        self._producer = RecordProducer(settings.kafka, self._clock, self._plumbing)
        self._log_ends = LogEnds(settings.kafka, (OUTCOMES, REGISTRY), client_id="anxing-notify-ends")
        self._stopping: list[Callable[[], Awaitable[object]]] = []
        self._app: Litestar | None = None

    @property
    def app(self) -> Litestar:
        """The ASGI application; there after `start`."""
        if self._app is None:
            raise RuntimeError("the service has not started")
        return self._app

    async def start(self) -> None:
        """Open everything; raises StartupError."""
        settings = self._settings
        database = await Database.open(settings.database, application_name="notify")
        self._stopping.append(database.close)
        await check_schema(database, MIGRATIONS)
        await check_topics(settings.kafka)
        self._stopping.append(self._producer.stop)
        await self._producer.start()
        self._stopping.append(self._directory.stop)
        await self._directory.start()
        self._stopping.append(self._log_ends.stop)
        relay = await self._start_relays(database)
        dispatcher = await self._start_dispatcher(database, relay)
        registry, outcomes = await self._start_consumers(database)
        self._app = self._build(database, [registry, outcomes], dispatcher)
        # What is loaded by now stays as long as the process: the collector need not walk it again and again.
        gc.collect()
        gc.freeze()

    async def stop(self) -> None:
        """Finish what is under way and close everything, the last opened first."""
        for stop in reversed(self._stopping):
            await stop()

    async def _start_relays(self, database: Database) -> UnorderedRelay:
        relay = UnorderedRelay(
            "deliveries", producer=self._producer, database=database, metrics=self._plumbing
        )
        parked = ParkedRelay(
            topic=self._settings.kafka.name_of(PARKED),
            producer=self._producer,
            database=database,
            metrics=self._plumbing,
        )
        self._stopping += [relay.stop, parked.stop]
        await relay.start()
        await parked.start()
        return relay

    async def _start_dispatcher(self, database: Database, relay: UnorderedRelay) -> Dispatcher:
        settings = self._settings
        topic = settings.kafka.name_of(DELIVERIES)
        await self._webhook.start()
        self._stopping.append(self._webhook.stop)
        store = WorkerStore(
            database,
            partial(translate.finished_event, topic=topic),
            partial(translate.suspended_event, topic=topic),
            on_due=lambda: dispatcher.wake(),  # noqa: PLW0108 - it is made below
            on_announced=relay.wake,
        )
        dispatcher = Dispatcher(
            store,
            {"webhook": self._webhook, "file": FileChannel(settings.notify.files_directory)},
            self._clock.monotonic,
            self._metrics,
            Limits(requests_max=settings.notify.requests_max, lease_seconds=settings.notify.lease_seconds),
        )
        task = asyncio.create_task(dispatcher.run(), name="dispatcher")
        task.add_done_callback(self._ended)
        self._stopping += [store.close, partial(dispatcher.stop, settings.shutdown_seconds / 2)]
        return dispatcher

    async def _start_consumers(self, database: Database) -> tuple[Consumer, Consumer]:
        settings = self._settings
        reads = SteadyReads(database, "deciding")
        self._stopping.append(reads.close)
        register = RegistryStore(reads.fetch, lambda: self._clock.today(settings.zone))
        common: dict[str, Any] = {
            "settings": settings.kafka,
            "database": database,
            "clock": self._clock,
            "metrics": self._plumbing,
            "on_fatal": self._fail,
        }
        registry = Consumer(
            "registry", topic=REGISTRY, group=REGISTRY_GROUP, absorber=RegistryAbsorber(), **common
        )
        absorber = OutcomesAbsorber(
            reads.fetch,
            register,
            EndpointStore(reads.fetch),
            Letters(settings.zone, self._metrics),
            self._metrics,
        )
        outcomes = Consumer(
            "outcomes",
            topic=OUTCOMES,
            group=GROUP,
            absorber=absorber,
            batch_records_max=OUTCOMES_AT_ONCE_MAX,
            **common,
        )
        self._stopping.append(registry.stop)
        await registry.start()
        await self._registry_read(database)
        self._stopping.append(outcomes.stop)
        await outcomes.start()
        return registry, outcomes

    async def _registry_read(self, database: Database) -> None:
        """Decide nothing before the registry is known as far as it goes now: who stands above whom."""
        reader = Reader(database)
        try:
            async with asyncio.timeout(REGISTRY_WITHIN_SECONDS):
                ends = await self._log_ends.read()
                place = Partition(self._settings.kafka.name_of(REGISTRY), 0)
                # The cursor may belong to another process: nothing but the database can tell.
                while (await reader.cursors()).get(place, 0) < ends[place]:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
        except (TimeoutError, Retryable, Unavailable):
            log.warning("registry_not_read", seconds=REGISTRY_WITHIN_SECONDS)

    def _build(self, database: Database, consumers: list[Consumer], dispatcher: Dispatcher) -> Litestar:
        settings = self._settings
        topic = settings.kafka.name_of(DELIVERIES)
        readiness = Readiness(
            {
                "registry": lambda: consumers[0].ready,
                "outcomes": lambda: consumers[1].ready,
                "dispatcher": lambda: dispatcher.healthy,
                "access": lambda: self._directory.ready,
                "kafka": lambda: self._producer.healthy,
            }
        )
        return build_app(
            [routes()],
            title="Anxing notify",
            version=version("anxing-notify"),
            readiness=readiness,
            directory=self._directory,
            metrics=self._plumbing,
            dependencies={
                "reader": Reader(database),
                "manager": Manager(database, self._sealer, partial(translate.resumed_event, topic=topic)),
                "register": RegistryStore(database.pool.fetch, lambda: self._clock.today(settings.zone)),
                "guard": self._guard,
                "plain_http": settings.notify.allow_plain_http,
                "log_ends": self._log_ends,
            },
            description="Who is told what, over which channel, and what became of it.",
        )

    def _fail(self, error: BaseException) -> None:
        if not self.fatal.done():
            self.fatal.set_result(f"{type(error).__name__}: {error}")

    def _ended(self, task: asyncio.Task[None]) -> None:
        """The dispatcher ends by itself only when something is badly wrong."""
        if not task.cancelled() and (error := task.exception()) is not None and not self.fatal.done():
            log.error("dispatcher_ended", exc_info=error)
            self.fatal.set_result(f"the dispatcher ended: {error!r}")


def build(settings: Settings) -> Callable[[], Awaitable[NotifyService]]:
    """Builds the service inside its event loop."""

    async def made() -> NotifyService:
        return NotifyService(settings)

    return made
