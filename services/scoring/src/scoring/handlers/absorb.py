"""Absorbing a batch of facts: choose revisions, change the books they touch, and say what that changed.

Everything that waits comes first, everything that changes memory comes after it; only books that must be made
whole wait in between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from scoring.domain import facts
from scoring.handlers import outcomes
from scoring.handlers.days import Calendar
from scoring.handlers.fold import Folds
from scoring.handlers.judging import Counted, Fingerprint, judge
from scoring.handlers.memory import Compounds, Held
from scoring.handlers.plan import NewWork, Plan
from scoring.handlers.telling import REPEAT_WITHIN_DAYS, Occasion, Teller
from scoring.handlers.turns import in_turns
from scoring.ports import REFOLD, UNASSIGNED, Archive, Arrival, FactKey, HazardKnown, Known

NEVER_ASSIGNED = frozenset({"evidence.stored"})
"""Facts that are not about a compound: nobody waits for their registration."""

Trigger = Callable[[Arrival], str]
"""`topic/partition/offset` of an arrival: what outcomes of a batch are derived from."""


class FactAbsorption:
    """Prepares batches of facts for one process."""

    def __init__(
        self,
        archive: Archive,
        memory: Compounds,
        folds: Folds,
        calendar: Calendar,
        teller: Teller,
        *,
        fingerprint: Fingerprint,
        trigger: Trigger,
        unassigned_after_seconds: float,
        refold_every_seconds: float,
    ) -> None:
        self._archive = archive
        self._memory = memory
        self._folds = folds
        self._calendar = calendar
        self._teller = teller
        self._fingerprint = fingerprint
        self._trigger = trigger
        self._unassigned_after_seconds = unassigned_after_seconds
        self._refold_every_seconds = refold_every_seconds

    async def absorb_batch(self, arrivals: Sequence[Arrival], now: datetime) -> Plan:
        """The plan of a batch, held in memory until it is released or forgotten.

        Raises what the archive raises; then nothing has changed.
        """
        touched = {arrival.fact.compound: arrival.partition for arrival in arrivals}
        keys = {arrival.key for arrival in arrivals}
        with self._memory.preparing(touched):
            # In this order: what is unwritten now is known here, or committed when the question is asked.
            unwritten = {key: known for key in keys if (known := self._memory.head(key)) is not None}
            hazards = self._unwritten_hazards()
            await self._know_days(touched)
            stored, held, opened = await asyncio.gather(
                self._archive.known(keys - unwritten.keys()),
                self._folds.open(touched),
                self._hazards(arrivals),
            )
            stored.update(unwritten)
            plan, changes = await self._change(arrivals, touched, stored, held)
            openings = _by_compound([*opened, *hazards, *_hazards_of(plan.heads)])
            await self._settle(plan, arrivals, changes, held, openings, now)
        self._memory.hold(plan)
        return plan

    async def _know_days(self, touched: Mapping[str, int]) -> None:
        unknown = {partition for partition in touched.values() if not self._calendar.known(partition)}
        if unknown:
            for partition, day in (await self._archive.closed_days(unknown)).items():
                if day is not None:
                    self._calendar.note_closed(partition, day)

    async def _change(
        self,
        arrivals: Sequence[Arrival],
        touched: Mapping[str, int],
        stored: Mapping[FactKey, Known],
        held: Mapping[str, Held],
    ) -> tuple[Plan, dict[str, list[Counted]]]:
        """Judge and apply; a book that has left out what a fact touches is made whole first."""
        plan = Plan()
        judged = judge(plan, arrivals, stored, self._fingerprint)
        plan.compounds.update((compound, touched[compound]) for compound in judged.changes)
        incomplete = []
        async for compound in in_turns(judged.changes):
            book = held[compound].book
            if book is None:
                continue
            self._apply(held[compound], judged.changes[compound])
            if book.incomplete:
                incomplete.append(held[compound])
        if incomplete:
            await self._folds.complete(incomplete)
            for one in incomplete:
                self._apply(one, judged.changes[one.compound])
        return plan, judged.changes

    def _apply(self, held: Held, changes: Sequence[Counted]) -> None:
        assert held.book is not None
        for gone, come in changes:
            if gone is not None:
                held.book.remove(gone)
            held.book.add(come)

    async def _settle(
        self,
        plan: Plan,
        arrivals: Sequence[Arrival],
        changed: Mapping[str, list[Counted]],
        held: Mapping[str, Held],
        hazards: Mapping[str, Sequence[HazardKnown]],
        now: datetime,
    ) -> None:
        last = {arrival.fact.compound: arrival for arrival in arrivals}
        async for compound in in_turns(changed):
            changes = changed[compound]
            one = held[compound]
            if one.version == 0:
                self._wait_for_registration(plan, one, changes)
                continue
            day = self._calendar.open_day(one.partition, now)
            closed = self._calendar.closed(one.partition, now)
            # Something came: the closing of the open day looks again, and writes a step if there is one.
            change = self._folds.settle(plan, one, day, closed, due_day=closed + 1)
            come = [counted.come for counted in changes]
            occasion = Occasion(
                outcomes.CAUSE_FACT,
                self._trigger(last[compound]),
                come[-1].event_id,
                day,
                max(fact.day for fact in come),
                come[-1].event_id,
            )
            self._teller.moved(plan, change, occasion, come)
            self._teller.facts(plan, change, come, occasion, hazards.get(compound, ()), plan.heads)
            self._ask_for_refold(plan, one, come[-1].event_id, now)
        self._begin_days(plan, now)

    def _ask_for_refold(self, plan: Plan, held: Held, cause: str, now: datetime) -> None:
        assert held.book is not None
        dirty = held.book.dirty_from
        if dirty is None or (held.refold_from is not None and held.refold_from <= dirty):
            return
        held.refold_from = dirty
        since = (
            self._refold_every_seconds
            if held.refolded_at is None
            else (now - held.refolded_at).total_seconds()
        )
        delay = max(0.0, self._refold_every_seconds - since)
        plan.work.append(NewWork(held.partition, REFOLD, held.compound, cause, dirty, delay))

    def _wait_for_registration(self, plan: Plan, held: Held, changes: Sequence[Counted]) -> None:
        """The work of the registration opens a compound: whatever waited is then told together, once."""
        waiting = [come for gone, come in changes if gone is None and come.kind not in NEVER_ASSIGNED]
        if waiting:
            plan.unassigned[held.partition, held.compound] += len(waiting)
            plan.work.append(
                NewWork(
                    held.partition,
                    UNASSIGNED,
                    held.compound,
                    waiting[0].event_id,
                    delay_seconds=self._unassigned_after_seconds,
                )
            )

    def _begin_days(self, plan: Plan, now: datetime) -> None:
        """A partition without history starts with the day before the open one closed."""
        for partition in set(plan.compounds.values()):
            if not self._calendar.known(partition):
                closed = self._calendar.closed(partition, now)
                self._calendar.note_closed(partition, closed)
                plan.closed[partition] = closed

    async def _hazards(self, arrivals: Sequence[Arrival]) -> list[HazardKnown]:
        opened = [one.fact for one in arrivals if isinstance(one.fact.data, facts.HazardOpened)]
        if not opened:
            return []
        since = min(fact.day for fact in opened) - REPEAT_WITHIN_DAYS
        return await self._archive.hazards_since({fact.compound for fact in opened}, since)

    def _unwritten_hazards(self) -> list[HazardKnown]:
        return _hazards_of(
            {(one.fact.compound, one.fact.root): one for one in self._memory.unwritten_heads()}
        )


def _by_compound(hazards: Sequence[HazardKnown]) -> dict[str, list[HazardKnown]]:
    found: dict[str, list[HazardKnown]] = {}
    for hazard in hazards:
        found.setdefault(hazard.compound, []).append(hazard)
    return found


def _hazards_of(heads: Mapping[FactKey, Known]) -> list[HazardKnown]:
    return [
        HazardKnown.of(known.fact)
        for known in heads.values()
        if isinstance(known.fact.data, facts.HazardOpened)
    ]
