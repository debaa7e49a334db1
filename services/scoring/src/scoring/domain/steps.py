"""Amounts that change on known days: the one data structure behind every rule that depends on age.

A charge of 4,000 that weighs half after 90 days and nothing after 365 is three steps: +4,000, -2,000, -2,000.
All charges of an item add up in one `StepSum`, so that a fact costs its own few steps and never the others'.
Taking a fact away adds the opposite steps, so the order of facts cannot matter.
"""

from array import array
from bisect import bisect_left, bisect_right

from scoring.domain.arrays import SIGNED, from_bytes, to_bytes
from scoring.domain.facts import NEVER, Day
from scoring.domain.shelf import Plain

Step = tuple[Day, int]
"""(day, change from that day on)."""


class StepSum:
    """A sum that changes by day."""

    __slots__ = ("before", "days", "deltas")

    def __init__(self, before: int = 0) -> None:
        self.before = before
        # Arrays, because they become bytes and come from bytes at once, and are small.
        self.days: array[int] = array(SIGNED)
        self.deltas: array[int] = array(SIGNED)

    def add(self, day: Day, delta: int) -> None:
        """Changes the sum by `delta` from `day` on."""
        days = self.days
        place = bisect_left(days, day)
        if place < len(days) and days[place] == day:
            changed = self.deltas[place] + delta
            if changed:
                self.deltas[place] = changed
            else:
                del days[place], self.deltas[place]
        elif delta:
            days.insert(place, day)
            self.deltas.insert(place, delta)

    def at(self, day: Day) -> int:
        """The sum on `day`."""
        return self.before + sum(self.deltas[: bisect_right(self.days, day)])

    def next_after(self, day: Day) -> Day:
        """The first day after `day` on which the sum changes, NEVER without one."""
        days = self.days
        place = bisect_right(days, day)
        return days[place] if place < len(days) else NEVER

    def pack(self, day: Day) -> Plain:
        """What `unpack` makes a sum of that is the same on `day` and later; empty when it is nothing then.

        When the changes up to `day` happened is left out.
        """
        place = bisect_right(self.days, day)
        before = self.before + sum(self.deltas[:place]) if place else self.before
        later = to_bytes(self.days[place:] + self.deltas[place:])
        return (before, later) if before or later else ()

    @classmethod
    def unpack(cls, plain: Plain) -> "StepSum":
        if not plain:
            return cls()
        before, later = plain
        made = object.__new__(cls)
        made.before, both = before, from_bytes(later)
        half = len(both) // 2
        made.days, made.deltas = both[:half], both[half:]
        return made
