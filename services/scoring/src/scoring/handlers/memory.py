"""The compounds in memory, and what is prepared but not yet committed.

The next transaction is prepared while the one before is written. So memory may be ahead of the database:
compounds of unwritten plans are *pinned*, they must not be loaded, and the revisions those plans decided are
*heads* that a look into the ledger would not find yet. Whenever a prepare or a write fails, the consumer
forgets: nothing that a broken plan has changed is used again.

Live books are large, and opening a packed one costs little: a compound sleeps packed while nobody needs it.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from scoring.domain.book import Book
from scoring.domain.facts import Day
from scoring.domain.size import Terms
from scoring.handlers.plan import Plan
from scoring.ports import FactKey, HazardKnown, Known, Shown, StoredState

SETTLE_SECONDS_MAX = 10.0
"""How long a plan waits for the one before to be written; the consumer tries again after a TimeoutError."""


@dataclass(slots=True)
class Held:
    """One compound in memory; `version` 0: it is not stored.

    It is *awake* with a book, or *asleep* with what is stored of it, which is small. Where `terms` is None
    the registry does not know it, and there is neither. `shown` belongs to the book; `stored` beside a book
    says the same as the book does.
    """

    compound: str
    partition: int
    book: Book | None = None
    version: int = 0
    day: Day = 0
    shown: Shown | None = None
    refold_from: Day | None = None
    refolded_at: datetime | None = None
    terms: Terms | None = None
    stored: StoredState | None = None

    def rest(self) -> None:
        """Fall asleep, if the book says nothing that is not stored."""
        if self.stored is not None:
            self.book = self.shown = None


class Compounds:
    """A bounded memory of compounds, least recently used first out; see the module for pins and heads."""

    def __init__(self, size_max: int, whole_max: int) -> None:
        self._size_max = size_max
        self._whole_max = whole_max
        self._held: OrderedDict[str, Held] = OrderedDict()
        self._whole: OrderedDict[str, None] = OrderedDict()
        self._pins: Counter[str] = Counter()
        self._unwritten: list[Plan] = []
        self._in_use: Mapping[str, int] = {}
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._held)

    def get(self, compound: str) -> Held | None:
        """A compound in memory, or None: then it is to be loaded."""
        held = self._held.get(compound)
        if held is not None:
            self._held.move_to_end(compound)
        return held

    def put(self, held: Held) -> None:
        self._held[held.compound] = held
        self._held.move_to_end(held.compound)

    def head(self, key: FactKey) -> Known | None:
        """The revision of a fact that counts by a plan not yet written."""
        for plan in reversed(self._unwritten):
            known = plan.heads.get(key)
            if known is not None:
                return known
        return None

    def heads(self, keys: set[FactKey]) -> dict[FactKey, Known]:
        """The same of many facts: those that plans not yet written decide."""
        found: dict[FactKey, Known] = {}
        for plan in self._unwritten:
            found.update((key, plan.heads[key]) for key in plan.heads.keys() & keys)
        return found

    def unwritten_hazards(self) -> list[HazardKnown]:
        """The hazards that plans not yet written open."""
        return [hazard for plan in self._unwritten for hazard in plan.hazards]

    @contextmanager
    def preparing(self, compounds: Mapping[str, int]) -> Iterator[None]:
        """While a plan about these compounds is prepared they stay in memory; prepares never overlap."""
        self._in_use = compounds
        try:
            yield
        finally:
            self._in_use = {}

    def hold(self, plan: Plan) -> None:
        """The plan is prepared: its compounds are pinned until it is released, and fall asleep."""
        self._unwritten.append(plan)
        self._pins.update(plan.compounds.keys())
        for compound in plan.compounds:
            held = self._held.get(compound)
            if held is not None and held.book is not None and not held.book.whole:
                held.rest()

    def release(self, plan: Plan) -> None:
        """The plan is committed: what it knew can be read from the database."""
        self._drop(plan)
        self._evict()
        self._thin(plan.compounds)

    def forget(self, partitions: Collection[int]) -> None:
        """Plans of these partitions are void and their compounds unknown."""
        gone = set(partitions)
        for plan in list(self._unwritten):
            if gone.intersection(plan.compounds.values()) or not plan.compounds:
                self._drop(plan)
                for compound in plan.compounds:
                    self._held.pop(compound, None)
        for compound in [one.compound for one in self._held.values() if one.partition in gone]:
            del self._held[compound]

    async def settled(self, compounds: Collection[str]) -> None:
        """Wait until no plan with one of these compounds is unwritten."""
        async with asyncio.timeout(SETTLE_SECONDS_MAX):
            while any(self._pins[compound] for compound in compounds):
                self._changed.clear()
                await self._changed.wait()

    def _drop(self, plan: Plan) -> None:
        # By identity: plans are mutable and two of them may be equal. One may be gone already.
        left = [one for one in self._unwritten if one is not plan]
        if len(left) == len(self._unwritten):
            return
        self._unwritten = left
        self._pins.subtract(plan.compounds.keys())
        for compound in plan.compounds:
            if self._pins[compound] <= 0:
                del self._pins[compound]
        self._changed.set()

    def _busy(self, compound: str) -> bool:
        # Asking a Counter for what it lacks adds nothing.
        return self._pins[compound] > 0 or compound in self._in_use

    def _evict(self) -> None:
        excess = len(self._held) - self._size_max
        if excess > 0:
            unpinned = (compound for compound in self._held if not self._busy(compound))
            for compound in list(islice(unpinned, excess)):
                del self._held[compound]
                self._whole.pop(compound, None)

    def _thin(self, compounds: Iterable[str]) -> None:
        """Whole books answer every late fact at once but are large: only the last few used stay whole."""
        for compound in compounds:
            held = self._held.get(compound)
            if held is not None and held.book is not None and held.book.whole:
                self._whole[compound] = None
                self._whole.move_to_end(compound)
        while len(self._whole) > self._whole_max:
            compound = next(iter(self._whole))
            if self._busy(compound):
                return
            del self._whole[compound]
            held = self._held.get(compound)
            if held is not None:
                held.rest()
