"""Closing days: points expire, hazards become overdue and runs grow although nothing arrives.

A compound is looked at when `day` closes if its result can differ on `day` (then the day gets a step) or on
the next one (then that shows). Chunks are transactions; a crash between two leaves the rest to be done.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from scoring.domain.facts import Day
from scoring.handlers import outcomes
from scoring.handlers.days import Calendar, as_date
from scoring.handlers.fold import Folds
from scoring.handlers.memory import Compounds
from scoring.handlers.plan import Plan
from scoring.handlers.telling import Occasion, Teller
from scoring.ports import Archive


@dataclass(slots=True)
class Closing:
    """A plan that folds some compounds through `day`; `last`: and closes it for their partition."""

    plan: Plan
    last: bool
    day: Day | None = None


class DayDesk:
    """Closes days of the partitions that this process owns."""

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
        self.held_back = False
        """Whether a day is over but must not be closed yet."""

    async def next_chunk(
        self, partitions: Collection[int], now: datetime, unread: Collection[int] = ()
    ) -> Closing | None:
        """The plan of the next chunk of the earliest day that may close, None when there is none.

        Partitions that are `unread` close only days whose facts they have read all the same.
        """
        await self._know(partitions)
        over = self._calendar.last_over(now)
        behind = [one for one in partitions if self._may_be_next(one, over, now, unread)]
        new = [one for one in partitions if not self._calendar.known(one)]
        if new:
            return self._begin(new, now)
        if not behind:
            self.held_back = False
            return None
        partition = min(behind, key=lambda one: self._calendar.closed(one, now))
        day = self._calendar.closed(partition, now) + 1
        self._calendar.confirm(await self._archive.confirmed_through())
        self.held_back = not self._calendar.may_close(day, await self._archive.clock_skew_seconds())
        return None if self.held_back else await self._close(partition, day, now)

    async def may_begin(self) -> bool:
        """Whether this clock may be followed at all: something was received, or the database's agrees.

        A partition without history begins with the day of the clock, and could never go back.
        """
        if self._calendar.has_news:
            return True
        skew = await self._archive.clock_skew_seconds()
        self.held_back = abs(skew) > self._calendar.rules.skew_max_seconds
        return not self.held_back

    def _may_be_next(self, partition: int, over: Day, now: datetime, unread: Collection[int]) -> bool:
        closed = self._calendar.closed(partition, now)
        read = partition not in unread or self._calendar.has_read_beyond(partition, closed + 1)
        return closed < over and read

    async def _know(self, partitions: Collection[int]) -> None:
        unknown = {one for one in partitions if not self._calendar.known(one)}
        if unknown:
            for partition, day in (await self._archive.closed_days(unknown)).items():
                if day is not None:
                    self._calendar.note_closed(partition, day)

    def _begin(self, partitions: Collection[int], now: datetime) -> Closing:
        """Partitions without history start with the day before the open one closed."""
        plan = Plan()
        for partition in partitions:
            plan.closed[partition] = self._calendar.closed(partition, now)
            self._calendar.note_closed(partition, plan.closed[partition])
        self._memory.hold(plan)
        return Closing(plan, last=False)

    async def _close(self, partition: int, day: Day, now: datetime) -> Closing:
        due = await self._archive.due_compounds(partition, day, self._chunk)
        touched = dict.fromkeys(due, partition)
        closing = Closing(Plan(), last=len(due) < self._chunk, day=day)
        plan = closing.plan
        with self._memory.preparing(touched):
            held = await self._folds.open(touched)
            plan.compounds.update(touched)
            shown = max(day + 1, self._calendar.open_day(partition, now))
            for one in held.values():
                if one.book is None:
                    continue
                change = self._folds.settle(plan, one, shown, day)
                cause = f"day/{as_date(day)}"
                occasion = Occasion(outcomes.CAUSE_TIME, cause, cause, shown, change_day(day, shown))
                self._teller.moved(plan, change, occasion)
                self._teller.reminded(plan, one.book, day, occasion)
            if closing.last:
                self._calendar.note_closed(partition, day)
                plan.closed[partition] = day
        self._memory.hold(plan)
        return closing


def change_day(closed: Day, shown: Day) -> Day:
    """The effective day of what time alone changed: the one after `closed`, although days may close late."""
    return min(closed + 1, shown)
