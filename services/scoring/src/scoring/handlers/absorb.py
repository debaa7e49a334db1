"""Absorbing a batch of facts: choose revisions, change the books they touch, and say what that changed.

Everything that waits comes first, everything that changes memory comes after it, one compound after the
other; only books that must be made whole wait once more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from scoring.domain import facts
from scoring.domain.book import Book
from scoring.domain.facts import Day
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


class _Batch(NamedTuple):
    """What is known of a batch before books are changed; `last`: the last arrival of each compound."""

    plan: Plan
    changes: Mapping[str, list[Counted]]
    held: Mapping[str, Held]
    hazards: Mapping[str, Sequence[HazardKnown]]
    last: Mapping[str, Arrival]
    days: Mapping[int, tuple[Day, Day]]
    """The open and the last closed day of each partition."""
    now: datetime


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
            unwritten = self._memory.heads(keys)
            hazards = self._memory.unwritten_hazards()
            await self._know_days(touched)
            stored, held, opened = await asyncio.gather(
                self._archive.known(keys - unwritten.keys()),
                self._folds.held(touched),
                self._hazards(arrivals),
            )
            stored.update(unwritten)
            plan = Plan()
            changes = judge(plan, arrivals, stored, self._fingerprint).changes
            plan.compounds.update((compound, touched[compound]) for compound in changes)
            plan.hazards.extend(_hazards_of(plan.heads))
            openings = _by_compound([*opened, *hazards, *plan.hazards])
            last = {arrival.fact.compound: arrival for arrival in arrivals}
            days = {
                partition: (self._calendar.open_day(partition, now), self._calendar.closed(partition, now))
                for partition in set(touched.values())
            }
            await self._fold(_Batch(plan, changes, held, openings, last, days, now))
        self._memory.hold(plan)
        return plan

    async def _know_days(self, touched: Mapping[str, int]) -> None:
        unknown = {partition for partition in touched.values() if not self._calendar.known(partition)}
        if unknown:
            for partition, day in (await self._archive.closed_days(unknown)).items():
                if day is not None:
                    self._calendar.note_closed(partition, day)

    async def _fold(self, batch: _Batch) -> None:
        """Each compound that changes; a book that has left out what a fact touches is made whole first."""
        incomplete: list[Held] = []
        async for compound in in_turns(batch.changes):
            one = batch.held[compound]
            if one.version == 0:
                self._wait_for_registration(batch.plan, one, batch.changes[compound])
                continue
            book = self._folds.wake(one)
            assert book is not None, "what is stored is registered"
            if not book.incomplete:
                _apply(book, batch.changes[compound])
            if book.incomplete:
                incomplete.append(one)
            else:
                self._settle(batch, one)
        if incomplete:
            await self._folds.complete(incomplete)
            async for one in in_turns(incomplete):
                assert one.book is not None
                _apply(one.book, batch.changes[one.compound])
                self._settle(batch, one)
        self._begin_days(batch.plan, batch.now)

    def _settle(self, batch: _Batch, one: Held) -> None:
        """Say what the facts have changed, and let the compound sleep again."""
        plan, now, changes = batch.plan, batch.now, batch.changes[one.compound]
        day, closed = batch.days[one.partition]
        # Something came: the closing of the open day looks again, and writes a step if there is one.
        change = self._folds.settle_change(plan, one, day, closed, due_day=closed + 1)
        come = [counted.come for counted in changes]
        event_id = come[-1].event_id
        occasion = Occasion(
            outcomes.CAUSE_FACT,
            self._trigger(batch.last[one.compound]),
            event_id,
            day,
            max([fact.day for fact in come]),
            event_id,
        )
        self._teller.moved(plan, change, occasion, come)
        self._teller.facts(plan, change, come, occasion, batch.hazards.get(one.compound, ()), plan.heads)
        self._ask_for_refold(plan, one, event_id, now)
        if one.book is not None and not one.book.whole:
            one.rest()

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
        # A clock that was ahead for a while must not put it off until then.
        delay = min(max(0.0, self._refold_every_seconds - since), self._refold_every_seconds)
        plan.work.append(NewWork(held.partition, REFOLD, held.compound, cause, dirty, delay))

    def _wait_for_registration(self, plan: Plan, held: Held, changes: Sequence[Counted]) -> None:
        """The work of the registration opens a compound: whatever waited is then told together, once."""
        # A book of what was in the ledger until now.
        held.book = None
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


def _apply(book: Book, changes: Sequence[Counted]) -> None:
    for gone, come in changes:
        if gone is not None:
            book.remove(gone)
        book.add(come)


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
