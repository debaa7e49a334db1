"""Why a score is what it is, what will change by itself, and what could be done.

explain(book, day) -> Explanation      needs a whole book, raises Forgotten else
"""

from typing import NamedTuple

from scoring.domain.advice import Action, best_actions
from scoring.domain.book import Book
from scoring.domain.costs import Cost, costs
from scoring.domain.facts import Day
from scoring.domain.rubric_sections import BONUS, Rubric
from scoring.domain.standing import Standing


class ItemExplained(NamedTuple):
    """The points of an item out of P, and what costs the others, the heaviest first."""

    code: str
    name: str
    points_milli: int
    full_milli: int
    unverified: bool
    costs: tuple[Cost, ...]


class Distance(NamedTuple):
    """How far another star is: from `score_milli` on (or below) a run grows that moves it after `days`.

    `points_milli` is what is missing (or to spare), 0 when the run is growing already. `capped` says that the
    score would do, but a weak category or missing evidence holds the star.
    """

    star: int
    score_milli: int
    points_milli: int
    run: int
    days: int
    capped: bool = False


class Explanation(NamedTuple):
    """All of it; `up` and `down` are None while not rated and at the ends of the ladder."""

    standing: Standing
    items: tuple[ItemExplained, ...]
    bonus: tuple[Cost, ...]
    up: Distance | None
    down: Distance | None
    actions: tuple[Action, ...]
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
        book.next_change_day(day),
    )


def distance_up(rubric: Rubric, standing: Standing) -> Distance | None:
    """How far the next star is; it needs its threshold and the margin above it."""
    rules, star, score = rubric.stars, standing.dynamic_star, standing.score_milli
    if star is None or score is None or star == rules.ladder[-1]:
        return None
    place = rules.ladder.index(star)
    needed = rules.thresholds_milli[place] + rules.margin_milli
    above = rules.ladder[place + 1]
    capped = standing.star_max < above
    run = standing.up_run
    return Distance(above, needed, max(needed - score, 0), run, rules.run_days - run, capped)


def distance_down(rubric: Rubric, standing: Standing) -> Distance | None:
    """How far the star below is; the score must fall below the threshold by more than the margin."""
    rules, star, score = rubric.stars, standing.dynamic_star, standing.score_milli
    if star is None or score is None or star == rules.ladder[0]:
        return None
    place = rules.ladder.index(star)
    kept = rules.thresholds_milli[place - 1] - rules.margin_milli
    capped = standing.star_max < star
    spare = 0 if capped else max(score - kept, 0)
    run = standing.down_run
    return Distance(rules.ladder[place - 1], kept, spare, run, rules.run_days - run, capped)
