"""What runs in a process of scoring: the real worker, on a simulated database and log."""

from contextvars import ContextVar
from random import Random
from typing import Any, NamedTuple

from scoring import worker
from scoring.settings import FoldSettings, ScoringSettings, WorkSettings
from scoring.store.archive import DatabaseArchive
from scoring.subscribers import DueWork, FactsAbsorber
from shared.events.topics import FACTS
from shared.runtime.consume import Batch, consumer
from shared.runtime.metrics import Metrics
from shared.runtime.records import Partition
from shared.runtime.settings import DatabaseSettings, KafkaSettings

from tests.faults.judging_states import rubric
from tests.simulator.member import SimulatedMembership
from tests.simulator.service import Fittings, Stage


class Choices(NamedTuple):
    """How the workers of a run are set: memory, chunks and waits are small, so that everything happens."""

    cached: int
    whole: int
    chunk: int
    refold_seconds: float
    patience_seconds: float
    unassigned_seconds: float


class Failures:
    """Bugs that come once for each record, and now and then for side work: a callback fails."""

    def __init__(self, stage: Stage) -> None:
        self._weather = stage.weather
        self.chance = Random(stage.chance.random())
        self._spared: set[tuple[Partition, int]] = set()

    def of_batch(self, batch: Batch) -> bool:
        """Whether this one fails; never twice with the same record, which would park it."""
        places = {(record.source, record.offset) for record in batch.records}
        if self._spared & places or not self._weather.strikes(self._weather.bug, "absorber bugs"):
            return False
        self._spared |= places
        return True

    def of_side_work(self) -> bool:
        return self._weather.strikes(self._weather.bug, "side work bugs")


class Surroundings(NamedTuple):
    """What the parts of the worker that are made deep inside it are to find."""

    fittings: Fittings
    failures: Failures
    newest: Any


HERE: ContextVar[Surroundings] = ContextVar("here")


def _join(
    _settings: KafkaSettings, _service: str, *, topic: str, group: str, output: str | None, max_records: int
) -> SimulatedMembership:
    assert group
    assert max_records
    return HERE.get().fittings.join(topic, output)


class FailingFacts(FactsAbsorber):
    """Fails before or after it has changed memory, and before or after it has written."""

    _write_fails: Any = None

    async def prepare(self, batch: Batch) -> Any:
        failures = HERE.get().failures
        fails = failures.of_batch(batch)
        chance = failures.chance
        if fails and chance.random() < 0.3:
            raise RuntimeError("a bug before anything")
        prepared = await super().prepare(batch)
        if fails:
            if chance.random() < 0.5:
                raise RuntimeError("a bug after memory has changed")
            self._write_fails = prepared
        return prepared

    async def write(self, tx: Any, prepared: Any, before: Any) -> None:
        fails, self._write_fails = self._write_fails is prepared, None
        await super().write(tx, prepared, before)
        if fails:
            raise RuntimeError("a bug after everything is written")


class FailingWork(DueWork):
    """The same of side work."""

    async def prepare(self, claims: Any) -> Any:
        prepared = await super().prepare(claims)
        if prepared is not None and HERE.get().failures.of_side_work():
            raise RuntimeError("a bug after memory has changed")
        return prepared

    async def write(self, tx: Any, prepared: Any, before: Any) -> None:
        await super().write(tx, prepared, before)
        if HERE.get().failures.of_side_work():
            raise RuntimeError("a bug after everything is written")


# The worker makes these itself: what it takes for them is replaced once, for all processes of a run.
consumer.KafkaMembership = _join  # type: ignore[assignment,misc]
worker.FactsAbsorber = FailingFacts  # type: ignore[misc]
worker.DueWork = FailingWork  # type: ignore[misc]


class SameClock(DatabaseArchive):
    """A day passes in seconds here, so that each delay of an answer would look like a wrong clock."""

    async def clock_skew_seconds(self) -> float:
        await super().clock_skew_seconds()
        return 0.0


class Directory:
    """What the access topic proves of time: all that was received."""

    def __init__(self, newest: Any) -> None:
        self._newest = newest

    @property
    def newest_received(self) -> Any:
        return self._newest()


class ScoringProgram:
    """See `tests.simulator.service.Program`."""

    def __init__(self, here: Surroundings, choices: Choices, partitions: int) -> None:
        HERE.set(here)
        fittings = here.fittings
        settings = ScoringSettings(
            kafka=KafkaSettings(partitions=partitions, session_timeout_ms=6_000),
            database=DatabaseSettings(url="postgresql://nobody@127.0.0.1/nothing"),
            fold=FoldSettings(
                cached_compounds=choices.cached, whole_compounds=choices.whole, freeze_after_batches=0
            ),
            work=WorkSettings(
                chunk=choices.chunk,
                refold_every_seconds=choices.refold_seconds,
                refold_patience_seconds=choices.patience_seconds,
                unassigned_after_seconds=choices.unassigned_seconds,
            ),
        )
        directory: Any = Directory(here.newest)
        self._worker = worker.Worker(
            settings,
            database=fittings.database,
            archive=SameClock(fittings.database, settings, fittings.clock, FACTS.name, rubric().name),
            rubric=rubric(),
            producer=fittings.producer,
            directory=directory,
            clock=fittings.clock,
            plumbing=Metrics("simulator"),
            on_fatal=fittings.on_fatal,
        )

    @property
    def trouble(self) -> str | None:
        return self._worker.facts.trouble or self._worker.registry.trouble

    async def start(self) -> None:
        await self._worker.start()

    async def stop(self) -> None:
        await self._worker.stop()
