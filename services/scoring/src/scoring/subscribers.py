"""What this process does with records, and with what is due: decode, call the handler, write its plan."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import asyncpg
from shared.runtime.clock import Clock
from shared.runtime.consume import Advance, Batch, Before, Claim, ParkedRecord, Partition, Stale
from shared.runtime.outbox import OutboxRow, append

from scoring.announce import outbox_row
from scoring.collecting import Collector
from scoring.handlers.absorb import FactAbsorption
from scoring.handlers.closing import DayDesk
from scoring.handlers.days import Calendar
from scoring.handlers.memory import Compounds
from scoring.handlers.plan import Plan
from scoring.handlers.turns import in_turns
from scoring.handlers.work import WorkDesk
from scoring.metrics import ScoringMetrics
from scoring.reading import RegistryRead, read_facts, read_registry
from scoring.settings import ScoringSettings
from scoring.store import ledger, parked, registry, states, work
from scoring.store.parked import Retried


@dataclass(slots=True)
class PreparedPlan:
    """A plan with what the consumer must know of it."""

    advances: Sequence[Advance]
    plan: Plan
    outbox: Sequence[OutboxRow]
    parked: Sequence[ParkedRecord] = field(default_factory=list)
    days_closed: int = 0
    refolds: Mapping[str, int] = field(default_factory=dict)
    retried: Retried | None = None


@dataclass(slots=True)
class PreparedRegistry:
    """A batch of registry events."""

    advances: Sequence[Advance]
    read: RegistryRead

    @property
    def parked(self) -> Sequence[ParkedRecord]:
        return self.read.parked


class Plans:
    """Turns plans into prepared ones, writes them, and takes note that they are committed."""

    def __init__(
        self,
        settings: ScoringSettings,
        clock: Clock,
        memory: Compounds,
        calendar: Calendar,
        metrics: ScoringMetrics,
        *,
        facts_topic: str,
        outcomes_topic: str,
        rubric: str,
        on_announced: Callable[[], None],
    ) -> None:
        self.facts_topic = facts_topic
        self.clock = clock
        self.memory = memory
        self.calendar = calendar
        self.metrics = metrics
        self._outcomes_topic = outcomes_topic
        self._rubric = rubric
        self._on_announced = on_announced
        self.collector = Collector(settings.fold.freeze_after_batches, clock.monotonic)

    async def prepared(
        self,
        plan: Plan,
        ends: Mapping[int, int | None],
        parked: Sequence[ParkedRecord] = (),
        *,
        days_closed: int = 0,
        refolds: Mapping[str, int] | None = None,
        retried: Retried | None = None,
    ) -> PreparedPlan:
        """A plan for the partitions of `ends`, which says where each cursor moves (None: stays)."""
        now = self.clock.now()
        outbox = [
            outbox_row(one, topic=self._outcomes_topic, rubric=self._rubric, now=now)
            async for one in in_turns(plan.announcements)
        ]
        announced: dict[int, int] = {}
        for row in outbox:
            announced[row.partition] = announced.get(row.partition, 0) + 1
        numbers = ledger.rows_per_partition(plan)
        advances = [
            Advance(
                Partition(self.facts_topic, number), end, numbers.get(number, 0), announced.get(number, 0)
            )
            for number, end in ends.items()
        ]
        return PreparedPlan(advances, plan, outbox, parked, days_closed, refolds or {}, retried)

    async def write(
        self,
        tx: asyncpg.Connection[asyncpg.Record],
        prepared: PreparedPlan,
        before: Mapping[Partition, Before],
    ) -> None:
        """Write a plan inside its cursor transaction."""
        last = {partition.partition: values.ledger_seq for partition, values in before.items()}
        await ledger.write(tx, prepared.plan, last)
        await states.write(tx, prepared.plan, self._rubric)
        await work.write(tx, prepared.plan, self.facts_topic)
        if prepared.retried is not None and not await parked.settle(tx, prepared.retried):
            raise Stale
        if prepared.outbox:
            await append(tx, prepared.outbox, before)

    def committed(self, prepared: PreparedPlan) -> None:
        """The plan is in the database."""
        self.memory.release(prepared.plan)
        for result, count in prepared.plan.judged.items():
            self.metrics.facts.labels(result).inc(count)
        for row in prepared.plan.announcements:
            self.metrics.announced.labels(row.details.kind).inc()
        for cause, count in prepared.refolds.items():
            self.metrics.refolds.labels(cause).inc(count)
        if prepared.retried is not None:
            self.metrics.retries.labels(prepared.retried.result).inc()
        if prepared.days_closed:
            self.metrics.days_closed.inc(prepared.days_closed)
        self.metrics.cached.set(len(self.memory))
        if prepared.outbox:
            self._on_announced()
        self.collector.batch_done()

    def forget(self, partitions: Collection[Partition]) -> None:
        """Memory of these partitions is void."""
        numbers = {partition.partition for partition in partitions}
        self.memory.forget(numbers)
        for number in numbers:
            self.calendar.forget(number)


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
        self._plans.calendar.saw(read.newest)
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
    ) -> None:
        """`newest_seen` tells the calendar what other topics prove of time; `lag` is the consumer's."""
        self._plans = plans
        self._desk = desk
        self._days = days
        self._newest_seen = newest_seen
        self._lag = lag

    async def prepare(self, claims: Mapping[Partition, Claim]) -> PreparedPlan | None:
        """The next chunk of work or of a closing day, None when nothing is due."""
        self._newest_seen()
        partitions = sorted(partition.partition for partition in claims)
        # All of ours, not each alone: the past of one partition must not slow down the present of another.
        caught_up = all(behind == 0 for behind in self._lag().values())
        now = self._plans.clock.now()
        done = await self._desk.next_chunk(partitions, now, caught_up=caught_up)
        if done is not None:
            return await self._plans.prepared(done.plan, _stay(done.plan), refolds=done.refolds)
        closing = await self._days.next_chunk(partitions, now)
        self._plans.metrics.days_held.set(self._days.held_back)
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
