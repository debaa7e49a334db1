"""What can be said of a compound on a day: points, star, caps. Values only."""

from collections.abc import Mapping
from typing import NamedTuple

from scoring.domain import stars
from scoring.domain.board import Look
from scoring.domain.course import Course, stars_of
from scoring.domain.eligibility import Eligibility
from scoring.domain.facts import Day
from scoring.domain.rubric_sections import Rubric
from scoring.domain.vetoes import Cap
from scoring.domain.warnings import Level


class Standing(NamedTuple):
    """The result of one day.

    `score_milli` is None and `items` and `categories` are empty on a day without enrolment. `full_milli` is
    P of each item on that day. `dynamic_star` is that of the last closed day, `star` the shown one under
    `caps`; both are None while not rated. `limited_star` is what the score alone would give, `star_max` the
    most that categories and evidence allow; `warning` is that of the last closed day.
    """

    day: Day
    enrolled: bool
    rated: bool
    score_milli: int | None
    categories: Mapping[str, int]
    items: Mapping[str, int]
    full_milli: Mapping[str, int]
    bonus_milli: int
    unverified: tuple[str, ...]
    evidence_missing: bool
    star_max: int
    limited_star: int | None
    dynamic_star: int | None
    star: int | None
    up_run: int
    down_run: int
    caps: tuple[Cap, ...]
    eligibility: Eligibility
    warning: Level | None


class Step(NamedTuple):
    """A closed day on which something changed; the runs are those after that day."""

    day: Day
    score_milli: int | None
    star: int | None
    dynamic_star: int | None
    up_run: int
    down_run: int
    items: Mapping[str, int]
    bonus_milli: int
    caps: tuple[Cap, ...]

    def same_as(self, other: "Step") -> bool:
        """Whether nothing but the day and the runs differs; days without a score are all the same."""
        if self.score_milli is None and other.score_milli is None:
            return True
        return self[1:4] == other[1:4] and self[6:] == other[6:]


def standing_of(look: Look, day: Day, course: Course, rubric: Rubric) -> Standing:
    """The standing of `day`, a day for which `look` holds, with the star and the warning of `course`."""
    fold = course.fold
    dynamic, star = stars_of(look, fold)
    score = look.score_milli
    limited = None if score is None else stars.limited_star(rubric.stars, score, look.limit)
    return Standing(
        day,
        score is not None,
        look.rated,
        score,
        look.categories,
        look.items,
        look.full_milli,
        look.bonus_milli,
        look.unverified,
        look.evidence_missing,
        look.limit.star_max,
        limited,
        dynamic,
        star,
        fold.up_run,
        fold.down_run,
        look.caps,
        look.eligibility,
        course.warned.level,
    )


def step_of(look: Look, day: Day, course: Course) -> Step:
    """The closed `day`, for which `look` holds, with the star of `course`."""
    fold = course.fold
    dynamic, star = stars_of(look, fold)
    return Step(
        day,
        look.score_milli,
        star,
        dynamic,
        fold.up_run,
        fold.down_run,
        look.items,
        look.bonus_milli,
        look.caps,
    )
