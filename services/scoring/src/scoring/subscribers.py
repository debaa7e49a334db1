"""What this process does with records, and with what is due: decode, call the handler, write its plan."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import asyncpg
from shared.runtime.consume import Advance, Batch, Before, Claim, ParkedRecord, Partition

from scoring.catching_up import CatchUp, Unread
from scoring.handlers.absorb import FactAbsorption
from scoring.handlers.closing import DayDesk
from scoring.handlers.days import Calendar
from scoring.handlers.plan import Plan
from scoring.handlers.work import WorkDesk
from scoring.plans import Plans, PreparedPlan
from scoring.reading import RegistryRead, read_facts, read_registry
from scoring.settings import ScoringSettings
from scoring.store import registry


@dataclass(slots=True)
class PreparedRegistry:
    """A batch of registry events."""

    advances: Sequence[Advance]
    read: RegistryRead

    @property
    def parked(self) -> Sequence[ParkedRecord]:
        return self.read.parked


class FactsAbsorber:
    """The facts topic: a batch becomes ledger, states, steps, work and outcomes."""

    def __init__(self, plans: Plans, absorption: FactAbsorption, settings: ScoringSettings) -> None:
        self._plans = plans
        self._absorption = absorption
        self._zone = settings.zone
        self._partitions = settings.kafka.partitions

    async def prepare(self, batch: Batch) -> PreparedPlan:
        """Decode, judge, fold."""
        read = await read_facts(batch.records, self._zone, self._partitions)
        calendar = self._plans.calendar
        calendar.saw(read.newest)
        for partition, received_us in {a.partition: a.fact.received_us for a in read.arrivals}.items():
            calendar.read_to(partition, received_us)
        plan = await self._absorption.absorb_batch(read.arrivals, self._plans.clock.now())
        ends: dict[int, int | None] = {place.partition: end for place, end in batch.ends().items()}
        return await self._plans.prepared(plan, ends, read.parked)

    async def write(
        self,
        tx: asyncpg.Connection[asyncpg.Record],
        prepared: PreparedPlan,
        before: Mapping[Partition, Before],
    ) -> None:
        await self._plans.write(tx, prepared, before)

    def forget(self, partitions: Collection[Partition]) -> None:
        self._plans.forget(partitions)

    async def committed(self, prepared: PreparedPlan) -> None:
        self._plans.committed(prepared)


class DueWork:
    """Work that is not a fact: rows of work first, then days that may close; one chunk at a time."""

    def __init__(
        self,
        plans: Plans,
        desk: WorkDesk,
        days: DayDesk,
        newest_seen: Callable[[], None],
        lag: Callable[[], Mapping[Partition, int]],
        patience_seconds: float,
    ) -> None:
        """`newest_seen` tells the calendar what other topics prove of time; `lag` is the consumer's."""
        self._plans = plans
        self._unread = Unread(plans.clock.monotonic, patience_seconds)
        self._catch_up = CatchUp()
        self._desk = desk
        self._days = days
        self._newest_seen = newest_seen
        self._lag = lag

    async def prepare(self, claims: Mapping[Partition, Claim]) -> PreparedPlan | None:
        """The next chunk of work or of a closing day, None when nothing is due."""
        self._newest_seen()
        if not await self._days.may_begin():
            self._plans.metrics.days_held.set(1)
            return None
        partitions = sorted(partition.partition for partition in claims)
        # All of ours, not each alone: the past of one partition must not slow down the present of another.
        lag = self._lag()
        unread = self._unread.of(lag)
        caught_up = all(behind == 0 for behind in lag.values())
        now = self._plans.clock.now()
        done = await self._desk.next_chunk(partitions, now, caught_up=caught_up)
        if done is not None:
            return await self._plans.prepared(done.plan, _stay(done.plan), refolds=done.refolds)
        closing = await self._days.next_chunk(partitions, now, unread)
        self._plans.metrics.days_held.set(self._days.held_back)
        behind = self._plans.calendar.days_behind(partitions, now)
        self._catch_up.note(behind, None if closing is None else closing.day)
        if closing is None:
            self._plans.collector.idle()
            return None
        return await self._plans.prepared(closing.plan, _stay(closing.plan), days_closed=int(closing.last))

    async def write(
        self,
        tx: asyncpg.Connection[asyncpg.Record],
        prepared: PreparedPlan,
        before: Mapping[Partition, Before],
    ) -> None:
        await self._plans.write(tx, prepared, before)

    async def committed(self, prepared: PreparedPlan) -> None:
        self._plans.committed(prepared)


class RegistryAbsorber:
    """The registry topic: revisions are kept, and every compound they concern gets a row of work."""

    def __init__(self, partitions: int, calendar: Calendar) -> None:
        self._partitions = partitions
        self._calendar = calendar

    async def prepare(self, batch: Batch) -> PreparedRegistry:
        read = read_registry(batch.records, self._partitions)
        self._calendar.saw(read.newest)
        return PreparedRegistry([Advance(place, end) for place, end in batch.ends().items()], read)

    async def write(
        self,
        tx: asyncpg.Connection[asyncpg.Record],
        prepared: PreparedRegistry,
        before: Mapping[Partition, Before],
    ) -> None:
        del before
        read = prepared.read
        await registry.write(tx, read.compounds, read.companies, read.organisations)

    def forget(self, partitions: Collection[Partition]) -> None:
        """Nothing is kept in memory."""

    async def committed(self, prepared: PreparedRegistry) -> None:
        """The trigger on the work rows wakes their owners."""


def _stay(plan: Plan) -> dict[int, int | None]:
    """The partitions of a plan of side work, whose cursors stay where they are."""
    return dict.fromkeys(sorted({*plan.compounds.values(), *plan.closed}), None)
