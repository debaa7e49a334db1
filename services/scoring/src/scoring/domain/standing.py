"""What can be said of a compound on a day: points, star, caps. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass

from scoring.domain.eligibility import Eligibility
from scoring.domain.facts import Day
from scoring.domain.vetoes import Cap


@dataclass(frozen=True, slots=True)
class Standing:
    """The result of one day.

    `score_milli` is None and `items` and `categories` are empty on a day without enrolment. `full_milli` is P of
    each item on that day. `dynamic_star` is that of the last closed day, `star` the shown one under `caps`; both
    are None while not rated. `limited_star` is what the score alone would give.
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
    limited_star: int | None
    dynamic_star: int | None
    star: int | None
    up_run: int
    down_run: int
    caps: tuple[Cap, ...]
    eligibility: Eligibility


@dataclass(frozen=True, slots=True)
class Step:
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
