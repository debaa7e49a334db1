"""Warnings: a shown star below that of the last decided assessment for long.

Source: rubric.md section 6. Yellow on the 30th consecutive closed day below; red, which replaces it, on the
90th or with the third yellow of a calendar year; cleared after 14 consecutive days at or above.
"""

from datetime import date
from typing import Literal, NamedTuple, TypeAlias

from scoring.domain.facts import Day
from scoring.domain.registry import Assessed
from scoring.domain.rubric_sections import Warnings as Rules

Level: TypeAlias = Literal["yellow", "red"]
YELLOW: Level = "yellow"
RED: Level = "red"


class WarningFold(NamedTuple):
    """Where the ladder of warnings stands after a closed day; `yellows` were raised in `year`."""

    level: Level | None = None
    below_run: int = 0
    above_run: int = 0
    year: int = 0
    yellows: int = 0


def after_day(
    rules: Rules, state: WarningFold, day: Day, star: int | None, assessed: Assessed | None
) -> WarningFold:
    """The warnings after one more closed day, measured against the last assessment decided up to it."""
    if assessed is None:
        return state
    if assessed.decided_on == day:
        state = decided(state)
    return fold(rules, state, day, star, assessed.star)


def fold(rules: Rules, state: WarningFold, day: Day, star: int | None, decided_star: int) -> WarningFold:
    """The warnings after one more closed day; `star` is the shown one, None on a day without one."""
    year = date.fromordinal(day).year
    yellows = state.yellows if year == state.year else 0
    level = state.level
    if star is None:
        return WarningFold(level, 0, 0, year, yellows)
    if star >= decided_star:
        above = state.above_run + 1
        return WarningFold(None if above >= rules.clear_days else level, 0, above, year, yellows)
    below = state.below_run + 1
    if below >= rules.yellow_days and level is None:
        level, yellows = YELLOW, yellows + 1
    if level is not None and (below >= rules.red_days or yellows >= rules.yellows_for_red):
        level = RED
    return WarningFold(level, below, 0, year, yellows)


def days_to_move(rules: Rules, state: WarningFold, star: int | None, assessed: Assessed | None) -> int | None:
    """How many more days of the same shown star move the level; None when it would stay."""
    if assessed is None or star is None:
        return None
    if star >= assessed.star:
        return None if state.level is None else max(1, rules.clear_days - state.above_run)
    if state.level == RED:
        return None
    needed = rules.yellow_days if state.level is None else rules.red_days
    return max(1, needed - state.below_run)


def decided(state: WarningFold) -> WarningFold:
    """An assessment was decided: counts start anew, a standing warning stays until it is cleared."""
    return WarningFold(state.level)
