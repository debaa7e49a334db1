"""Which model gives the points of an item: the one place where models and items meet.

Source: rubric.md sections 3 and 4. `points_of` is pure in (shelves, terms, day).
"""

from collections.abc import Callable, Mapping

from scoring.domain import states
from scoring.domain.facts import Day
from scoring.domain.rubric_sections import Item
from scoring.domain.shelf import Points
from scoring.domain.shelves import Shelves
from scoring.domain.size import Terms

Model = Callable[[Item, Shelves, Terms, Day], Points]


def points_of(item: Item, shelves: Shelves, terms: Terms, day: Day) -> Points:
    """The points of `item` on `day` and the day until which they hold, registry changes aside."""
    return MODELS[item.model](item, shelves, terms, day)


def _decay(item: Item, shelves: Shelves, _: Terms, day: Day) -> Points:
    shelf = shelves.item(item.code)
    if shelf is None:
        return Points(item.points_milli, item.points_milli)
    losses = shelf.losses
    return Points(max(item.points_milli - losses.at(day), 0), item.points_milli, losses.next_after(day))


MODELS: Mapping[str, Model] = {
    "decay": _decay,
    "state": states.points,
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
