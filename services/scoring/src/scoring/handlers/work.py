"""Work that is not a fact: registrations, late facts, facts nobody can place; a chunk is a transaction.

The consumer prepares it when everything before it is committed, so that what is read in the tables holds.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from scoring.domain.facts import Day, HazardOpened
from scoring.domain.standing import Step
from scoring.handlers import outcomes
from scoring.handlers.days import Calendar
from scoring.handlers.fold import Change, Folds, add_steps
from scoring.handlers.memory import Compounds, Held
from scoring.handlers.plan import Plan
from scoring.handlers.telling import Occasion, Teller
from scoring.ports import (
    REFOLD,
    REGISTERED,
    UNASSIGNED,
    Archive,
    FactKey,
    FactsWaiting,
    HazardKnown,
    Known,
    WorkItem,
)


@dataclass(slots=True)
class Done:
    """A plan of work and what it was about, for the metrics."""

    plan: Plan
    refolds: dict[str, int] = field(default_factory=dict)


class WorkDesk:
    """Carries out rows of work for the partitions that this process owns."""

    def __init__(
        self,
        archive: Archive,
        memory: Compounds,
        folds: Folds,
        calendar: Calendar,
        teller: Teller,
        *,
        chunk: int,
    ) -> None:
        self._archive = archive
        self._memory = memory
        self._folds = folds
        self._calendar = calendar
        self._teller = teller
        self._chunk = chunk

    async def next_chunk(self, partitions: Collection[int], now: datetime, *, caught_up: bool) -> Done | None:
        """The plan of the next due rows, None when nothing is due.

        Refolds wait until all partitions have `caught_up` with their logs, or for a while: an import of a
        year must not fold hundreds of days for every row.
        """
        urgent = await self._archive.due_work(
            partitions, (REGISTERED, UNASSIGNED), self._chunk, patience=False
        )
        if urgent:
            return await self._carry_out(urgent, now)
        refolds = await self._archive.due_work(partitions, (REFOLD,), self._chunk, patience=not caught_up)
        return await self._carry_out(refolds, now) if refolds else None

    async def _carry_out(self, items: Sequence[WorkItem], now: datetime) -> Done:
        touched = {item.key: item.partition for item in items}
        with self._memory.preparing(touched):
            for partition, day in (await self._archive.closed_days(set(touched.values()))).items():
                if day is not None and not self._calendar.known(partition):
                    self._calendar.note_closed(partition, day)
            held = await self._folds.open(touched, anew=True)
            folding = [item for item in items if item.kind != UNASSIGNED and held[item.key].book is not None]
            await self._make_whole([held[item.key] for item in folding])
            waited = await self._waited(folding, held)
            old_steps = await self._archive.steps_of({item.key for item in folding})
            waiting = await self._archive.waiting({item.key for item in items if item.kind == UNASSIGNED})
            done = Done(Plan())
            done.plan.done.extend((item.id, item.merged) for item in items)
            for item in _one_fold_each(folding):
                told = self._refold(done, item, held[item.key], old_steps.get(item.key, []), now)
                if item.key in waited:
                    self._tell_waited(done.plan, *told, waited[item.key])
            for item in items:
                if item.kind == UNASSIGNED and held[item.key].book is None and item.key in waiting:
                    self._report_unassigned(done.plan, item, waiting[item.key])
                done.plan.compounds[item.key] = item.partition
            self._begin_days(done.plan, now)
        self._memory.hold(done.plan)
        return done

    async def _make_whole(self, held: Collection[Held]) -> None:
        thin = {one.compound: one for one in held if one.book is not None and not one.book.whole}
        await self._folds.complete(list(thin.values()))

    async def _waited(
        self, folding: Sequence[WorkItem], held: Mapping[str, Held]
    ) -> dict[str, dict[FactKey, Known]]:
        """All facts of the compounds that are opened now, with their events."""
        new = {item.key for item in folding if held[item.key].version == 0}
        facts = await self._archive.facts_of(new) if new else {}
        keys = {(fact.compound, fact.root) for found in facts.values() for fact in found}
        found: dict[str, dict[FactKey, Known]] = {}
        for key, known in (await self._archive.known(keys)).items() if keys else ():
            found.setdefault(key[0], {})[key] = known
        return found

    def _tell_waited(
        self, plan: Plan, change: Change, occasion: Occasion, waited: Mapping[FactKey, Known]
    ) -> None:
        come = sorted((known.fact for known in waited.values()), key=lambda fact: fact.order)
        opened = [HazardKnown.of(fact) for fact in come if isinstance(fact.data, HazardOpened)]
        self._teller.facts(plan, change, come, occasion, opened, waited)

    def _refold(
        self, done: Done, item: WorkItem, held: Held, old: Sequence[Step], now: datetime
    ) -> tuple[Change, Occasion]:
        book, plan = held.book, done.plan
        assert book is not None
        day = self._calendar.open_day(held.partition, now)
        closed = max(self._calendar.closed(held.partition, now), book.as_of_day or 0)
        first_time = held.version == 0
        event = item.cause
        dirty = book.dirty_from
        steps = book.refold(closed)
        if first_time or steps != list(old):
            add_steps(plan, held.compound, steps, anew=True)
        change = self._folds.settle(plan, held, day, closed)
        held.refold_from, held.refolded_at = None, now
        done.refolds[item.kind] = done.refolds.get(item.kind, 0) + 1
        span = None if first_time else revised_days(old, steps, closed)
        effective = day if item.kind == REGISTERED else (dirty or item.from_day or day)
        occasion = Occasion(outcomes.CAUSE_REVISION, item.trigger, event, day, effective, event)
        self._teller.moved(plan, change, occasion)
        if span is not None:
            self._teller.revised(plan, book, *span, occasion)
        if item.kind == REGISTERED:
            plan.released.append(held.compound)
        return change, occasion

    def _report_unassigned(self, plan: Plan, item: WorkItem, first: FactsWaiting) -> None:
        plan.compounds[item.key] = item.partition
        plan.announce(
            item.key,
            outcomes.FactUnassigned(first.event_id, first.event_type, first.since_us),
            trigger=item.trigger,
            cause_id=item.cause,
            historical=False,
            relations=None,
        )

    def _begin_days(self, plan: Plan, now: datetime) -> None:
        for partition in set(plan.compounds.values()):
            if not self._calendar.known(partition):
                closed = self._calendar.closed(partition, now)
                self._calendar.note_closed(partition, closed)
                plan.closed[partition] = closed


def _one_fold_each(items: Sequence[WorkItem]) -> list[WorkItem]:
    """One item per compound, registrations first: they fold anew anyway."""
    chosen: dict[str, WorkItem] = {}
    for item in items:
        if item.key not in chosen or item.kind == REGISTERED:
            chosen[item.key] = item
    return list(chosen.values())


def revised_days(old: Sequence[Step], new: Sequence[Step], closed: Day) -> tuple[Day, Day] | None:
    """The first and the last day on which two histories differ in what they show; None when in nothing.

    Both are steps: what a step shows holds until the next one. The runs behind the star are not shown.
    """
    before, after = _shows(old), _shows(new)
    days = sorted(before.keys() | after.keys())
    first = last = None
    was = now = None
    for place, day in enumerate(days):
        was, now = before.get(day, was), after.get(day, now)
        if was != now:
            first = day if first is None else first
            last = days[place + 1] - 1 if place + 1 < len(days) else closed
    return None if first is None or last is None else (first, last)


def _shows(steps: Sequence[Step]) -> Mapping[Day, tuple[object, ...]]:
    return {
        step.day: (step.score_milli, step.star, step.dynamic_star, step.bonus_milli, dict(step.items))
        for step in steps
    }
