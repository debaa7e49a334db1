"""Which fact costs how many points on a day, when it weighs less, and when it is gone.

The amounts come from the same functions that make the score; this module only says whose they are. It needs a
whole book, because a packed one no longer knows its facts.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from scoring.domain import checkpoints, cooperation, findings, hazards, incidents
from scoring.domain.book import Book
from scoring.domain.decay import Charge
from scoring.domain.facts import (
    NEVER,
    CooperationRecorded,
    Day,
    FacilityUpgraded,
    Fact,
    IncidentRecorded,
    InspectionRecorded,
)
from scoring.domain.rubric_sections import BONUS, Item
from scoring.domain.states import state_of
from scoring.domain.steps import Step
from scoring.domain.traces import traces


class Cost(NamedTuple):
    """Points that something costs an item (or gains, under BONUS) on a day.

    `root` is the fact behind it, empty where a whole window of facts is. `subject` is what it is about
    (checkpoint, hazard, dispute, code), `reason` why it costs. From `lighter_on` it costs `lighter_milli`,
    from `ends_on` nothing; None where no day is known.
    """

    item: str
    kind: str
    root: str
    day: Day | None
    subject: str
    reason: str
    points_milli: int
    lighter_on: Day | None = None
    lighter_milli: int | None = None
    ends_on: Day | None = None


def costs(book: Book, day: Day) -> dict[str, list[Cost]]:
    """All costs of `day` by item, the heaviest first; raises Forgotten when the book is not whole."""
    known = [fact for fact in book.facts() if fact.day <= day and book.terms.enrolled(fact.day)]
    known.sort(key=lambda fact: fact.order)
    found: dict[str, list[Cost]] = defaultdict(list)
    for part in (_charged, _found, _upgraded, _disputed, _hazards, _checkpoints, _shares):
        for cost in part(book, known, day):
            if cost.points_milli:
                found[cost.item].append(cost)
    return {item: sorted(of, key=lambda cost: -cost.points_milli) for item, of in found.items()}


def _charged(book: Book, known: list[Fact], day: Day) -> Iterator[Cost]:
    """Incidents and cooperation: one fact, one charge."""
    for fact in known:
        if isinstance(fact.data, IncidentRecorded):
            incident = incidents.charge_of(fact.data, fact.day, book.terms)
            if incident is not None:
                status = fact.data.status
                yield _of_charge(book, incident.item, fact, incident.charge, day, fact.data.code, status)
        elif isinstance(fact.data, CooperationRecorded):
            report = cooperation.charge_of(fact.data, fact.day, book.rubric)
            if report is not None:
                yield _of_charge(book, report.item, fact, report.charge, day, "", fact.data.kind)


def _found(book: Book, known: list[Fact], day: Day) -> Iterator[Cost]:
    """Findings: of equal ones of a week the one that is charged."""
    weeks: dict[findings.Key, dict[findings.Finding, Fact]] = defaultdict(dict)
    for fact in known:
        if isinstance(fact.data, InspectionRecorded):
            for key, finding in findings.counted(fact.data.checks, fact.day, book.rubric):
                weeks[key].setdefault(finding, fact)
    for key, of_week in weeks.items():
        code, checkpoint, name, _ = key
        for charge in book.shelves.findings.charges(key, book.rubric.items[code]):
            charged = of_week.get(findings.Finding(charge.day, charge.result_permille))
            if charged is not None:
                yield _of_charge(book, code, charged, charge, day, checkpoint, name or findings.OTHER)


def _upgraded(book: Book, known: list[Fact], day: Day) -> Iterator[Cost]:
    first: dict[tuple[str, Day], Fact] = {}
    for fact in known:
        if isinstance(fact.data, FacilityUpgraded):
            first.setdefault((fact.data.item, fact.day), fact)
    for (item, on), fact in first.items():
        for charge in book.shelves.upgrades.gains(item, book.rubric.bonus):
            if charge.day == on:
                yield _of_charge(book, BONUS, fact, charge, day, item, "upgraded")


def _disputed(book: Book, known: list[Fact], day: Day) -> Iterator[Cost]:
    by_event = {fact.event_id.lower(): fact for fact in known}
    for dispute_id, events in book.shelves.disputes.disputes.events.items():
        facts = [by_event[event.event_id] for event in events if event.event_id in by_event]
        charged = book.shelves.disputes.charges(dispute_id, book.terms)
        for reason, item, charges in charged.by_reason(book.rubric.disputes):
            for charge in charges:
                behind = [fact for fact in facts if fact.kind == _kind_behind(reason)]
                if reason == "escalated":
                    behind = [fact for fact in behind if fact.day == charge.day]
                if behind:
                    yield _of_charge(book, item, behind[0], charge, day, dispute_id, reason)


def _kind_behind(reason: str) -> str:
    return "dispute.escalated" if reason == "escalated" else "dispute.recorded"


def _hazards(book: Book, known: list[Fact], day: Day) -> Iterator[Cost]:
    by_event = {fact.event_id.lower(): fact for fact in known}
    for hazard_id, events in book.shelves.hazards.events.items():
        life = hazards.life(hazards.counting(events), book.rubric.hazards, day)
        if life is None or life.opened.item not in book.rubric.layout.states:
            continue
        fact = by_event.get(life.opened.event_id)
        if fact is None:
            continue
        steps = traces([event for event in events if event.day <= day], book.rubric).loss
        reason = "open" if life.verified is None else "residue"
        if life.verified is None and life.overdue_days(day) > 0:
            reason = "overdue"
        yield _of_steps(life.opened.item, fact, steps, day, hazard_id, reason)


def _checkpoints(book: Book, known: list[Fact], day: Day) -> Iterator[Cost]:
    """Each checkpoint that has not passed: what its passing alone would give back."""
    by_event = {fact.event_id.lower(): fact for fact in known}
    rules = book.rubric.state
    for code, shelf in book.shelves.states():
        ranks = {} if shelf.checks is None else shelf.checks.ranks(day)
        full = book.points(code, day).full_milli
        lost = checkpoints.loss(full, checkpoints.share(rules, [rank for rank, _ in ranks.values()]))
        for checkpoint, (rank, event_id) in ranks.items():
            fact = by_event.get(event_id)
            if rank >= checkpoints.PASS or fact is None:
                continue
            passed = [checkpoints.PASS if at == checkpoint else one for at, (one, _) in ranks.items()]
            gain = lost - checkpoints.loss(full, checkpoints.share(rules, passed))
            reason = checkpoints.name_of(rank)
            yield Cost(code, fact.kind, fact.root, fact.day, checkpoint, reason, gain)


def _shares(book: Book, known: list[Fact], day: Day) -> Iterator[Cost]:
    """What is not of single facts: windows, latest rosters, statuses, missing evidence."""
    latest = {fact.kind: fact for fact in known}
    for item in book.rubric.layout.items:
        points = book.points(item.code, day)
        until = points.until if points.until < NEVER else None
        if item.model in LATEST:
            kind = LATEST[item.model]
            fact = latest.get(kind)
            reason = "unverified" if points.unverified else item.model
            lost = points.full_milli - points.points_milli
            root, on = ("", None) if fact is None else (fact.root, fact.day)
            yield Cost(item.code, kind, root, on, "", reason, lost, until)
        elif item.model == "state":
            yield from _state(book, item, day)


def _state(book: Book, item: Item, day: Day) -> Iterator[Cost]:
    """The status of devices where it weighs more than the checks, and the hold for want of evidence."""
    state = state_of(item, book.shelves, book.terms, day)
    if state.status is not None and state.devices_milli > state.checks_milli:
        on, _, _, online, total = state.status
        more = state.devices_milli - state.checks_milli
        yield Cost(item.code, "facility.status", "", on, f"{online}/{total}", "status", more)
    points = book.points(item.code, day)
    if points.stale:
        held = state.free_milli - points.points_milli
        yield Cost(item.code, "", "", None, "", "no_evidence", held)


LATEST: Mapping[str, str] = {
    "patrols": "patrol.logged",
    "roster_strength": "guards.updated",
    "roster_quality": "guards.updated",
    "volunteers": "volunteers.logged",
    "trend": "incident.recorded",
    "rectification": "hazard.opened",
    "survey": "survey.recorded",
}
"""The kind of fact that each model of a window or a latest report reads."""


def _of_charge(
    book: Book, item: str, fact: Fact, charge: Charge, day: Day, subject: str, reason: str
) -> Cost:
    return _of_steps(item, fact, charge.steps(book.rubric.bands(item)), day, subject, reason)


def _of_steps(item: str, fact: Fact, steps: Iterable[Step], day: Day, subject: str, reason: str) -> Cost:
    """The cost that steps make on `day`, its next change, and the day from which it is nothing."""
    now, lighter_on, lighter = 0, None, None
    ends_on, total = None, 0
    for on, delta in steps:
        total += delta
        if on <= day:
            now = total
        elif lighter_on is None:
            lighter_on, lighter = on, total
        ends_on = on if total == 0 else None
    return Cost(item, fact.kind, fact.root, fact.day, subject, reason, now, lighter_on, lighter, ends_on)
