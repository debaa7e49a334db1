"""Plans of the handlers as transactions: what the cursor must know, how they are written, what follows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import asyncpg
from shared.runtime.clock import Clock
from shared.runtime.consume import Advance, Before, ParkedRecord, Partition, Stale
from shared.runtime.outbox import OutboxRow, append

from scoring.announce import outbox_row
from scoring.collecting import Collector
from scoring.handlers.days import Calendar
from scoring.handlers.memory import Compounds
from scoring.handlers.plan import Plan
from scoring.handlers.turns import in_turns
from scoring.metrics import ScoringMetrics
from scoring.settings import ScoringSettings
from scoring.store import ledger, parked, states, work
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
