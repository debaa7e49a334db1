"""Why a score moved: each item that changed, heaviest first, with the fact that bears on it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from scoring.domain import facts
from scoring.domain.book import Book
from scoring.domain.facts import Day, Fact
from scoring.domain.rubric_sections import BONUS, Rubric
from scoring.domain.shelf import Forgotten
from scoring.handlers.outcomes import Reason
from scoring.ports import Shown

REASONS_MAX = 5
KIND_TIME = "time"

# Facts that count in one way only, by the models that read them.
_MODELS: Mapping[type, tuple[str, ...]] = {
    facts.PatrolLogged: ("patrols",),
    facts.GuardsUpdated: ("roster_strength", "roster_quality"),
    facts.VolunteersLogged: ("volunteers",),
    facts.SurveyRecorded: ("survey",),
}


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
    heaviest = sorted(moved.items(), key=lambda one: (-abs(one[1]), one[0]))[:REASONS_MAX]
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
    rubric, data = book.rubric, fact.data
    models = _MODELS.get(type(data))
    if models is not None:
        return {rubric.of_model[model] for model in models if model in rubric.of_model}
    match data:
        case facts.InspectionRecorded(_, checks):
            items = {check.item for check in checks}
        case facts.IncidentRecorded(code=code):
            items = {rubric.codes[code][0], *_model(rubric, "trend")} if code in rubric.codes else set()
        case facts.HazardOpened(item=item):
            items = {item, *_model(rubric, "rectification")}
        case facts.HazardMoved(hazard_id) | facts.HazardExtended(hazard_id=hazard_id):
            items = _hazard_items(book, hazard_id, max(day, fact.day))
        case facts.CooperationRecorded(kind):
            items = {rubric.cooperation[kind][0]} if kind in rubric.cooperation else {BONUS}
        case facts.FacilityStatus(item=item):
            items = {item}
        case facts.FacilityUpgraded():
            items = {BONUS}
        case facts.DisputeRecorded() | facts.DisputeMediated() | facts.DisputeEscalated():
            items = {rubric.disputes.item, rubric.disputes.handling_item}
        case _:
            items = set()
    return items


def _hazard_items(book: Book, hazard_id: str, day: Day) -> set[str]:
    try:
        life = book.hazard(hazard_id, day)
    except Forgotten:
        return set()
    return set() if life is None else {life.opened.item, *_model(book.rubric, "rectification")}


def _model(rubric: Rubric, model: str) -> Collection[str]:
    code = rubric.of_model.get(model)
    return () if code is None else {code}
