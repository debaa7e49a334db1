"""Amounts that change on known days: the one data structure behind every rule that depends on age.

A charge of 4,000 that weighs half after 90 days and nothing after 365 is three steps: +4,000, -2,000, -2,000.
All charges of an item add up in one `StepSum`, so that a fact costs its own few steps and never the others'.
Taking a fact away adds the opposite steps, so the order of facts cannot matter.
"""

from bisect import bisect_left, bisect_right

from scoring.domain.facts import NEVER, Day
from scoring.domain.shelf import ORIGIN

Step = tuple[Day, int]
"""(day, change from that day on)."""


class StepSum:
    """A sum that changes by day."""

    __slots__ = ("before", "days", "deltas")

    def __init__(
        self, before: int = 0, days: list[Day] | None = None, deltas: list[int] | None = None
    ) -> None:
        self.before = before
        self.days: list[Day] = [] if days is None else days
        self.deltas: list[int] = [] if deltas is None else deltas

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
        place = bisect_right(self.days, day)
        return self.days[place] if place < len(self.days) else NEVER

    def lasts(self, day: Day) -> bool:
        """Whether the sum is anything on `day` or changes later."""
        return self.next_after(day) < NEVER or self.at(day) != 0

    def pack(self, day: Day) -> tuple[int, ...]:
        """Numbers from which `unpack` makes a sum that is the same on `day` and later.

        When the changes up to `day` happened is left out.
        """
        place = bisect_right(self.days, day)
        before = self.before + sum(self.deltas[:place])
        return (before, *(one - ORIGIN for one in self.days[place:]), *self.deltas[place:])

    @classmethod
    def unpack(cls, plain: tuple[int, ...]) -> "StepSum":
        half = (len(plain) + 1) // 2
        return cls(plain[0], [day + ORIGIN for day in plain[1:half]], list(plain[half:]))
