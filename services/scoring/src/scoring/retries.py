"""Parked records tried again: by the owner of their partition, in cursor transactions, like any other record.

One record a transaction, so that what fails fails alone. Whoever asks writes a row of work; the owner decodes
the bytes anew, has them absorbed, and takes the parked row away in the transaction that counts them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import asyncpg
from shared.runtime import parking
from shared.runtime.consume import Advance, Before, Claim, ParkedRecord, Partition, Record, Stale, is_away
from shared.runtime.consume.isolation import BUG, TRIES, place_of
from shared.runtime.database import Database
from shared.runtime.logs import get_logger

from scoring.handlers.absorb import FactAbsorption
from scoring.handlers.plan import Plan
from scoring.metrics import ScoringMetrics
from scoring.plans import Plans, PreparedPlan
from scoring.ports import RETRY, RETRY_REGISTRY, WorkItem
from scoring.reading import RegistryRead, read_facts, read_registry
from scoring.settings import ScoringSettings
from scoring.store import parked, registry, work
from scoring.store.parked import Place, Retried
from scoring.subscribers import DueWork

log = get_logger()

KEPT = "kept"
"""The fate of a registry record: whether it tells anything new is for the tables to find out."""


class Asked(NamedTuple):
    """A record that somebody wants tried again; `record` None: it is not parked any more."""

    item: WorkItem
    place: Place
    record: Record | None
    bug: str | None

    def still(self, code: str, detail: str) -> Retried:
        """It stays parked."""
        return Retried(self.place, self.item.cause, None, code, detail)

    def counted(self, fate: str) -> Retried:
        """It counts."""
        return Retried(self.place, self.item.cause, fate)


class RetryDesk:
    """Finds what is asked for in one topic, and remembers which records could not be written."""

    def __init__(self, database: Database, topic: str, kind: str) -> None:
        self._pool = database.pool
        self._topic = topic
        self._kind = kind
        self._failures: Counter[Place] = Counter()
        self._bugs: dict[Place, str] = {}

    async def next_asked(self, partitions: Collection[int]) -> Asked | None:
        """The next of these partitions, None when nobody asks."""
        async with self._pool.acquire() as connection:
            items = await work.due(connection, partitions, (self._kind,), 0.0, 1)
            if not items:
                return None
            item = items[0]
            place = Place(self._topic, item.partition, int(item.key))
            found = await parking.find(connection, parked.partition_of(place), place.offset)
        bug = self._bugs[place] if self._failures[place] >= TRIES else None
        return Asked(item, place, None if found is None else found.record, bug)

    def bug(self, asked: Asked, error: Exception) -> Retried:
        """It stays parked, because something failed that should not."""
        log.error("parked_record_failed", place=str(asked.place), exc_info=error)
        return asked.still(BUG, place_of(error))

    def not_written(self, retried: Retried | None, error: Exception) -> None:
        """A write failed: a bug, if it does so again and again."""
        if retried is not None and not is_away(error) and not isinstance(error, Stale):
            self._failures[retried.place] += 1
            self._bugs[retried.place] = place_of(error)

    def written(self, retried: Retried | None) -> None:
        """It is committed, whatever became of it."""
        if retried is not None:
            self._failures.pop(retried.place, None)
            self._bugs.pop(retried.place, None)


class FactWork:
    """All side work of the facts topic: what is due, and in turn with it what is to be tried again."""

    def __init__(
        self,
        due: DueWork,
        plans: Plans,
        absorption: FactAbsorption,
        database: Database,
        settings: ScoringSettings,
    ) -> None:
        self._due = due
        self._plans = plans
        self._absorption = absorption
        self._desk = RetryDesk(database, plans.facts_topic, RETRY)
        self._zone = settings.zone
        self._partitions = settings.kafka.partitions
        self._retry_first = True

    async def prepare(self, claims: Mapping[Partition, Claim]) -> PreparedPlan | None:
        """The next piece of either; when both have some they alternate."""
        order = (True, False) if self._retry_first else (False, True)
        for retry in order:
            piece = await (self._retry(claims) if retry else self._due.prepare(claims))
            if piece is not None:
                self._retry_first = not retry
                return piece
        return None

    async def write(
        self,
        tx: asyncpg.Connection[asyncpg.Record],
        prepared: PreparedPlan,
        before: Mapping[Partition, Before],
    ) -> None:
        try:
            await self._due.write(tx, prepared, before)
        except Exception as error:
            self._desk.not_written(prepared.retried, error)
            raise

    async def committed(self, prepared: PreparedPlan) -> None:
        self._desk.written(prepared.retried)
        await self._due.committed(prepared)

    async def _retry(self, claims: Mapping[Partition, Claim]) -> PreparedPlan | None:
        asked = await self._desk.next_asked([partition.partition for partition in claims])
        if asked is None:
            return None
        plan, retried = await self._tried(asked, self._plans.clock.now())
        plan.done.append((asked.item.id, asked.item.merged))
        return await self._plans.prepared(plan, {asked.item.partition: None}, retried=retried)

    async def _tried(self, asked: Asked, now: datetime) -> tuple[Plan, Retried | None]:
        if asked.record is None:
            return Plan(), None
        if asked.bug is not None:
            return Plan(), asked.still(BUG, asked.bug)
        try:
            read = await read_facts([asked.record], self._zone, self._partitions)
            for refused in read.parked:
                return Plan(), asked.still(refused.code, refused.detail)
            plan = await self._absorption.absorb_batch(read.arrivals, now)
        except Exception as error:
            if is_away(error):
                raise
            # Whatever it has changed in memory before it failed is void.
            self._plans.forget([parked.partition_of(asked.place)])
            return Plan(), self._desk.bug(asked, error)
        return plan, asked.counted(next(iter(plan.judged)))


@dataclass(slots=True)
class PreparedRegistryRetry:
    """One registry record tried again."""

    advances: Sequence[Advance]
    read: RegistryRead
    plan: Plan
    retried: Retried | None

    @property
    def parked(self) -> Sequence[ParkedRecord]:
        """Nothing is parked anew: what stays parked keeps its row."""
        return ()


class RegistryRetries:
    """The side work of the registry topic."""

    def __init__(
        self, database: Database, settings: ScoringSettings, topic: str, metrics: ScoringMetrics
    ) -> None:
        self._desk = RetryDesk(database, topic, RETRY_REGISTRY)
        self._partitions = settings.kafka.partitions
        self._topic = topic
        self._metrics = metrics

    async def prepare(self, claims: Mapping[Partition, Claim]) -> PreparedRegistryRetry | None:
        """The next record to be tried again."""
        asked = await self._desk.next_asked([partition.partition for partition in claims])
        if asked is None:
            return None
        read, retried = self._tried(asked)
        advances = [Advance(parked.partition_of(asked.place), None)]
        done = Plan(done=[(asked.item.id, asked.item.merged)])
        return PreparedRegistryRetry(advances, read, done, retried)

    def _tried(self, asked: Asked) -> tuple[RegistryRead, Retried | None]:
        if asked.record is None:
            return RegistryRead(), None
        if asked.bug is not None:
            return RegistryRead(), asked.still(BUG, asked.bug)
        try:
            read = read_registry([asked.record], self._partitions)
        except Exception as error:  # noqa: BLE001 - as for any record: a bug parks it, and it says where
            return RegistryRead(), self._desk.bug(asked, error)
        for refused in read.parked:
            return RegistryRead(), asked.still(refused.code, refused.detail)
        return read, asked.counted(KEPT)

    async def write(
        self,
        tx: asyncpg.Connection[asyncpg.Record],
        prepared: PreparedRegistryRetry,
        before: Mapping[Partition, Before],
    ) -> None:
        del before
        try:
            await self._write(tx, prepared)
        except Exception as error:
            self._desk.not_written(prepared.retried, error)
            raise

    async def _write(self, tx: asyncpg.Connection[asyncpg.Record], prepared: PreparedRegistryRetry) -> None:
        read = prepared.read
        await registry.write(tx, read.compounds, read.companies, read.organisations)
        await work.write(tx, prepared.plan, self._topic)
        if prepared.retried is not None and not await parked.settle(tx, prepared.retried):
            raise Stale

    async def committed(self, prepared: PreparedRegistryRetry) -> None:
        self._desk.written(prepared.retried)
        if prepared.retried is not None:
            self._metrics.retries.labels(prepared.retried.result).inc()
