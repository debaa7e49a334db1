"""Where each kind of fact goes, and what it changes there.

A fact costs what its own group costs, never what the compound has: what the group left in the sums is taken
out, the group is changed, and what it leaves now is put in.
"""

from collections.abc import Callable, Mapping
from typing import Any

from scoring.domain import cooperation, disputes, facts, findings, hazards, vetoes
from scoring.domain.checkpoints import PASS, worst
from scoring.domain.facilities import gains_bonus
from scoring.domain.facts import Fact
from scoring.domain.incidents import charge_of
from scoring.domain.rubric_sections import BONUS, Rubric
from scoring.domain.shelves import Shelves, Touched
from scoring.domain.size import Terms
from scoring.domain.traces import Traces, traces


def change(shelves: Shelves, fact: Fact, terms: Terms, sign: int) -> Touched:
    """Puts a fact that counts on its shelves (`sign` 1) or takes it off (-1); answers what that has changed.

    It is taken off under the terms under which it was put there. Raises Forgotten, see `shelf.py`.
    """
    return ROUTES[fact.kind](shelves, fact, fact.data, terms, sign)


def _inspection(
    shelves: Shelves, fact: Fact, data: facts.InspectionRecorded, terms: Terms, sign: int
) -> Touched:
    rubric = terms.rubric
    order = fact.order
    touched = set()
    for (item, checkpoint), rank in worst(data.checks).items():
        shelf = shelves.checks_of(item)
        if shelf is not None and (shelf.add if sign > 0 else shelf.remove)(checkpoint, order, rank):
            touched.add(item)
            touched.update(rubric.items[item].moves_milli)
    for key, finding in findings.counted(data.checks, fact.day, rubric):
        target = rubric.items[key[0]]
        shelves.charge(target.code, target.bands, shelves.findings.charges(key, target), -1)
        (shelves.findings.add if sign > 0 else shelves.findings.remove)(key, finding)
        shelves.charge(target.code, target.bands, shelves.findings.charges(key, target), 1)
        touched |= {target.code, "findings"}
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
    return (item.code, "trend", *_of_model(terms.rubric, "trend"))


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
        return ("hazards",)
    return {
        "hazards",
        "rectification",
        "grave",
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
    losses = shelves.item_of(item).losses
    for day, delta in left.loss:
        losses.add(day, sign * delta)
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
        for _, item, charges in shelf.charges(data.dispute_id, terms).by_reason(rules):
            shelves.charge(item, terms.rubric.bands(item), charges, sign)

    charge(-1)
    (shelf.disputes.add if sign > 0 else shelf.disputes.remove)(data.dispute_id, event)
    charge(1)
    return ("disputes", rules.item, rules.handling_item)


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
    return ("upgrades", BONUS)


def _patrol(shelves: Shelves, fact: Fact, data: facts.PatrolLogged, terms: Terms, sign: int) -> Touched:
    (shelves.patrols.add if sign > 0 else shelves.patrols.remove)(fact, data)
    return ("patrols", *_of_model(terms.rubric, "patrols"))


def _roster(shelves: Shelves, fact: Fact, data: facts.GuardsUpdated, terms: Terms, sign: int) -> Touched:
    (shelves.rosters.add if sign > 0 else shelves.rosters.remove)(fact, data)
    strength, quality = "roster_strength", "roster_quality"
    return ("rosters", *_of_model(terms.rubric, strength), *_of_model(terms.rubric, quality))


def _volunteers(
    shelves: Shelves, fact: Fact, data: facts.VolunteersLogged, terms: Terms, sign: int
) -> Touched:
    (shelves.volunteers.add if sign > 0 else shelves.volunteers.remove)(fact, data)
    return ("volunteers", *_of_model(terms.rubric, "volunteers"))


def _survey(shelves: Shelves, fact: Fact, data: facts.SurveyRecorded, terms: Terms, sign: int) -> Touched:
    (shelves.surveys.add if sign > 0 else shelves.surveys.remove)(fact, data)
    return ("surveys", *_of_model(terms.rubric, "survey"))


def _veto(
    shelves: Shelves, fact: Fact, data: facts.VetoStated | facts.VetoLifted, _: Terms, sign: int
) -> Touched:
    groups = shelves.vetoes.vetoes
    (groups.add if sign > 0 else groups.remove)(data.veto_id, vetoes.event_of(fact, data))
    return ("vetoes",)


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
