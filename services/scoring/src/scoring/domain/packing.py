"""All shelves as plain tuples, and back: only what can still matter from the last closed day on.

Between two closings only the parts that a fact has touched are packed again.
"""

from collections.abc import Callable, Mapping

from scoring.domain.checkpoints import CheckpointShelf
from scoring.domain.disputes import DisputeShelf
from scoring.domain.facilities import StatusShelf, UpgradeShelf
from scoring.domain.facts import Day, Fact
from scoring.domain.findings import FindingShelf
from scoring.domain.groups import Groups
from scoring.domain.hazards import Event
from scoring.domain.patrols import PatrolShelf
from scoring.domain.rectification import RectificationShelf
from scoring.domain.rosters import RosterShelf
from scoring.domain.rubric_sections import Rubric
from scoring.domain.shelf import Plain
from scoring.domain.shelves import Shelves, Touched
from scoring.domain.size import Terms
from scoring.domain.steps import StepSum
from scoring.domain.surveys import SurveyShelf
from scoring.domain.traces import over_on
from scoring.domain.trend import TrendShelf
from scoring.domain.vetoes import VetoShelf
from scoring.domain.volunteers import VolunteerShelf

PARTS: Mapping[str, Callable[[Shelves, Terms, Day], Plain]] = {
    "bonus": lambda shelves, _, day: shelves.bonus.pack(day),
    "upgrades": lambda shelves, _, __: shelves.upgrades.pack(),
    "trend": lambda shelves, terms, day: shelves.trend.pack(day, terms),
    "findings": lambda shelves, terms, day: shelves.findings.pack(day, terms),
    "hazards": lambda shelves, terms, day: shelves.hazards.pack(
        day, lambda events: over_on(events, terms.rubric)
    ),
    "rectification": lambda shelves, _, day: shelves.rectification.pack(day),
    "grave": lambda shelves, _, day: shelves.grave.pack(day),
    "disputes": lambda shelves, terms, day: shelves.disputes.pack(day, terms),
    "patrols": lambda shelves, terms, day: shelves.patrols.pack(day, terms),
    "rosters": lambda shelves, _, day: shelves.rosters.pack(day),
    "volunteers": lambda shelves, terms, day: shelves.volunteers.pack(day, terms),
    "surveys": lambda shelves, terms, day: shelves.surveys.pack(day, terms),
    "vetoes": lambda shelves, _, __: shelves.vetoes.pack(),
}
"""The parts beside those of the items, in the order in which they are packed."""

TOUCHES: Mapping[str, tuple[str, ...]] = {
    "inspection": ("findings",),
    "incident": ("trend",),
    "hazard": ("hazards", "rectification", "grave"),
    "facility": ("bonus", "upgrades"),
    "patrol": ("patrols",),
    "guards": ("rosters",),
    "volunteers": ("volunteers",),
    "dispute": ("disputes",),
    "cooperation": ("bonus",),
    "survey": ("surveys",),
    "veto": ("vetoes",),
}
"""The parts that a family of facts changes, beside those of the items."""


class Packer:
    """Packs the shelves of one compound and remembers the parts; `clear` it when the closed day moves."""

    __slots__ = ("_packed",)

    def __init__(self) -> None:
        self._packed: dict[str, Plain] = {}

    def clear(self) -> None:
        self._packed.clear()

    def touch(self, fact: Fact, items: Touched) -> None:
        """Forgets the parts that `fact` has changed, and those of `items`."""
        if self._packed:
            for name in (*TOUCHES[fact.kind.partition(".")[0]], *items):
                self._packed.pop(name, None)

    def pack(self, shelves: Shelves, terms: Terms, as_of: Day | None) -> Plain:
        """The shelves as of a closed day; everything when no day was closed yet."""
        day = as_of or 0
        packed = self._packed
        for code in terms.rubric.layout.codes:
            if code not in packed:
                packed[code] = _pack_item(code, shelves, day)
        for name, pack_part in PARTS.items():
            if name not in packed:
                packed[name] = pack_part(shelves, terms, day)
        items = tuple([packed[code] for code in terms.rubric.layout.codes if packed[code]])
        return (items, *[packed[name] for name in PARTS])


def _pack_item(code: str, shelves: Shelves, day: Day) -> Plain:
    """(code, losses, checks, statuses); empty when there is nothing of the item."""
    losses, checks, statuses = shelves.losses.get(code), shelves.checks.get(code), shelves.statuses.get(code)
    packed = (
        losses.pack(day) if losses is not None and losses.lasts(day) else (),
        checks.pack(day) if checks is not None else (),
        statuses.pack(day) if statuses is not None else (),
    )
    return (code, *packed) if any(packed) else ()


def unpack(plain: Plain, rubric: Rubric) -> Shelves:
    """The shelves that a Packer packed."""
    shelves = Shelves(rubric)
    items, bonus, upgrades, trend, findings, hazards, rectification, grave, *rest = plain
    disputes, patrols, rosters, volunteers, surveys, vetoes = rest
    for code, losses, checks, statuses in items:
        if losses:
            shelves.losses[code] = StepSum.unpack(losses)
        if checks:
            shelves.checks[code] = CheckpointShelf.unpack(checks)
        if statuses:
            shelves.statuses[code] = StatusShelf.unpack(statuses)
    shelves.bonus = StepSum.unpack(bonus)
    shelves.grave = StepSum.unpack(grave)
    shelves.trend = TrendShelf.unpack(trend)
    shelves.rectification = RectificationShelf.unpack(rectification)
    shelves.findings = FindingShelf.unpack(findings)
    shelves.hazards = Groups.unpack(hazards, Event)
    shelves.disputes = DisputeShelf.unpack(disputes)
    shelves.patrols = PatrolShelf.unpack(patrols)
    shelves.rosters = RosterShelf.unpack(rosters)
    shelves.volunteers = VolunteerShelf.unpack(volunteers)
    shelves.surveys = SurveyShelf.unpack(surveys)
    shelves.upgrades = UpgradeShelf.unpack(upgrades)
    shelves.vetoes = VetoShelf.unpack(vetoes)
    return shelves
