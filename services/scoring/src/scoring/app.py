"""The composition root of scoring: what is built, in which order it starts, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from importlib.metadata import version

from litestar import Litestar
from shared.events.topics import FACTS, REGISTRY
from shared.runtime.auth import Directory
from shared.runtime.clock import Clock, system_clock
from shared.runtime.database import Database
from shared.runtime.health import Readiness
from shared.runtime.log_ends import LogEnds
from shared.runtime.metrics import Metrics
from shared.runtime.migrations import check_schema
from shared.runtime.producer import RecordProducer
from shared.runtime.topics import check_topics
from shared.runtime.web import build_app

from scoring.api.asking import Asking
from scoring.api.routes import routes
from scoring.domain.rubric_sections import Rubric
from scoring.installation import check_installation
from scoring.ports import Archive
from scoring.settings import MIGRATIONS, ScoringSettings
from scoring.store import rubrics
from scoring.store.archive import DatabaseArchive
from scoring.store.statistics import Figures
from scoring.store.views import Views
from scoring.worker import Worker

MakeArchive = Callable[[Database, ScoringSettings, Clock, Rubric], Archive]


class ScoringService:
    """One process of scoring: a worker and its API."""

    def __init__(
        self,
        settings: ScoringSettings,
        *,
        clock: Clock | None = None,
        make_archive: MakeArchive | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock or system_clock(settings)
        self._make_archive = make_archive or _database_archive
        self._metrics = Metrics("scoring")
        self.fatal: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._directory = Directory(settings.kafka, clock=self._clock, metrics=self._metrics)
        self._producer = RecordProducer(settings.kafka, self._clock, self._metrics)
        self._log_ends = LogEnds(settings.kafka, (FACTS, REGISTRY), client_id="anxing-scoring-ends")
        self._stopping: list[Callable[[], Awaitable[object]]] = []
        self._app: Litestar | None = None
        self._worker: Worker | None = None

    @property
    def app(self) -> Litestar:
        """The ASGI application; there after `start`."""
        if self._app is None:
            raise RuntimeError("the service has not started")
        return self._app

    @property
    def worker(self) -> Worker:
        """The worker; there after `start`."""
        if self._worker is None:
            raise RuntimeError("the service has not started")
        return self._worker

    async def start(self) -> None:
        """Open everything; raises StartupError."""
        settings = self._settings
        database = await Database.open(settings.database, application_name="scoring")
        self._stopping.append(database.close)
        await check_schema(database, MIGRATIONS)
        await check_installation(database, settings)
        await rubrics.store_packaged(database)
        rubric = await rubrics.load(database, settings.fold.rubric)
        await check_topics(settings.kafka)
        self._stopping.append(self._producer.stop)
        await self._producer.start()
        self._stopping.append(self._directory.stop)
        await self._directory.start()
        self._stopping.append(self._log_ends.stop)
        self._worker = Worker(
            settings,
            database=database,
            archive=self._make_archive(database, settings, self._clock, rubric),
            rubric=rubric,
            producer=self._producer,
            directory=self._directory,
            clock=self._clock,
            plumbing=self._metrics,
            on_fatal=self._fail,
        )
        self._stopping.append(self._worker.stop)
        self._app = self._build(database, rubric, self._worker)
        await self._worker.start()

    async def stop(self) -> None:
        """Finish what is under way and close everything, the last opened first."""
        for stop in reversed(self._stopping):
            await stop()
        self._stopping.clear()

    def _build(self, database: Database, rubric: Rubric, worker: Worker) -> Litestar:
        settings = self._settings
        facts = settings.kafka.name_of(FACTS)
        asking = Asking(
            Views(database, rubric.name, settings.zone, facts),
            rubric,
            lambda: worker.calendar.trusted(self._clock.now()),
            facts,
        )
        readiness = Readiness(
            {
                "registry": lambda: worker.registry.ready,
                "facts": lambda: worker.facts.ready,
                "access": lambda: self._directory.ready,
                "kafka": lambda: self._producer.healthy,
            }
        )
        return build_app(
            [routes()],
            title="Anxing scoring",
            version=version("anxing-scoring"),
            readiness=readiness,
            directory=self._directory,
            metrics=self._metrics,
            dependencies={
                "asking": asking,
                "log_ends": self._log_ends,
                "figures": Figures(database, rubric),
            },
            description="Scores and stars of compounds, on any day, with reasons.",
        )

    def _fail(self, error: BaseException) -> None:
        if not self.fatal.done():
            self.fatal.set_result(f"{type(error).__name__}: {error}")


def _database_archive(database: Database, settings: ScoringSettings, clock: Clock, rubric: Rubric) -> Archive:
    return DatabaseArchive(database, settings, clock, settings.kafka.name_of(FACTS), rubric.name)


def build(settings: ScoringSettings) -> Callable[[], Awaitable[ScoringService]]:
    """Builds the service inside its event loop."""

    async def made() -> ScoringService:
        return ScoringService(settings)

    return made
