"""Why a score is what it is, what will change by itself, and what could be done.

explain(book, day) -> Explanation      needs a whole book, raises Forgotten else
"""

from typing import NamedTuple

from scoring.domain.advice import Action, best_actions
from scoring.domain.book import Book
from scoring.domain.costs import Cost, costs
from scoring.domain.distance import Distance, distance_down, distance_up
from scoring.domain.facts import Day, InspectionRecorded
from scoring.domain.findings import ignored
from scoring.domain.rubric_sections import BONUS
from scoring.domain.standing import Standing

IGNORED_MAX = 50


class ItemExplained(NamedTuple):
    """The points of an item out of P, and what costs the others, the heaviest first."""

    code: str
    name: str
    points_milli: int
    full_milli: int
    unverified: bool
    costs: tuple[Cost, ...]


class Ignored(NamedTuple):
    """A check that no rule judges, and the inspection in which it stands."""

    root: str
    day: Day
    item: str
    checkpoint: str


class Explanation(NamedTuple):
    """All of it; `up` and `down` are None while not rated and at the ends of the ladder."""

    standing: Standing
    items: tuple[ItemExplained, ...]
    bonus: tuple[Cost, ...]
    up: Distance | None
    down: Distance | None
    actions: tuple[Action, ...]
    ignored: tuple[Ignored, ...]
    next_change_day: Day


def explain(book: Book, day: Day) -> Explanation:
    """Explains `day`: a past one as it closed, the open one as it stands, a later one as a projection."""
    open_day = book.as_of_day is not None and day == book.as_of_day + 1
    standing = book.standing(day) if open_day else book.settled(day)
    found = costs(book, day) if standing.score_milli is not None else {}
    items = tuple(
        ItemExplained(
            code,
            book.rubric.items[code].name,
            points,
            standing.full_milli[code],
            code in standing.unverified,
            tuple(found.get(code, ())),
        )
        for code, points in standing.items.items()
    )
    return Explanation(
        standing,
        items,
        tuple(found.get(BONUS, ())),
        distance_up(book.rubric, standing),
        distance_down(book.rubric, standing),
        best_actions(book, day),
        ignored_checks(book, day),
        book.next_change_day(day),
    )


def ignored_checks(book: Book, day: Day) -> tuple[Ignored, ...]:
    """The latest checks that lose nothing because no rule judges them, the latest first."""
    found = [
        Ignored(fact.root, fact.day, check.item, check.checkpoint)
        for fact in book.facts()
        if isinstance(fact.data, InspectionRecorded) and fact.day <= day and book.terms.enrolled(fact.day)
        for check in ignored(fact.data.checks, book.rubric)
    ]
    found.sort(key=lambda one: (-one.day, one.root, one.item, one.checkpoint))
    return tuple(found[:IGNORED_MAX])
