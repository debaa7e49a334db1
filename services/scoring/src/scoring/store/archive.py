"""What is committed, read on a few connections of the pool at once: the handlers' Archive."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from shared.runtime.clock import Clock
from shared.runtime.database import Database

from scoring.domain.facts import Day, Fact
from scoring.domain.registry import Registry
from scoring.domain.standing import Step
from scoring.ports import FactKey, FactsWaiting, HazardKnown, Known, StoredState, WorkItem
from scoring.settings import ScoringSettings
from scoring.store import ledger, registry, states, work


class DatabaseArchive:
    """Reads for the partitions of one process, under its active rubric."""

    def __init__(
        self, database: Database, settings: ScoringSettings, clock: Clock, facts_topic: str, rubric: str
    ) -> None:
        self._pool = database.pool
        self._zone = settings.zone
        self._clock = clock
        self._topic = facts_topic
        self._rubric = rubric
        self._patience_seconds = settings.work.refold_patience_seconds

    async def known(self, keys: Collection[FactKey]) -> dict[FactKey, Known]:
        async with self._pool.acquire() as connection:
            return await ledger.known(connection, keys, self._zone)

    async def facts_of(self, compounds: Collection[str]) -> dict[str, list[Fact]]:
        async with self._pool.acquire() as connection:
            return await ledger.facts_of(connection, compounds, self._zone)

    async def states(self, compounds: Collection[str]) -> dict[str, StoredState]:
        if not compounds:
            return {}
        async with self._pool.acquire() as connection:
            return await states.load(connection, compounds, self._rubric)

    async def registries(self, compounds: Collection[str]) -> dict[str, Registry]:
        async with self._pool.acquire() as connection:
            return await registry.load(connection, compounds)

    async def hazards_since(self, compounds: Collection[str], day: Day) -> list[HazardKnown]:
        async with self._pool.acquire() as connection:
            return await ledger.hazards_since(connection, compounds, day)

    async def waiting(self, compounds: Collection[str]) -> dict[str, FactsWaiting]:
        async with self._pool.acquire() as connection:
            return await work.waiting(connection, compounds)

    async def steps_of(self, compounds: Collection[str]) -> dict[str, list[Step]]:
        async with self._pool.acquire() as connection:
            return await states.steps_of(connection, compounds, self._rubric)

    async def closed_days(self, partitions: Collection[int]) -> dict[int, Day | None]:
        async with self._pool.acquire() as connection:
            return await work.closed_days(connection, self._topic, partitions)

    async def due_work(
        self, partitions: Collection[int], kinds: Sequence[str], limit: int, *, patience: bool
    ) -> list[WorkItem]:
        if not partitions:
            return []
        waited = self._patience_seconds if patience else 0.0
        async with self._pool.acquire() as connection:
            return await work.due(connection, partitions, kinds, waited, limit)

    async def due_compounds(self, partition: int, day: Day, limit: int) -> list[str]:
        async with self._pool.acquire() as connection:
            return await states.due(connection, self._rubric, partition, day, limit)

    async def confirmed_through(self) -> Day | None:
        async with self._pool.acquire() as connection:
            return await work.confirmed_through(connection)

    async def clock_skew_seconds(self) -> float:
        async with self._pool.acquire() as connection:
            theirs: datetime = await connection.fetchval("SELECT clock_timestamp()")
        return (theirs - self._clock.now()).total_seconds()
