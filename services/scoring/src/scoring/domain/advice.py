"""What would move the score most: facts that could be, tried on a copy of the book.

Each idea is a fact dated on the day in question; its gain is what the score would be with it, less what it
is. So an idea can never promise what the rules do not give.
"""

from collections.abc import Iterator
from typing import NamedTuple

from scoring.domain import facts, hazards
from scoring.domain.book import Book
from scoring.domain.checkpoints import PASS, name_of
from scoring.domain.facts import Day, Fact, FactData

LAST_OF_DAY_US = 10**18
"""Later than every instant of a fact: an idea is the latest of its day."""


class Action(NamedTuple):
    """Something that could be done, what it is about, and what it gives."""

    item: str
    idea: str
    subject: str
    gain_milli: int


class _Idea(NamedTuple):
    item: str
    idea: str
    subject: str
    kind: str
    data: FactData


def best_actions(book: Book, day: Day, count: int = 3) -> tuple[Action, ...]:
    """The `count` actions that would gain most on `day`; raises Forgotten when the book is not whole."""
    trial = Book(book.compound, book.rubric, book.registry)
    for fact in book.facts():
        trial.add(fact)
    score = trial.standing(day).score_milli
    if score is None:
        return ()
    found = []
    for idea in _ideas(book, day):
        fact = _fact(book.compound, day, idea)
        trial.add(fact)
        gain = (trial.standing(day).score_milli or 0) - score
        trial.remove(fact)
        if gain > 0:
            found.append(Action(idea.item, idea.idea, idea.subject, gain))
    found.sort(key=lambda one: (-one.gain_milli, one.item, one.subject))
    return tuple(found[:count])


def _ideas(book: Book, day: Day) -> Iterator[_Idea]:
    yield from _hazards(book, day)
    yield from _checkpoints(book, day)
    yield from _devices(book, day)
    yield from _people(book, day)


def _hazards(book: Book, day: Day) -> Iterator[_Idea]:
    for hazard_id, events in book.shelves.hazards.events.items():
        life = hazards.life(hazards.counting(events), book.rubric.hazards, day)
        if life is not None and life.verified is None:
            moved = facts.HazardMoved(hazard_id)
            yield _Idea(life.opened.item, "close_hazard", hazard_id, "hazard.verified", moved)


def _checkpoints(book: Book, day: Day) -> Iterator[_Idea]:
    """Put a checkpoint right, or show again how things are where nobody has looked for too long."""
    for code in book.rubric.layout.codes:
        if code not in book.rubric.layout.states:
            continue
        shelf = book.shelves.item(code)
        ranks = {} if shelf is None or shelf.checks is None else shelf.checks.ranks(day)
        for checkpoint, (rank, _) in ranks.items():
            if rank < PASS:
                yield _inspected(code, "repair_checkpoint", checkpoint, {checkpoint: PASS})
        if book.points(code, day).stale:
            found = {checkpoint: rank for checkpoint, (rank, _) in ranks.items()}
            yield _inspected(code, "have_inspected", "", found or {"?": PASS})


def _inspected(code: str, idea: str, subject: str, ranks: dict[str, int]) -> _Idea:
    checks = tuple(facts.Check(code, checkpoint, name_of(rank)) for checkpoint, rank in ranks.items())
    inspection = facts.InspectionRecorded("revisit", checks)
    return _Idea(code, idea, subject, "inspection.recorded", inspection)


def _devices(book: Book, day: Day) -> Iterator[_Idea]:
    for code, shelf in book.shelves.states():
        status = None if shelf.statuses is None else shelf.statuses.statuses.latest(day)
        if status is not None and status[3] < status[4]:
            whole = facts.FacilityStatus(code, status[4], status[4])
            yield _Idea(code, "repair_devices", f"{status[4] - status[3]}", "facility.status", whole)


def _people(book: Book, day: Day) -> Iterator[_Idea]:
    of_model, need = book.rubric.of_model, book.terms.on(day).need
    if "patrols" in of_model:
        missing = book.shelves.patrols.missing(book.terms, day)
        log = facts.PatrolLogged("?", missing, 0)
        yield _Idea(of_model["patrols"], "patrol", str(missing), "patrol.logged", log)
    if "volunteers" in of_model:
        volunteers = facts.VolunteersLogged(need)
        yield _Idea(of_model["volunteers"], "find_volunteers", str(need), "volunteers.logged", volunteers)
    latest = book.shelves.rosters.rosters.latest(day)
    _, _, _, guards, licensed, star, filed, trained_on = latest or (day, 0, "", 0, 0, 0, 0, 0)
    now = facts.GuardsUpdated(guards, licensed, star, bool(filed), trained_on or None)
    for model, idea, roster in (
        (
            "roster_strength",
            "employ_guards",
            now._replace(guards=max(guards, need), licensed=max(licensed, need)),
        ),
        ("roster_strength", "license_guards", now._replace(licensed=guards)),
        ("roster_strength", "file_recruits", now._replace(self_recruit_filed=True)),
        ("roster_quality", "train_guards", now._replace(trained_on=day)),
    ):
        if model in of_model:
            yield _Idea(of_model[model], idea, "", "guards.updated", roster)


def _fact(compound: str, day: Day, idea: _Idea) -> Fact:
    return Fact(compound, "?", 1, "~", "", idea.kind, day, LAST_OF_DAY_US, 0, data=idea.data)
