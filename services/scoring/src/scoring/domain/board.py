"""What a day gives before its dynamic star: points, categories, bonus, caps; remembered while it holds.

A board looks at one day after the other. Of each item it remembers the points and the day until which they
hold, so that a look costs only the items that a fact has touched or whose day has come. What it remembers
can be kept with the packed book: to lose it costs a look at all items, and nothing else.
"""

from typing import NamedTuple

from scoring.domain import stars
from scoring.domain.arrays import from_bytes, packed
from scoring.domain.eligibility import Eligibility
from scoring.domain.facts import NEVER, Day
from scoring.domain.items import points_of
from scoring.domain.registry import Assessed
from scoring.domain.rubric_sections import Rubric
from scoring.domain.shelf import Plain
from scoring.domain.shelves import Shelves, Touched
from scoring.domain.size import Terms
from scoring.domain.stars import Limits
from scoring.domain.vetoes import AUTOMATIC_ELIGIBILITY, AUTOMATIC_HAZARD, Cap


class Look(NamedTuple):
    """The result of `day`, which is the same on each day before `until`.

    On a day without enrolment `score_milli` is None and there are no items. `full_milli` is P by item.
    """

    day: Day
    until: Day
    rated: bool
    score_milli: int | None
    items: dict[str, int]
    full_milli: dict[str, int]
    unverified: tuple[str, ...]
    evidence_missing: bool
    categories: dict[str, int]
    bonus_milli: int
    limit: Limits
    caps: tuple[Cap, ...]
    eligibility: Eligibility
    assessed: Assessed | None

    def full_of(self, category: str) -> int:
        """The sum of P of a category."""
        return sum(full for code, full in self.full_milli.items() if code[0] == category)

    @property
    def folds(self) -> bool:
        """Whether the day counts in the fold of the dynamic star."""
        return self.rated and self.score_milli is not None


class Board:
    """Looks at days of one compound; see the module. Lists follow `rubric.layout`, to take sums of."""

    __slots__ = (
        "_full",
        "_full_by_category",
        "_full_by_code",
        "_last",
        "_milli",
        "_missing",
        "_since",
        "_stale",
        "_until",
        "_unverified",
        "_unverified_codes",
    )

    def __init__(self, rubric: Rubric) -> None:
        count = len(rubric.layout.codes)
        self._milli = [0] * count
        self._full = [0] * count
        self._unverified = [False] * count
        self._stale = [False] * count
        self._since = [0] * count
        self._until = [0] * count
        # What is made of those lists and seldom changes; made anew by `_notice`.
        self._full_by_code: dict[str, int] = {}
        self._full_by_category: dict[str, int] = {}
        self._unverified_codes: tuple[str, ...] = ()
        self._missing = False
        self._last: Look | None = None

    def copy(self) -> "Board":
        """Another board that knows the same."""
        other = object.__new__(Board)
        other._milli, other._full = self._milli[:], self._full[:]
        other._unverified, other._stale = self._unverified[:], self._stale[:]
        other._since, other._until = self._since[:], self._until[:]
        other._full_by_code, other._full_by_category = self._full_by_code, self._full_by_category
        other._unverified_codes, other._missing = self._unverified_codes, self._missing
        other._last = None
        return other

    def remember(self, rubric: Rubric) -> Plain:
        """What `recall` makes a board of that knows the day last looked at; empty when there is none."""
        last = self._last
        if last is None or last.score_milli is None:
            return ()
        other_full = [
            (place, full)
            for place, (full, item) in enumerate(zip(self._full, rubric.layout.items, strict=True))
            if full != item.points_milli
        ]
        unverified = [place for place, one in enumerate(self._unverified) if one]
        stale = [place for place, one in enumerate(self._stale) if one]
        return (last.day, packed(self._milli), packed(self._until), other_full, unverified, stale)

    def recall(self, remembered: Plain, rubric: Rubric) -> None:
        """Knows again what `remember` kept."""
        day, milli, until, other_full, unverified, stale = remembered
        self._milli, self._until = from_bytes(milli).tolist(), from_bytes(until).tolist()
        self._since = [day] * len(self._milli)
        self._full = [item.points_milli for item in rubric.layout.items]
        for place, full in other_full:
            self._full[place] = full
        for place in unverified:
            self._unverified[place] = True
        for place in stale:
            self._stale[place] = True
        self._notice(rubric)

    def touch(self, rubric: Rubric, names: Touched) -> None:
        """Forgets the points of these items, and what was last looked at."""
        self._last = None
        for name in names:
            place = rubric.layout.places.get(name)
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
            return Look(
                day,
                until,
                rated,
                None,
                {},
                {},
                (),
                False,  # noqa: FBT003 - nothing is missing where nothing is asked
                {},
                0,
                stars.unlimited(rubric.stars),
                caps,
                ground.eligibility,
                ground.assessed,
            )
        self._refresh(shelves, terms, day, ground.until)
        milli, missing = self._milli, self._missing
        until = min(until, *self._until, shelves.bonus.next_after(day))
        categories = {name: sum(milli[first:end]) for name, first, end in rubric.layout.categories}
        bonus = min(shelves.bonus.at(day), rubric.bonus.max_milli)
        return Look(
            day,
            until,
            rated,
            min(sum(milli) + bonus, rubric.full_milli),
            dict(zip(rubric.layout.codes, milli, strict=True)),
            self._full_by_code,
            self._unverified_codes,
            missing,
            categories,
            bonus,
            stars.limits(rubric.stars, categories, self._full_by_category, evidence_missing=missing),
            caps,
            ground.eligibility,
            ground.assessed,
        )

    def _refresh(self, shelves: Shelves, terms: Terms, day: Day, ground_until: Day) -> None:
        """Finds the points of the items of which they are unknown or no longer hold."""
        since, until = self._since, self._until
        items = terms.rubric.layout.items
        noticed = False
        for place in [at for at, end in enumerate(until) if not since[at] <= day < end]:
            found = points_of(items[place], shelves, terms, day)
            since[place], until[place] = day, min(found.until, ground_until)
            self._milli[place] = found.points_milli
            seen = (self._full[place], self._unverified[place], self._stale[place])
            if seen != (found.full_milli, found.unverified, found.stale):
                self._full[place], self._stale[place] = found.full_milli, found.stale
                self._unverified[place] = found.unverified
                noticed = True
        if noticed:
            self._notice(terms.rubric)

    def _notice(self, rubric: Rubric) -> None:
        """Makes anew what is made of full points, unverified and stale items."""
        layout = rubric.layout
        self._full_by_code = dict(zip(layout.codes, self._full, strict=True))
        self._full_by_category = {name: sum(self._full[first:end]) for name, first, end in layout.categories}
        self._unverified_codes = tuple(
            code for code, one in zip(layout.codes, self._unverified, strict=True) if one
        )
        self._missing = any(self._stale[place] for place in layout.evidence_places)


def _caps(shelves: Shelves, rubric: Rubric, day: Day, eligible: Eligibility) -> tuple[Cap, ...]:
    caps = shelves.vetoes.caps(rubric.vetoes, day)
    if shelves.grave.at(day) > 0:
        caps.append(Cap(AUTOMATIC_HAZARD, rubric.vetoes.caps[AUTOMATIC_HAZARD]))
    if eligible.lost:
        caps.append(Cap(AUTOMATIC_ELIGIBILITY, rubric.vetoes.caps[AUTOMATIC_ELIGIBILITY]))
    return tuple(caps)
