"""The worker of one process: two consumers, the work between them, relays of what they announce and park."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import asyncpg
from shared.events.topics import FACTS, OUTCOMES, PARKED, REGISTRY
from shared.runtime.auth import Directory
from shared.runtime.away import DATABASE_AWAY
from shared.runtime.clock import Clock
from shared.runtime.consume import Consumer
from shared.runtime.database import Database
from shared.runtime.logs import get_logger
from shared.runtime.metrics import Metrics
from shared.runtime.outbox import Relay
from shared.runtime.parking import ParkedRelay
from shared.runtime.producer import RecordProducer

from scoring.announce import objection_of
from scoring.domain.rubric_sections import Rubric
from scoring.handlers.absorb import FactAbsorption
from scoring.handlers.closing import DayDesk
from scoring.handlers.days import Calendar, DayRules
from scoring.handlers.fold import Folds
from scoring.handlers.memory import Compounds
from scoring.handlers.telling import Teller
from scoring.handlers.work import WorkDesk
from scoring.measuring import Measuring
from scoring.metrics import ScoringMetrics
from scoring.plans import Plans
from scoring.ports import Archive
from scoring.retries import FactWork, RegistryRetries
from scoring.settings import GROUP, REGISTRY_GROUP, ScoringSettings
from scoring.store.books import StoredBooks
from scoring.store.work import CHANNEL
from scoring.subscribers import DueWork, FactsAbsorber, RegistryAbsorber
from scoring.translate import fingerprint

log = get_logger()

LISTEN_AGAIN_SECONDS = 1.0


class Worker:
    """Scores facts; everything that it needs is given, so that a test can give another clock or archive."""

    def __init__(
        self,
        settings: ScoringSettings,
        *,
        database: Database,
        archive: Archive,
        rubric: Rubric,
        producer: RecordProducer,
        directory: Directory,
        clock: Clock,
        plumbing: Metrics,
        on_fatal: Callable[[BaseException], None],
    ) -> None:
        self._database = database
        self._directory = directory
        kafka = settings.kafka
        topic, registry_topic = kafka.name_of(FACTS), kafka.name_of(REGISTRY)
        metrics = ScoringMetrics(plumbing)
        self.calendar = Calendar(
            DayRules(
                settings.zone,
                timedelta(minutes=settings.days.close_after_minutes),
                settings.days.ahead_of_news_max,
                settings.days.clock_tolerance_seconds,
            )
        )
        memory = Compounds(settings.fold.cached_compounds, settings.fold.whole_compounds)
        folds = Folds(archive, memory, rubric, StoredBooks())
        teller = Teller(objection_of)
        parts = (archive, memory, folds, self.calendar, teller)
        plans = Plans(
            settings,
            clock,
            memory,
            self.calendar,
            metrics,
            facts_topic=topic,
            outcomes_topic=kafka.name_of(OUTCOMES),
            rubric=rubric.name,
            on_announced=lambda: self.relay.wake(),  # noqa: PLW0108 - it is made below
        )
        absorption = FactAbsorption(
            *parts,
            fingerprint=fingerprint,
            trigger=lambda arrival: f"{topic}/{arrival.partition}/{arrival.offset}",
            unassigned_after_seconds=settings.work.unassigned_after_seconds,
            refold_every_seconds=settings.work.refold_every_seconds,
        )
        due = DueWork(
            plans,
            WorkDesk(*parts, chunk=settings.work.chunk),
            DayDesk(*parts, chunk=settings.work.chunk),
            lambda: self.calendar.saw(directory.newest_received),
            lambda: self.facts.lag(),  # noqa: PLW0108 - it is made below
            settings.work.refold_patience_seconds,
        )
        common: dict[str, Any] = {
            "settings": kafka,
            "database": database,
            "clock": clock,
            "metrics": plumbing,
            "on_fatal": on_fatal,
        }
        self.facts = Consumer(
            "facts",
            topic=FACTS,
            group=GROUP,
            absorber=FactsAbsorber(plans, absorption, settings),
            side_work=FactWork(due, plans, absorption, database, settings),
            output=OUTCOMES,
            batch_records_max=settings.fold.batch_records_max,
            **common,
        )
        self.registry = Consumer(
            "registry",
            topic=REGISTRY,
            group=REGISTRY_GROUP,
            absorber=RegistryAbsorber(kafka.partitions, self.calendar),
            side_work=RegistryRetries(database, settings, registry_topic, metrics),
            **common,
        )
        self.relay = Relay(
            "outcomes",
            producer=producer,
            database=database,
            claims=lambda: self.facts.claims,
            clock=clock,
            metrics=plumbing,
        )
        self._collector = plans.collector
        self._parked = ParkedRelay(
            topic=kafka.name_of(PARKED), producer=producer, database=database, metrics=plumbing
        )
        measuring = Measuring(
            database,
            self.calendar,
            clock,
            metrics,
            facts=lambda: self.facts.claims,
            registry=lambda: self.registry.claims,
        )
        self._measure = measuring.run
        self._beside: list[asyncio.Task[None]] = []

    @property
    def ready(self) -> bool:
        """Both groups are joined, and all that they gave is claimed, so that the lag is known."""
        return self.facts.ready and self.registry.ready

    async def start(self) -> None:
        """Join the groups; StartupError when Kafka is away."""
        self._collector.begin()
        self.calendar.saw(self._directory.newest_received)
        await self.relay.start()
        await self._parked.start()
        await self.registry.start()
        await self.facts.start()
        self._beside = [
            asyncio.create_task(self._listen(), name="work notifications"),
            asyncio.create_task(self._measure(), name="measuring"),
        ]

    async def stop(self) -> None:
        """Finish what is being written and leave the groups."""
        for task in self._beside:
            task.cancel()
        if self._beside:
            await asyncio.wait(self._beside)
        await asyncio.gather(self.facts.stop(), self.registry.stop())
        await asyncio.gather(self.relay.stop(), self._parked.stop())

    async def _listen(self) -> None:
        """Wake the owner as soon as work is added; the poll of each second is what can be relied on."""
        while True:
            try:
                connection = await self._database.dedicated("work notifications")
                try:
                    await self._until_lost(connection)
                finally:
                    connection.terminate()
            except DATABASE_AWAY:
                log.debug("notifications_lost")
            await asyncio.sleep(LISTEN_AGAIN_SECONDS)

    async def _until_lost(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _: lost.set())
        await connection.add_listener(CHANNEL, lambda *_: self._wake())
        await lost.wait()

    def _wake(self) -> None:
        self.facts.wake()
        self.registry.wake()
