"""Which records of a fetch may be absorbed: the rules about first offsets, as a pure function."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    """What to do with the records of one partition in a fetch."""

    TAKE = "take"
    # Fetched before the last seek: dropped, the right ones follow.
    STALE = "stale"
    # Not where reading should go on: look at the log, then seek there and read again.
    LOOK = "look"


@dataclass(slots=True)
class Reading:
    """How far a claimed partition is taken in, committed or not; exists once this claim has sought."""

    expected: int
    # Where the first record from `expected` on lies, as the log says. Topics may have gaps, but a fetch
    # position that jumped (a reset, a hint of the group that was ahead) and a fetch that was lost on its way
    # look the same, also when they are seen twice.
    begins: int | None = None

    def judge(self, first: int, last: int, position: int | None) -> Verdict:
        """Judge records first..last, fetched by a consumer that now stands at `position`.

        A fetch moves the position behind its last record; a position before that means that somebody has
        sought since, and that these records were fetched for another reader of the log.
        """
        if position is None or position <= last:
            return Verdict.STALE
        return Verdict.TAKE if first in {self.expected, self.begins} else Verdict.LOOK

    def taken(self, last: int) -> None:
        """Records up to `last` are taken in."""
        self.expected = last + 1
        self.begins = None
