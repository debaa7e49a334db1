"""Which model gives the points of an item: the one place where models and items meet.

Source: rubric.md sections 3 and 4. `points_of` is pure in (shelves, terms, day).
"""

from scoring.domain import checkpoints
from scoring.domain.facilities import status_permille
from scoring.domain.facts import NEVER, Day
from scoring.domain.rubric_sections import Item
from scoring.domain.shelf import Points
from scoring.domain.shelves import Shelves
from scoring.domain.size import Terms

UNIT = 1_000


def points_of(item: Item, shelves: Shelves, terms: Terms, day: Day) -> Points:
    """The points of `item` on `day` and the day until which they hold, registry changes aside."""
    full = item.points_milli
    match item.model:
        case "decay":
            losses = shelves.losses[item.code]
            return Points(max(full - losses.at(day), 0), full, losses.next_after(day))
        case "state":
            return _state(item, shelves, terms, day)
        case "patrols":
            return shelves.patrols.points(terms, day, full)
        case "roster_strength":
            return shelves.rosters.strength(terms, day, full)
        case "roster_quality":
            return shelves.rosters.quality(terms, day, full)
        case "volunteers":
            return shelves.volunteers.points(terms, day, full)
        case "trend":
            return shelves.trend.points(terms, day, full)
        case "rectification":
            return shelves.rectification.points(terms.rubric.rectification, day, full)
        case _:
            return shelves.surveys.points(terms, day, full)


def _state(item: Item, shelves: Shelves, terms: Terms, day: Day) -> Points:
    rubric = terms.rubric
    reading = shelves.checks[item.code].reading(rubric.state, day)
    statuses = shelves.statuses[item.code].statuses
    losses = shelves.losses[item.code]
    until = min(reading.until, statuses.next_after(day), losses.next_after(day))
    full = 0 if item.moves_milli and reading.all_absent else item.points_milli
    for giver, moved in rubric.receives.get(item.code, ()):
        given = shelves.checks[giver].reading(rubric.state, day)
        full += moved if given.all_absent else 0
        until = min(until, given.until)
    lost = checkpoints.loss(full, reading.share_permille)
    evidence = reading.evidence
    status = statuses.latest(day)
    if status is not None:
        evidence = status[0] if evidence is None else max(evidence, status[0])
        if item.status:
            lost = max(lost, checkpoints.loss(full, status_permille(rubric.state, status[3], status[4])))
    points = min(max(full - lost - losses.at(day), 0), full)
    since = terms.enrolled_since if evidence is None else evidence
    fresh_until = since + rubric.evidence.stale_after_days + 1
    stale = day >= fresh_until
    if stale:
        points = min(points, full * rubric.evidence.stale_permille // UNIT)
    return Points(points, full, until if stale else min(until, fresh_until, NEVER), evidence is None, stale)
