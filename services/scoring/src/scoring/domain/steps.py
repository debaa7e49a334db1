"""Amounts that change on known days: the one data structure behind every rule that depends on age.

A charge of 4,000 that weighs half after 90 days and nothing after 365 is three steps: +4,000, -2,000, -2,000.
All charges of an item add up in one `StepSum`, so that a fact costs its own few steps and never the others'.
Taking a fact away adds the opposite steps, so the order of facts cannot matter.
"""

from array import array
from bisect import bisect_left, bisect_right

from scoring.domain.arrays import LONG, SHORT, from_bytes, to_bytes
from scoring.domain.facts import NEVER, Day
from scoring.domain.shelf import ORIGIN, Plain

Step = tuple[Day, int]
"""(day, change from that day on)."""


class StepSum:
    """A sum that changes by day."""

    __slots__ = ("before", "days", "deltas")

    def __init__(self, before: int = 0) -> None:
        self.before = before
        # Arrays, because they become bytes and come from bytes at once, and are small; days from ORIGIN on.
        self.days: array[int] = array(SHORT)
        self.deltas: array[int] = array(SHORT)

    def add(self, day: Day, delta: int) -> None:
        """Changes the sum by `delta` from `day` on."""
        try:
            self._add(day - ORIGIN, delta)
        except OverflowError:
            self.days, self.deltas = array(LONG, self.days), array(LONG, self.deltas)
            self._add(day - ORIGIN, delta)

    def _add(self, day: int, delta: int) -> None:
        days = self.days
        place = bisect_left(days, day)
        if place < len(days) and days[place] == day:
            changed = self.deltas[place] + delta
            if changed:
                self.deltas[place] = changed
            else:
                del days[place], self.deltas[place]
        elif delta:
            self.deltas.insert(place, delta)
            try:
                days.insert(place, day)
            except OverflowError:
                del self.deltas[place]
                raise

    def at(self, day: Day) -> int:
        """The sum on `day`."""
        return self.before + sum(self.deltas[: bisect_right(self.days, day - ORIGIN)])

    def next_after(self, day: Day) -> Day:
        """The first day after `day` on which the sum changes, NEVER without one."""
        days = self.days
        place = bisect_right(days, day - ORIGIN)
        return days[place] + ORIGIN if place < len(days) else NEVER

    def pack(self, day: Day) -> Plain:
        """What `unpack` makes a sum of that is the same on `day` and later; empty when it is nothing then.

        When the changes up to `day` happened is left out.
        """
        place = bisect_right(self.days, day - ORIGIN)
        before = self.before + sum(self.deltas[:place]) if place else self.before
        later = self.days[place:] + self.deltas[place:]
        if not later:
            return (before,) if before else ()
        packed = (before, to_bytes(later))
        return packed if later.typecode == SHORT else (*packed, LONG)

    @classmethod
    def unpack(cls, plain: Plain) -> "StepSum":
        if len(plain) < 2:
            return cls(*plain)
        made = object.__new__(cls)
        made.before, later, *kind = plain
        both = from_bytes(later, kind[0] if kind else SHORT)
        half = len(both) // 2
        made.days, made.deltas = both[:half], both[half:]
        return made
