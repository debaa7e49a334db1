"""Which records of a fetch may be absorbed: the rules about first offsets, as a pure function."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    """What to do with the records of one partition in a fetch."""

    TAKE = "take"
    # Fetched before the last seek: dropped, the right ones follow.
    STALE = "stale"
    # Not where reading should go on: look at the log's ends, then seek there and read again.
    LOOK = "look"


@dataclass(slots=True)
class Reading:
    """How far a claimed partition is taken in, committed or not; exists once this claim has sought."""

    expected: int
    # The first offset beyond a gap, as seen once. Topics may have gaps, but a fetch position that jumped
    # (a reset, a hint of the group that was ahead) looks the same: a gap is believed when a seek to
    # `expected` finds it again.
    beyond_gap: int | None = None

    def judge(self, first: int, last: int, position: int | None) -> Verdict:
        """Judge records first..last, fetched by a consumer that now stands at `position`.

        A fetch moves the position behind its last record; a position before that means that somebody has
        sought since, and that these records were fetched for another reader of the log.
        """
        if position is None or position <= last:
            return Verdict.STALE
        if first == self.expected or (first > self.expected and first == self.beyond_gap):
            return Verdict.TAKE
        if first > self.expected:
            self.beyond_gap = first
        return Verdict.LOOK

    def taken(self, last: int) -> None:
        """Records up to `last` are taken in."""
        self.expected = last + 1
        self.beyond_gap = None
