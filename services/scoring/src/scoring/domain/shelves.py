"""Where each kind of fact goes: all facts of one compound that count, on the shelves of their families.

`change` answers the items whose points may have changed. A fact costs what its own group costs, never what
the compound has.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from scoring.domain import cooperation, disputes, facts, findings, hazards, vetoes
from scoring.domain.checkpoints import NOTHING, PASS, CheckpointShelf, Reading, worst
from scoring.domain.decay import Charge, Finding
from scoring.domain.facilities import StatusShelf, UpgradeShelf, gains_bonus
from scoring.domain.facts import Day, Fact
from scoring.domain.groups import Groups
from scoring.domain.incidents import charge_of
from scoring.domain.patrols import PatrolShelf
from scoring.domain.rectification import RectificationShelf
from scoring.domain.rosters import RosterShelf
from scoring.domain.rubric_sections import BONUS, Bands, Rubric
from scoring.domain.size import Terms
from scoring.domain.steps import StepSum
from scoring.domain.surveys import SurveyShelf
from scoring.domain.traces import Traces, traces
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

    def add(self, fact: Fact, terms: Terms) -> Touched:
        """Puts a fact that counts on its shelves."""
        return self.change(fact, terms, 1)

    def change(self, fact: Fact, terms: Terms, sign: int) -> Touched:
        """Puts a fact on its shelves (`sign` 1) or takes it off (-1), under the terms under which it came."""
        return ROUTES[fact.kind](self, fact, fact.data, terms, sign)

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


def _inspection(
    shelves: Shelves, fact: Fact, data: facts.InspectionRecorded, terms: Terms, sign: int
) -> Touched:
    rubric = terms.rubric
    order = fact.order
    touched = set()
    for (item, checkpoint), rank in worst(data.checks).items():
        shelf = shelves.checks_of(item)
        if shelf is not None:
            (shelf.add if sign > 0 else shelf.remove)(checkpoint, order, rank)
            touched.add(item)
            touched.update(rubric.items[item].moves_milli)
    for check in data.checks:
        target = rubric.items.get(check.item)
        result = findings.result_permille(rubric.findings, check)
        if target is None or not target.findings_milli or not result:
            continue
        key = findings.key_of(check, fact.day)
        finding = Finding(fact.day, result)
        shelves.charge(target.code, target.bands, shelves.findings.charges(key, target), -1)
        (shelves.findings.add if sign > 0 else shelves.findings.remove)(key, finding)
        shelves.charge(target.code, target.bands, shelves.findings.charges(key, target), 1)
        touched.add(target.code)
    return touched


def _incident(shelves: Shelves, fact: Fact, data: facts.IncidentRecorded, terms: Terms, sign: int) -> Touched:
    charged = charge_of(data, fact.day, terms)
    if charged is None:
        return ()
    item = terms.rubric.items[charged.item]
    shelves.charge(item.code, item.bands, (charged.charge,), sign)
    if item.code not in terms.rubric.trend.items:
        return (item.code,)
    shelves.trend.add(fact.day, charged.charge.base_milli, sign)
    return (item.code, *_of_model(terms.rubric, "trend"))


def _hazard(
    shelves: Shelves,
    fact: Fact,
    data: facts.HazardOpened | facts.HazardMoved | facts.HazardExtended,
    terms: Terms,
    sign: int,
) -> Touched:
    groups, rubric = shelves.hazards, terms.rubric
    hazard_id = data.hazard_id
    before = shelves.traces.get(hazard_id)
    if before is None:
        before = traces(groups.of(hazard_id), rubric)
    event = hazards.event_of(fact, data)
    (groups.add if sign > 0 else groups.remove)(hazard_id, event)
    after = shelves.traces[hazard_id] = traces(groups.of(hazard_id), rubric)
    if after == before:
        return ()
    return {
        *_trace(shelves, before, rubric, -1),
        *_trace(shelves, after, rubric, 1),
        *_of_model(rubric, "rectification"),
    }


def _trace(shelves: Shelves, left: Traces, rubric: Rubric, sign: int) -> Touched:
    if left.opened is None:
        return ()
    shelves.rectification.add(left, sign)
    for day, delta in left.grave:
        shelves.grave.add(day, sign * delta)
    item, checkpoint = left.opened.item, left.opened.checkpoint
    shelf = shelves.checks_of(item)
    if shelf is None:
        return ()
    for day, delta in left.loss:
        shelves.loss(item).add(day, sign * delta)
    shelf.hazard(checkpoint, left.opened.day, left.closed, sign)
    if left.verified is not None:
        (shelf.add if sign > 0 else shelf.remove)(checkpoint, left.verified.order, PASS)
    return (item, *rubric.items[item].moves_milli)


def _dispute(
    shelves: Shelves,
    fact: Fact,
    data: facts.DisputeRecorded | facts.DisputeMediated | facts.DisputeEscalated,
    terms: Terms,
    sign: int,
) -> Touched:
    rules = terms.rubric.disputes
    shelf = shelves.disputes
    event = disputes.event_of(fact, data)

    def charge(sign: int) -> None:
        charged = shelf.charges(data.dispute_id, terms)
        for item, charges in ((rules.item, charged.recorded), (rules.handling_item, charged.handling)):
            shelves.charge(item, terms.rubric.bands(item), charges, sign)

    charge(-1)
    (shelf.disputes.add if sign > 0 else shelf.disputes.remove)(data.dispute_id, event)
    charge(1)
    return (rules.item, rules.handling_item)


def _cooperation(
    shelves: Shelves, fact: Fact, data: facts.CooperationRecorded, terms: Terms, sign: int
) -> Touched:
    charged = cooperation.charge_of(data, fact.day, terms.rubric)
    if charged is None:
        return ()
    shelves.charge(charged.item, terms.rubric.bands(charged.item), (charged.charge,), sign)
    return (charged.item,)


def _status(shelves: Shelves, fact: Fact, data: facts.FacilityStatus, _: Terms, sign: int) -> Touched:
    shelf = shelves.statuses_of(data.item)
    if shelf is None or not data.total:
        return ()
    (shelf.add if sign > 0 else shelf.remove)(fact, data)
    return (data.item,)


def _upgrade(shelves: Shelves, fact: Fact, data: facts.FacilityUpgraded, terms: Terms, sign: int) -> Touched:
    if not gains_bonus(terms.rubric, data):
        return ()
    rules, shelf = terms.rubric.bonus, shelves.upgrades
    shelves.charge(BONUS, rules.bands, shelf.gains(data.item, rules), -1)
    (shelf.add if sign > 0 else shelf.remove)(data.item, fact.order)
    shelves.charge(BONUS, rules.bands, shelf.gains(data.item, rules), 1)
    return (BONUS,)


def _patrol(shelves: Shelves, fact: Fact, data: facts.PatrolLogged, terms: Terms, sign: int) -> Touched:
    (shelves.patrols.add if sign > 0 else shelves.patrols.remove)(fact, data)
    return _of_model(terms.rubric, "patrols")


def _roster(shelves: Shelves, fact: Fact, data: facts.GuardsUpdated, terms: Terms, sign: int) -> Touched:
    (shelves.rosters.add if sign > 0 else shelves.rosters.remove)(fact, data)
    return (*_of_model(terms.rubric, "roster_strength"), *_of_model(terms.rubric, "roster_quality"))


def _volunteers(
    shelves: Shelves, fact: Fact, data: facts.VolunteersLogged, terms: Terms, sign: int
) -> Touched:
    (shelves.volunteers.add if sign > 0 else shelves.volunteers.remove)(fact, data)
    return _of_model(terms.rubric, "volunteers")


def _survey(shelves: Shelves, fact: Fact, data: facts.SurveyRecorded, terms: Terms, sign: int) -> Touched:
    (shelves.surveys.add if sign > 0 else shelves.surveys.remove)(fact, data)
    return _of_model(terms.rubric, "survey")


def _veto(
    shelves: Shelves, fact: Fact, data: facts.VetoStated | facts.VetoLifted, _: Terms, sign: int
) -> Touched:
    groups = shelves.vetoes.vetoes
    (groups.add if sign > 0 else groups.remove)(data.veto_id, vetoes.event_of(fact, data))
    return ()


def _of_model(rubric: Rubric, model: str) -> Touched:
    """The item of a model of which a rubric has at most one."""
    code = rubric.of_model.get(model)
    return () if code is None else (code,)


Route = Callable[[Shelves, Fact, Any, Terms, int], Touched]

ROUTES: Mapping[str, Route] = {
    "inspection.recorded": _inspection,
    "incident.recorded": _incident,
    "hazard.opened": _hazard,
    "hazard.rectified": _hazard,
    "hazard.verified": _hazard,
    "hazard.rejected": _hazard,
    "hazard.extended": _hazard,
    "facility.status": _status,
    "facility.upgraded": _upgrade,
    "patrol.logged": _patrol,
    "guards.updated": _roster,
    "volunteers.logged": _volunteers,
    "dispute.recorded": _dispute,
    "dispute.mediated": _dispute,
    "dispute.escalated": _dispute,
    "cooperation.recorded": _cooperation,
    "survey.recorded": _survey,
    "veto.confirmed": _veto,
    "veto.lifted": _veto,
}
"""The kinds of facts that rules read; others count for nothing here."""
