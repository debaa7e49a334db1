"""All facts of one compound that count, on the shelves of their families, and what they add up to.

Each sum is kept as steps, so a look at a day never goes through facts. `routes.py` puts the facts here.
"""

from collections.abc import Collection, Iterable

from scoring.domain import disputes, findings, hazards, vetoes
from scoring.domain.checkpoints import NOTHING, CheckpointShelf, Reading
from scoring.domain.decay import Charge
from scoring.domain.facilities import StatusShelf, UpgradeShelf
from scoring.domain.facts import Day
from scoring.domain.groups import Groups
from scoring.domain.patrols import PatrolShelf
from scoring.domain.rectification import RectificationShelf
from scoring.domain.rosters import RosterShelf
from scoring.domain.rubric_sections import BONUS, Bands, Rubric
from scoring.domain.size import Terms
from scoring.domain.steps import StepSum
from scoring.domain.surveys import SurveyShelf
from scoring.domain.traces import Traces
from scoring.domain.trend import TrendShelf
from scoring.domain.volunteers import VolunteerShelf

Touched = Collection[str]
"""Codes of items, and BONUS."""


class Shelves:
    """All shelves of one compound under one rubric."""

    def __init__(self, rubric: Rubric) -> None:
        self._states = rubric.layout.states
        self.losses: dict[str, StepSum] = {}
        self.checks: dict[str, CheckpointShelf] = {}
        self.statuses: dict[str, StatusShelf] = {}
        self.bonus = StepSum()
        self.grave = StepSum()
        self.trend = TrendShelf()
        self.rectification = RectificationShelf()
        self.findings = findings.FindingShelf()
        self.hazards: Groups[hazards.Event] = Groups()
        self.traces: dict[str, Traces] = {}
        """What each hazard left in the sums, where it was computed already."""
        self.disputes = disputes.DisputeShelf()
        self.patrols = PatrolShelf()
        self.rosters = RosterShelf()
        self.volunteers = VolunteerShelf()
        self.surveys = SurveyShelf()
        self.upgrades = UpgradeShelf()
        self.vetoes = vetoes.VetoShelf()

    def loss(self, item: str) -> StepSum:
        """The sum of what `item` loses by charges and hazards."""
        found = self.losses.get(item)
        if found is None:
            found = self.losses[item] = StepSum()
        return found

    def checks_of(self, item: str) -> CheckpointShelf | None:
        """The checkpoints of a STATE item; None for any other."""
        if item not in self._states:
            return None
        found = self.checks.get(item)
        if found is None:
            found = self.checks[item] = CheckpointShelf()
        return found

    def statuses_of(self, item: str) -> StatusShelf | None:
        """The statuses of a STATE item; None for any other."""
        if item not in self._states:
            return None
        found = self.statuses.get(item)
        if found is None:
            found = self.statuses[item] = StatusShelf()
        return found

    def reading(self, item: str, terms: Terms, day: Day) -> Reading:
        """What the checkpoints of a STATE item say on `day`."""
        shelf = self.checks.get(item)
        return NOTHING if shelf is None else shelf.reading(terms.rubric.state, day)

    def charge(self, item: str, bands: Bands, charges: Iterable[Charge], sign: int) -> None:
        """Adds (`sign` 1) or takes back (-1) what some facts cost an item, or gain as bonus."""
        sums = self.bonus if item == BONUS else self.loss(item)
        for charge in charges:
            for day, delta in charge.steps(bands):
                sums.add(day, sign * delta)
