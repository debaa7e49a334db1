"""What a day gives before its dynamic star: points, categories, bonus, caps; remembered while it holds.

A board looks at one day after the other. Of each item it remembers the points and the day until which they
hold, so that a look costs only the items that a fact has touched or whose day has come. What it remembers
can be kept with the packed book: to lose it costs a look at all items, and nothing else.
"""

from array import array
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from scoring.domain import stars
from scoring.domain.arrays import SIGNED, from_bytes, to_bytes
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
    """Looks at days of one compound; see the module. Numbers follow `rubric.layout`, to take sums of."""

    __slots__ = (
        "_day",
        "_full",
        "_last",
        "_milli",
        "_since",
        "_stale",
        "_touched",
        "_until",
        "_unverified",
    )

    def __init__(self, rubric: Rubric) -> None:
        nothing = bytes(4 * len(rubric.layout.codes))
        self._milli = array(SIGNED, nothing)
        self._since = array(SIGNED, nothing)
        self._until = array(SIGNED, nothing)
        self._full = rubric.layout.full_milli
        # One bit (1 << place) for each item.
        self._unverified = self._stale = 0
        # The day on which all points hold but those of the touched places.
        self._day: Day | None = None
        self._touched: set[int] = set()
        self._last: Look | None = None

    def copy(self) -> "Board":
        """Another board that knows the same."""
        other = object.__new__(Board)
        other._milli, other._since, other._until = self._milli[:], self._since[:], self._until[:]
        other._full, other._unverified, other._stale = self._full, self._unverified, self._stale
        other._day, other._touched, other._last = self._day, set(self._touched), None
        return other

    def remember(self, rubric: Rubric) -> Plain:
        """What `recall` makes a board of that knows the day last looked at; empty when there is none."""
        last = self._last
        if last is None or last.score_milli is None:
            return ()
        full = () if self._full == rubric.layout.full_milli else self._full
        return (last.day, to_bytes(self._milli), to_bytes(self._until), full, self._unverified, self._stale)

    @classmethod
    def recall(cls, remembered: Plain, rubric: Rubric) -> "Board":
        """The board that `remember` kept."""
        board = object.__new__(cls)
        day, milli, until, full, board._unverified, board._stale = remembered
        board._milli, board._until = from_bytes(milli, SIGNED), from_bytes(until, SIGNED)
        board._since = array(SIGNED, (day,)) * len(board._milli)
        board._full = tuple(full) or rubric.layout.full_milli
        board._day, board._touched, board._last = day, set(), None
        return board

    def touch(self, rubric: Rubric, names: Touched) -> None:
        """Forgets the points of these items, and what was last looked at."""
        self._last = None
        for name in names:
            place = rubric.layout.places.get(name)
            if place is not None:
                self._until[place] = 0
                self._touched.add(place)

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
            shelves.vetoes.next_after(rubric.vetoes, day) if shelves.has("vetoes") else NEVER,
            shelves.grave.next_after(day) if shelves.has("grave") else NEVER,
        )
        caps: tuple[Cap, ...] = ()
        if shelves.has("vetoes") or shelves.has("grave") or ground.eligibility.failed:
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
        milli, layout = self._milli.tolist(), rubric.layout
        missing = bool(self._stale & layout.evidence)
        until, bonus = min(until, *self._until), 0
        if shelves.has("bonus"):
            until = min(until, shelves.bonus.next_after(day))
            bonus = min(shelves.bonus.at(day), rubric.bonus.max_milli)
        categories = {name: sum(milli[first:end]) for name, first, end in layout.categories}
        by_code, by_category = _full_by(rubric, self._full)
        return Look(
            day,
            until,
            rated,
            min(sum(milli) + bonus, rubric.full_milli),
            dict(zip(layout.codes, milli, strict=True)),
            by_code,
            _codes(rubric, self._unverified),
            missing,
            categories,
            bonus,
            stars.limits(rubric.stars, categories, by_category, evidence_missing=missing),
            caps,
            ground.eligibility,
            ground.assessed,
        )

    def _refresh(self, shelves: Shelves, terms: Terms, day: Day, ground_until: Day) -> None:
        """Finds the points of the items of which they are unknown or no longer hold."""
        since, until = self._since, self._until
        places: Iterable[int] = self._touched
        if day != self._day:
            places = [at for at, end in enumerate(until) if not since[at] <= day < end]
        for place in places:
            found = points_of(terms.rubric.layout.items[place], shelves, terms, day)
            since[place], until[place] = day, min(found.until, ground_until)
            self._milli[place] = found.points_milli
            if self._full[place] != found.full_milli:
                self._full = (*self._full[:place], found.full_milli, *self._full[place + 1 :])
            bit = 1 << place
            self._unverified = self._unverified | bit if found.unverified else self._unverified & ~bit
            self._stale = self._stale | bit if found.stale else self._stale & ~bit
        self._day = day
        self._touched.clear()


@lru_cache(maxsize=64)
def _full_by(rubric: Rubric, full: tuple[int, ...]) -> tuple[dict[str, int], dict[str, int]]:
    """P by item and by category; seldom another than that of the rubric."""
    layout = rubric.layout
    by_category = {name: sum(full[first:end]) for name, first, end in layout.categories}
    return dict(zip(layout.codes, full, strict=True)), by_category


@lru_cache(maxsize=4096)
def _codes(rubric: Rubric, places: int) -> tuple[str, ...]:
    """The codes of the items whose bits are set."""
    return tuple([code for place, code in enumerate(rubric.layout.codes) if places >> place & 1])


def _caps(shelves: Shelves, rubric: Rubric, day: Day, eligible: Eligibility) -> tuple[Cap, ...]:
    caps = shelves.vetoes.caps(rubric.vetoes, day) if shelves.has("vetoes") else []
    if shelves.grave.at(day) > 0:
        caps.append(Cap(AUTOMATIC_HAZARD, rubric.vetoes.caps[AUTOMATIC_HAZARD]))
    if eligible.lost:
        caps.append(Cap(AUTOMATIC_ELIGIBILITY, rubric.vetoes.caps[AUTOMATIC_ELIGIBILITY]))
    return tuple(caps)
