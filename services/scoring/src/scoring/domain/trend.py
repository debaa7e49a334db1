"""D3 同比: the incidents of the last year against those of the year before, by base.

Source: rubric.md section 4, D3. H and H' are sums of base over the incidents charged to D1 or D2. Half of the
points for no change; a tenth less gives all of them, a tenth more none.
"""

from scoring.domain.facts import NEVER, Day
from scoring.domain.rubric_sections import Trend
from scoring.domain.shelf import Plain, Points
from scoring.domain.size import Terms
from scoring.domain.steps import StepSum

UNIT = 1_000


class TrendShelf:
    """Bases and numbers of the incidents of one compound by day, for windows of any two years."""

    __slots__ = ("bases", "counts")

    def __init__(self) -> None:
        self.bases = StepSum()
        self.counts = StepSum()

    def add(self, day: Day, base_milli: int, sign: int) -> None:
        """Counts (`sign` 1) or uncounts (-1) an incident."""
        self.bases.add(day, sign * base_milli)
        self.counts.add(day, sign)

    def points(self, terms: Terms, day: Day, full_milli: int) -> Points:
        """The points of D3 on `day`."""
        rules = terms.rubric.trend
        days = rules.window_days
        last_year, before = day - days, day - 2 * days
        counted = self.counts.at(last_year)
        recent = self.counts.at(day) - counted
        until = self._next(day, days, terms)
        if not recent:
            return Points(full_milli, full_milli, until)
        # d - e < 729: the older window is not yet whole.
        if terms.days_enrolled(day) < 2 * days - 1 or counted - self.counts.at(before) < rules.incidents_min:
            return Points(rules.unknown_milli, full_milli, until)
        base = self.bases.at(last_year)
        change = change_permille(self.bases.at(day) - base, base - self.bases.at(before))
        return Points(against(rules, change, full_milli), full_milli, until)

    def _next(self, day: Day, days: int, terms: Terms) -> Day:
        # Bases change on no day on which numbers do not.
        whole = terms.enrolled_since + 2 * days - 1
        return min(
            self.counts.next_after(day),
            self.counts.next_after(day - days) + days,
            self.counts.next_after(day - 2 * days) + 2 * days,
            whole if whole > day else NEVER,
        )

    def pack(self, day: Day, terms: Terms) -> Plain:
        oldest = day - 2 * terms.rubric.trend.window_days
        bases, counts = self.bases.pack(oldest), self.counts.pack(oldest)
        return (bases, counts) if bases or counts else ()

    @classmethod
    def unpack(cls, plain: Plain) -> "TrendShelf":
        shelf = cls()
        bases, counts = plain
        shelf.bases, shelf.counts = StepSum.unpack(bases), StepSum.unpack(counts)
        return shelf


def change_permille(recent_milli: int, older_milli: int) -> int:
    """Δ of rubric.md: how much more (or, negative, less) the last year weighs than the one before."""
    return recent_milli * UNIT // older_milli - UNIT


def against(rules: Trend, change: int, full_milli: int) -> int:
    """Points for a change: all when it fell by the span or more, none when it rose by as much."""
    span = rules.span_permille
    return full_milli * min(max(span - change, 0), 2 * span) // (2 * span)
