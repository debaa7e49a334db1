"""Which model gives the points of an item: the one place where models and items meet.

Source: rubric.md sections 3 and 4. `points_of` is pure in (shelves, terms, day).
"""

from collections.abc import Callable, Mapping

from scoring.domain import checkpoints
from scoring.domain.facilities import status_permille
from scoring.domain.facts import Day
from scoring.domain.rubric_sections import Item
from scoring.domain.shelf import Points
from scoring.domain.shelves import Shelves
from scoring.domain.size import Terms
from scoring.domain.steps import StepSum

UNIT = 1_000
NO_LOSSES = StepSum()
"""What an item without any charge has lost; never changed."""


Model = Callable[[Item, Shelves, Terms, Day], Points]


def points_of(item: Item, shelves: Shelves, terms: Terms, day: Day) -> Points:
    """The points of `item` on `day` and the day until which they hold, registry changes aside."""
    return MODELS[item.model](item, shelves, terms, day)


def _decay(item: Item, shelves: Shelves, _: Terms, day: Day) -> Points:
    losses = shelves.losses.get(item.code, NO_LOSSES)
    return Points(max(item.points_milli - losses.at(day), 0), item.points_milli, losses.next_after(day))


def _state(item: Item, shelves: Shelves, terms: Terms, day: Day) -> Points:
    rubric = terms.rubric
    reading = shelves.reading(item.code, terms, day)
    losses = shelves.losses.get(item.code, NO_LOSSES)
    until = min(reading.until, losses.next_after(day))
    full = 0 if item.moves_milli and reading.all_absent else item.points_milli
    for giver, moved in rubric.receives.get(item.code, ()):
        given = shelves.reading(giver, terms, day)
        full += moved if given.all_absent else 0
        until = min(until, given.until)
    lost = checkpoints.loss(full, reading.share_permille)
    evidence = reading.evidence
    statuses = shelves.statuses.get(item.code)
    if statuses is not None:
        until = min(until, statuses.statuses.next_after(day))
        status = statuses.statuses.latest(day)
        if status is not None:
            evidence = status[0] if evidence is None else max(evidence, status[0])
            if item.status:
                share = status_permille(rubric.state, status[3], status[4])
                lost = max(lost, checkpoints.loss(full, share))
    points = min(max(full - lost - losses.at(day), 0), full)
    since = terms.enrolled_since if evidence is None else evidence
    fresh_until = since + rubric.evidence.stale_after_days + 1
    stale = day >= fresh_until
    if stale:
        points = min(points, full * rubric.evidence.stale_permille // UNIT)
    else:
        until = min(until, fresh_until)
    return Points(points, full, until, evidence is None, stale)


MODELS: Mapping[str, Model] = {
    "decay": _decay,
    "state": _state,
    "patrols": lambda item, shelves, terms, day: shelves.patrols.points(terms, day, item.points_milli),
    "roster_strength": lambda item, shelves, terms, day: shelves.rosters.strength(
        terms, day, item.points_milli
    ),
    "roster_quality": lambda item, shelves, terms, day: shelves.rosters.quality(
        terms, day, item.points_milli
    ),
    "volunteers": lambda item, shelves, terms, day: shelves.volunteers.points(terms, day, item.points_milli),
    "trend": lambda item, shelves, terms, day: shelves.trend.points(terms, day, item.points_milli),
    "rectification": lambda item, shelves, terms, day: shelves.rectification.points(
        terms.rubric.rectification, day, item.points_milli
    ),
    "survey": lambda item, shelves, terms, day: shelves.surveys.points(terms, day, item.points_milli),
}
