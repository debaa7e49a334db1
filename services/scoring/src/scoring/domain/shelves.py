"""All facts of one compound that count, on the shelves of their families, and what they add up to.

Each sum is kept as steps, so a look at a day never goes through facts. `routes.py` puts the facts here. A
packed book comes as closed parts, of which only those are opened that a fact or a day needs.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from scoring.domain import disputes, hazards, vetoes
from scoring.domain.checkpoints import NOTHING, CheckpointShelf, Reading
from scoring.domain.decay import Charge
from scoring.domain.facilities import StatusShelf, UpgradeShelf
from scoring.domain.facts import Day
from scoring.domain.findings import FindingShelf
from scoring.domain.groups import Groups
from scoring.domain.patrols import PatrolShelf
from scoring.domain.rectification import RectificationShelf
from scoring.domain.rosters import RosterShelf
from scoring.domain.rubric_sections import BONUS, Bands, Rubric
from scoring.domain.shelf import Opener, Part, Plain, as_it_is
from scoring.domain.size import Terms
from scoring.domain.steps import StepSum
from scoring.domain.surveys import SurveyShelf
from scoring.domain.traces import Traces, over_on
from scoring.domain.trend import TrendShelf
from scoring.domain.volunteers import VolunteerShelf

Touched = Collection[str]
"""What a fact has changed: codes of items, whose points may be others now, and names of shelves."""

Parts = dict[str, Part]
"""What a packed book is made of: by code of the item, or name of the shelf; empty ones are left out."""


class ItemShelf:
    """What is kept of one item: what it loses, and of a STATE item its checkpoints and statuses."""

    __slots__ = ("checks", "losses", "statuses")

    def __init__(self) -> None:
        self.losses = StepSum()
        self.checks: CheckpointShelf | None = None
        self.statuses: StatusShelf | None = None

    def pack(self, day: Day) -> Plain:
        """(losses, checks, statuses); empty when there is nothing."""
        packed = (
            self.losses.pack(day),
            self.checks.pack(day) if self.checks is not None else (),
            self.statuses.pack(day) if self.statuses is not None else (),
        )
        return packed if any(packed) else ()

    @classmethod
    def unpack(cls, plain: Plain) -> "ItemShelf":
        shelf = cls()
        losses, checks, statuses = plain
        shelf.losses = StepSum.unpack(losses)
        if checks:
            shelf.checks = CheckpointShelf.unpack(checks)
        if statuses:
            shelf.statuses = StatusShelf.unpack(statuses)
        return shelf


class Kind(NamedTuple):
    """How a shelf beside those of the items is opened and packed."""

    unpack: Callable[[Plain], Any]
    empty: Callable[[], Any]
    pack: Callable[[Any, Terms, Day], Plain]


KINDS: Mapping[str, Kind] = {
    "bonus": Kind(StepSum.unpack, StepSum, lambda one, _, day: one.pack(day)),
    "grave": Kind(StepSum.unpack, StepSum, lambda one, _, day: one.pack(day)),
    "trend": Kind(TrendShelf.unpack, TrendShelf, lambda one, terms, day: one.pack(day, terms)),
    "findings": Kind(FindingShelf.unpack, FindingShelf, lambda one, terms, day: one.pack(day, terms)),
    "hazards": Kind(
        lambda plain: Groups.unpack(plain, hazards.Event),
        lambda: Groups(hazards.Event),
        lambda one, terms, day: one.pack(day, lambda events: over_on(events, terms.rubric)),
    ),
    "rectification": Kind(RectificationShelf.unpack, RectificationShelf, lambda one, _, day: one.pack(day)),
    "disputes": Kind(
        disputes.DisputeShelf.unpack, disputes.DisputeShelf, lambda one, terms, day: one.pack(day, terms)
    ),
    "patrols": Kind(PatrolShelf.unpack, PatrolShelf, lambda one, terms, day: one.pack(day, terms)),
    "rosters": Kind(RosterShelf.unpack, RosterShelf, lambda one, _, day: one.pack(day)),
    "volunteers": Kind(VolunteerShelf.unpack, VolunteerShelf, lambda one, terms, day: one.pack(day, terms)),
    "surveys": Kind(SurveyShelf.unpack, SurveyShelf, lambda one, terms, day: one.pack(day, terms)),
    "upgrades": Kind(UpgradeShelf.unpack, UpgradeShelf, lambda one, _, __: one.pack()),
    "vetoes": Kind(vetoes.VetoShelf.unpack, vetoes.VetoShelf, lambda one, _, __: one.pack()),
}
"""The shelves beside those of the items: an attribute of Shelves each."""


class Shelves:
    """All shelves of one compound under one rubric."""

    __slots__ = ("_items", "_layout", "_open", "_opened", "_parts", *KINDS, "traces")

    bonus: StepSum
    grave: StepSum
    trend: TrendShelf
    findings: FindingShelf
    hazards: Groups[hazards.Event]
    rectification: RectificationShelf
    disputes: disputes.DisputeShelf
    patrols: PatrolShelf
    rosters: RosterShelf
    volunteers: VolunteerShelf
    surveys: SurveyShelf
    upgrades: UpgradeShelf
    vetoes: vetoes.VetoShelf

    def __init__(
        self, rubric: Rubric, parts: Mapping[str, Part] | None = None, open_part: Opener = as_it_is
    ) -> None:
        self._layout = rubric.layout
        self._parts = parts or {}
        self._open = open_part
        self._items: dict[str, ItemShelf] = {}
        self._opened: set[str] = set()
        self.traces: dict[str, Traces] = {}
        """What each hazard left in the sums, where it was computed already."""

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            # Only asked for a shelf that is not opened yet.
            kind = KINDS.get(name)
            if kind is None:
                raise AttributeError(name)
            part = self._parts.get(name)
            shelf = kind.empty() if part is None else kind.unpack(self._open(part))
            setattr(self, name, shelf)
            self._opened.add(name)
            return shelf

    def has(self, name: str) -> bool:
        """Whether there may be anything on the shelf of that name."""
        return name in self._parts or name in self._opened

    def item(self, code: str) -> ItemShelf | None:
        """The shelf of an item; None when there is nothing of it."""
        found = self._items.get(code)
        if found is None and (part := self._parts.get(code)) is not None:
            found = self._items[code] = ItemShelf.unpack(self._open(part))
        return found

    def item_of(self, code: str) -> ItemShelf:
        """The shelf of an item, to put something on it."""
        found = self.item(code)
        if found is None:
            found = self._items[code] = ItemShelf()
        return found

    def states(self) -> Iterator[tuple[str, ItemShelf]]:
        """The STATE items of which there is anything, in their order."""
        for code in self._layout.codes:
            shelf = self.item(code) if code in self._layout.states else None
            if shelf is not None:
                yield code, shelf

    def checks_of(self, item: str) -> CheckpointShelf | None:
        """The checkpoints of a STATE item; None for any other."""
        if item not in self._layout.states:
            return None
        shelf = self.item_of(item)
        if shelf.checks is None:
            shelf.checks = CheckpointShelf()
        return shelf.checks

    def statuses_of(self, item: str) -> StatusShelf | None:
        """The statuses of a STATE item; None for any other."""
        if item not in self._layout.states:
            return None
        shelf = self.item_of(item)
        if shelf.statuses is None:
            shelf.statuses = StatusShelf()
        return shelf.statuses

    def reading(self, item: str, terms: Terms, day: Day) -> Reading:
        """What the checkpoints of a STATE item say on `day`."""
        shelf = self.item(item)
        if shelf is None or shelf.checks is None:
            return NOTHING
        return shelf.checks.reading(terms.rubric.state, day)

    def charge(self, item: str, bands: Bands, charges: Iterable[Charge], sign: int) -> None:
        """Adds (`sign` 1) or takes back (-1) what some facts cost an item, or gain as bonus."""
        sums = self.bonus if item == BONUS else self.item_of(item).losses
        for charge in charges:
            for day, delta in charge.steps(bands):
                sums.add(day, sign * delta)

    def pack(self, name: str, terms: Terms, day: Day) -> Plain:
        """One part as of a closed day, by code of the item or name of the shelf; empty for nothing."""
        kind = KINDS.get(name)
        if kind is not None:
            return kind.pack(getattr(self, name), terms, day)
        shelf = self.item(name)
        return () if shelf is None else shelf.pack(day)
