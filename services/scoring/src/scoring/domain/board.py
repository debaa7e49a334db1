"""What a day gives before its dynamic star: points, categories, bonus, caps; remembered while it holds.

A board looks at one day after the other. Of each item it remembers the points and the day until which they
hold, so that a look costs only the items that a fact has touched or whose day has come.
"""

from typing import NamedTuple

from scoring.domain import stars
from scoring.domain.eligibility import Eligibility
from scoring.domain.facts import NEVER, Day
from scoring.domain.items import points_of
from scoring.domain.rubric_sections import Rubric
from scoring.domain.shelf import Points
from scoring.domain.shelves import Shelves, Touched
from scoring.domain.size import Terms
from scoring.domain.stars import Limits
from scoring.domain.vetoes import AUTOMATIC_ELIGIBILITY, AUTOMATIC_HAZARD, Cap

UNKNOWN = Points(0, 0, 0)


class Look(NamedTuple):
    """The result of `day`, which is the same on each day before `until`.

    `score_milli` is None and the lists are empty on a day without enrolment; lists follow `rubric.layout`.
    """

    day: Day
    until: Day
    rated: bool
    score_milli: int | None
    points: list[Points]
    milli: list[int]
    categories: dict[str, int]
    bonus_milli: int
    limit: Limits
    caps: tuple[Cap, ...]
    eligibility: Eligibility

    def full_of(self, rubric: Rubric, category: str) -> int:
        """The sum of P of a category."""
        for name, first, end in rubric.layout.categories:
            if name == category:
                return sum(one.full_milli for one in self.points[first:end])
        return 0

    @property
    def folds(self) -> bool:
        """Whether the day counts in the fold of the dynamic star."""
        return self.rated and self.score_milli is not None


class Board:
    """Looks at days of one compound; see the module. Points are also kept as lists, to take sums of."""

    __slots__ = ("_full", "_last", "_milli", "_points", "_since", "_until")

    def __init__(self, rubric: Rubric) -> None:
        count = len(rubric.layout.codes)
        self._points = [UNKNOWN] * count
        self._milli = [0] * count
        self._full = [0] * count
        self._since = [0] * count
        self._until = [0] * count
        self._last: Look | None = None

    def touch(self, rubric: Rubric, codes: Touched) -> None:
        """Forgets the points of these items, and what was last looked at."""
        self._last = None
        for code in codes:
            place = rubric.layout.places.get(code)
            if place is not None:
                self._until[place] = 0

    def clear(self) -> None:
        """Forgets all points."""
        self._last = None
        self._until = [0] * len(self._until)

    def look(self, shelves: Shelves, terms: Terms, day: Day) -> Look:
        """The result of `day`."""
        last = self._last
        if last is None or not last.day <= day < last.until:
            last = self._last = self._look(shelves, terms, day)
        return last

    def _look(self, shelves: Shelves, terms: Terms, day: Day) -> Look:
        rubric, ground = terms.rubric, terms.on(day)
        rated = day >= terms.rated_from
        until = min(
            ground.until,
            NEVER if rated else terms.rated_from,
            shelves.vetoes.next_after(rubric.vetoes, day),
            shelves.grave.next_after(day),
        )
        caps = _caps(shelves, rubric, day, ground.eligibility)
        if not ground.enrolled:
            none = stars.unlimited(rubric.stars)
            return Look(day, until, rated, None, [], [], {}, 0, none, caps, ground.eligibility)
        self._refresh(shelves, terms, day, ground.until)
        until = min(until, *self._until, shelves.bonus.next_after(day))
        categories, full = {}, {}
        for category, first, end in rubric.layout.categories:
            categories[category] = sum(self._milli[first:end])
            full[category] = sum(self._full[first:end])
        bonus = min(shelves.bonus.at(day), rubric.bonus.max_milli)
        score = min(sum(self._milli) + bonus, rubric.full_milli)
        points = self._points.copy()
        missing = any(points[place].stale for place in rubric.layout.evidence_places)
        limit = stars.limits(rubric.stars, categories, full, evidence_missing=missing)
        milli = self._milli.copy()
        return Look(
            day, until, rated, score, points, milli, categories, bonus, limit, caps, ground.eligibility
        )

    def _refresh(self, shelves: Shelves, terms: Terms, day: Day, ground_until: Day) -> None:
        """Finds the points of the items of which they are unknown or no longer hold."""
        since, until = self._since, self._until
        items = terms.rubric.layout.items
        for place in [at for at, end in enumerate(until) if not since[at] <= day < end]:
            found = points_of(items[place], shelves, terms, day)
            self._points[place] = found
            self._milli[place], self._full[place] = found.points_milli, found.full_milli
            since[place], until[place] = day, min(found.until, ground_until)


def _caps(shelves: Shelves, rubric: Rubric, day: Day, eligible: Eligibility) -> tuple[Cap, ...]:
    caps = shelves.vetoes.caps(rubric.vetoes, day)
    if shelves.grave.at(day) > 0:
        caps.append(Cap(AUTOMATIC_HAZARD, rubric.vetoes.caps[AUTOMATIC_HAZARD]))
    if eligible.lost:
        caps.append(Cap(AUTOMATIC_ELIGIBILITY, rubric.vetoes.caps[AUTOMATIC_ELIGIBILITY]))
    return tuple(caps)
