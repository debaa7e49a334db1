"""Why a score moved: each item that changed, heaviest first, with the fact that bears on it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from scoring.domain import facts
from scoring.domain.book import Book
from scoring.domain.facts import Day, Fact
from scoring.domain.rubric_sections import BONUS, Rubric
from scoring.domain.shelf import Forgotten
from scoring.handlers.outcomes import Reason
from scoring.ports import Shown

REASONS_MAX = 5
KIND_TIME = "time"

BearsOn = Callable[[Book, Any, Day], Collection[str]]
"""The items that the data of a fact bears on, as known on a day."""


def reasons(
    book: Book, before: Shown | None, after: Shown, come: Sequence[Fact], day: Day
) -> tuple[Reason, ...]:
    """The heaviest changes of items between two standings; `come` are the facts that counted in between."""
    if before is None or not before.items or not after.items:
        return ()
    # Two standings under one rubric have the same items.
    was = before.items
    moved = {item: points - was[item] for item, points in after.items.items() if points != was[item]}
    if after.bonus_milli != before.bonus_milli:
        moved[BONUS] = after.bonus_milli - before.bonus_milli
    if not moved:
        return ()
    heaviest = list(moved.items())
    if len(heaviest) > 1:
        heaviest = sorted(heaviest, key=lambda one: (-abs(one[1]), one[0]))[:REASONS_MAX]
    behind = _facts_behind(book, {item for item, _ in heaviest}, come, day)
    return tuple([_reason(item, change, behind.get(item)) for item, change in heaviest])


def _facts_behind(book: Book, items: set[str], come: Sequence[Fact], day: Day) -> dict[str, Fact]:
    """The last fact that bears on each of the items."""
    behind: dict[str, Fact] = {}
    left = set(items)
    for fact in reversed(come):
        if not left:
            break
        for item in left.intersection(bears_on(book, fact, day)):
            behind[item] = fact
            left.discard(item)
    return behind


def _reason(item: str, change: int, fact: Fact | None) -> Reason:
    if fact is None:
        return Reason(item, change, KIND_TIME)
    data = fact.data
    code = data.code if isinstance(data, (facts.IncidentRecorded, facts.DisputeRecorded)) else None
    return Reason(item, change, fact.kind, code, fact.root, fact.day)


def bears_on(book: Book, fact: Fact, day: Day) -> Collection[str]:
    """The items whose points a fact can have moved; a withdrawal bears on nothing that it names."""
    find = _BEARS_ON.get(type(fact.data))
    return () if find is None else find(book, fact.data, max(day, fact.day))


def _of_models(*models: str) -> BearsOn:
    """Facts that count in one way only, by the models that read them."""
    return lambda book, _, __: [item for model in models for item in _model(book.rubric, model)]


def _incident(book: Book, data: facts.IncidentRecorded, _: Day) -> Collection[str]:
    charged = book.rubric.codes.get(data.code)
    return () if charged is None else (charged[0], *_model(book.rubric, "trend"))


def _cooperation(book: Book, data: facts.CooperationRecorded, _: Day) -> Collection[str]:
    charged = book.rubric.cooperation.get(data.kind)
    return (BONUS if charged is None else charged[0],)


def _moved(book: Book, data: facts.HazardMoved | facts.HazardExtended, day: Day) -> Collection[str]:
    try:
        life = book.hazard(data.hazard_id, day)
    except Forgotten:
        return ()
    return () if life is None else (life.opened.item, *_model(book.rubric, "rectification"))


def _disputed(book: Book, _: object, __: Day) -> Collection[str]:
    return (book.rubric.disputes.item, book.rubric.disputes.handling_item)


_BEARS_ON: Mapping[type, BearsOn] = {
    facts.InspectionRecorded: lambda _, data, __: [check.item for check in data.checks],
    facts.IncidentRecorded: _incident,
    facts.HazardOpened: lambda book, data, _: (data.item, *_model(book.rubric, "rectification")),
    facts.HazardMoved: _moved,
    facts.HazardExtended: _moved,
    facts.FacilityStatus: lambda _, data, __: (data.item,),
    facts.FacilityUpgraded: lambda _, __, ___: (BONUS,),
    facts.PatrolLogged: _of_models("patrols"),
    facts.GuardsUpdated: _of_models("roster_strength", "roster_quality"),
    facts.VolunteersLogged: _of_models("volunteers"),
    facts.DisputeRecorded: _disputed,
    facts.DisputeMediated: _disputed,
    facts.DisputeEscalated: _disputed,
    facts.CooperationRecorded: _cooperation,
    facts.SurveyRecorded: _of_models("survey"),
}


def _model(rubric: Rubric, model: str) -> Collection[str]:
    code = rubric.of_model.get(model)
    return () if code is None else (code,)
