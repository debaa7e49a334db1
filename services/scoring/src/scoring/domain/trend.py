"""D3 同比: the incidents of the last year against those of the year before, by base.

Source: rubric.md section 4, D3. H and H' are sums of base over the incidents charged to D1 or D2. Half of the
points for no change; a tenth less gives all of them, a tenth more none.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable

from scoring.domain.arrays import LONG, SHORT, from_bytes, to_bytes
from scoring.domain.facts import NEVER, Day
from scoring.domain.rubric_sections import Trend
from scoring.domain.shelf import ORIGIN, Plain, Points
from scoring.domain.size import Terms

UNIT = 1_000


class TrendShelf:
    """Bases and numbers of the incidents of one compound by day, for windows of any two years."""

    __slots__ = ("_bases", "_counts", "_days")

    def __init__(self) -> None:
        # Days from ORIGIN on; see StepSum.
        self._days: array[int] = array(SHORT)
        self._bases: array[int] = array(SHORT)
        self._counts: array[int] = array(SHORT)

    def add(self, day: Day, base_milli: int, sign: int) -> None:
        """Counts (`sign` 1) or uncounts (-1) an incident."""
        try:
            self._add(day - ORIGIN, sign * base_milli, sign)
        except OverflowError:
            self._days, self._bases = array(LONG, self._days), array(LONG, self._bases)
            self._counts = array(LONG, self._counts)
            self._add(day - ORIGIN, sign * base_milli, sign)

    def _add(self, day: int, base_milli: int, count: int) -> None:
        days = self._days
        place = bisect_left(days, day)
        if place == len(days) or days[place] != day:
            days.insert(place, day)
            self._bases.insert(place, 0)
            self._counts.insert(place, 0)
        # What may be too large comes first.
        self._bases[place] += base_milli
        self._counts[place] += count
        if not self._counts[place]:
            del days[place], self._bases[place], self._counts[place]

    def points(self, terms: Terms, day: Day, full_milli: int) -> Points:
        """The points of D3 on `day`."""
        rules = terms.rubric.trend
        days = rules.window_days
        last_year, before = day - days, day - 2 * days
        start, middle, end = [bisect_right(self._days, one - ORIGIN) for one in (before, last_year, day)]
        recent = sum(self._counts[middle:end])
        until = self._next(((end, 0), (middle, days), (start, 2 * days)), terms, day, days)
        if not recent:
            return Points(full_milli, full_milli, until)
        # d - e < 729: the older window is not yet whole.
        counted = sum(self._counts[start:middle])
        if terms.days_enrolled(day) < 2 * days - 1 or counted < rules.incidents_min:
            return Points(rules.unknown_milli, full_milli, until)
        change = change_permille(sum(self._bases[middle:end]), sum(self._bases[start:middle]))
        return Points(against(rules, change, full_milli), full_milli, until)

    def _next(self, edges: Iterable[tuple[int, int]], terms: Terms, day: Day, days: int) -> Day:
        """The first day on which an incident passes an edge, (its place, its age), or the window is whole."""
        passing = [self._days[place] + ORIGIN + age for place, age in edges if place < len(self._days)]
        whole = terms.enrolled_since + 2 * days - 1
        return min([*passing, whole if whole > day else NEVER])

    def pack(self, day: Day, terms: Terms) -> Plain:
        place = bisect_right(self._days, day - 2 * terms.rubric.trend.window_days - ORIGIN)
        kept = self._days[place:] + self._bases[place:] + self._counts[place:]
        return (kept.typecode, to_bytes(kept)) if kept else ()

    @classmethod
    def unpack(cls, plain: Plain) -> "TrendShelf":
        shelf = object.__new__(cls)
        kind, kept = plain
        numbers = from_bytes(kept, kind)
        count = len(numbers) // 3
        shelf._days, shelf._bases = numbers[:count], numbers[count : 2 * count]
        shelf._counts = numbers[2 * count :]
        return shelf


def change_permille(recent_milli: int, older_milli: int) -> int:
    """Δ of rubric.md: how much more (or, negative, less) the last year weighs than the one before."""
    return recent_milli * UNIT // older_milli - UNIT


def against(rules: Trend, change: int, full_milli: int) -> int:
    """Points for a change: all when it fell by the span or more, none when it rose by as much."""
    span = rules.span_permille
    return full_milli * min(max(span - change, 0), 2 * span) // (2 * span)
