"""The course of a compound through closed days: its dynamic star, and warnings about the shown one."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from scoring.domain import stars, warnings
from scoring.domain.board import Look
from scoring.domain.facts import Day
from scoring.domain.rubric_sections import Rubric
from scoring.domain.shelf import Plain
from scoring.domain.stars import Fold
from scoring.domain.warnings import WarningFold

NO_WARNINGS = WarningFold()


class Course(NamedTuple):
    """Where star and warnings stand after a closed day."""

    fold: Fold = Fold()
    warned: WarningFold = NO_WARNINGS

    def pack(self) -> Plain:
        """Plain numbers; warnings are rare, and empty without."""
        return (*self.fold, () if self.warned == NO_WARNINGS else tuple(self.warned))

    @classmethod
    def unpack(cls, star: int | None, up: int, down: int, warned: Plain) -> "Course":
        return cls(Fold(star, up, down), WarningFold(*warned) if warned else NO_WARNINGS)


START = Course()


def stars_of(look: Look, fold: Fold) -> tuple[int | None, int | None]:
    """(dynamic, shown): the shown one is the dynamic one under the caps in force."""
    if not look.folds or fold.star is None:
        return None, None
    return fold.star, min([fold.star, *(cap.cap for cap in look.caps)])


class Closed(NamedTuple):
    """One folded day: what it gave, the course after it, and whether it can differ from the day before."""

    look: Look
    day: Day
    course: Course
    new: bool


def follow(spans: Iterable[tuple[Look, Day, Day]], rubric: Rubric, course: Course) -> Iterator[Closed]:
    """Each day of the spans, (look, first day, day after the last) of equal days, folded."""
    fold, warned = course
    for look, first, end in spans:
        new = True
        for day in range(first, end):
            after = stars.fold(rubric.stars, fold, look.score_milli or 0, look.limit) if look.folds else fold
            new, fold = new or after.star != fold.star, after
            if look.assessed is not None:
                _, shown = stars_of(look, fold)
                warned = warnings.after_day(rubric.warnings, warned, day, shown, look.assessed)
            yield Closed(look, day, Course(fold, warned), new)
            new = False


def next_move(rubric: Rubric, course: Course, look: Look, day: Day) -> Day | None:
    """The first day after the closed `day` that moves star or warning if days go on as `look` says."""
    if not look.folds:
        return None
    _, shown = stars_of(look, course.fold)
    waits = (
        stars.days_to_move(rubric.stars, course.fold, look.score_milli or 0, look.limit),
        warnings.days_to_move(rubric.warnings, course.warned, shown, look.assessed),
    )
    return min((day + wait for wait in waits if wait is not None), default=None)
