"""F1 隐患整改率: how many of the hazards due in the last 180 days were put right in time, in two groups.

Source: rubric.md section 4, F1. Immediate and major hazards are one group, ordinary and capital the other.
"""

from scoring.domain.facts import Day
from scoring.domain.rubric_sections import Rectification
from scoring.domain.shelf import Plain, Points
from scoring.domain.steps import StepSum
from scoring.domain.traces import Traces

PERCENT = 100


class RectificationShelf:
    """Numbers of hazards in time and late by day, urgent ones and others."""

    __slots__ = ("late", "on_time")

    def __init__(self) -> None:
        self.on_time = (StepSum(), StepSum())
        self.late = (StepSum(), StepSum())

    def add(self, traces: Traces, sign: int) -> None:
        """Counts (`sign` 1) or uncounts (-1) the traces of a hazard."""
        for sums, steps in ((self.on_time, traces.on_time), (self.late, traces.late)):
            for day, delta in steps:
                sums[traces.urgent].add(day, sign * delta)

    def points(self, rules: Rectification, day: Day, full_milli: int) -> Points:
        """The points of F1 on `day`."""
        lost = 0
        for urgent, weight in ((True, rules.urgent_milli), (False, rules.other_milli)):
            lost += loss(rules, weight, self.on_time[urgent].at(day), self.late[urgent].at(day))
        until = min(one.next_after(day) for one in (*self.on_time, *self.late))
        return Points(max(full_milli - lost, 0), full_milli, until)

    def pack(self, day: Day) -> Plain:
        packed = [one.pack(day) for one in (*self.on_time, *self.late)]
        return tuple(packed) if any(packed) else ()

    @classmethod
    def unpack(cls, plain: Plain) -> "RectificationShelf":
        shelf = cls()
        sums = [StepSum.unpack(one) for one in plain]
        shelf.on_time, shelf.late = (sums[0], sums[1]), (sums[2], sums[3])
        return shelf


def loss(rules: Rectification, weight_milli: int, on_time: int, late: int) -> int:
    """What a group loses: in proportion to what its share lacks, at most so much for each late one."""
    judged = on_time + late
    percent = on_time * PERCENT // judged if judged else PERCENT
    return min(weight_milli * (PERCENT - percent) // rules.step_percent, rules.late_milli * late)
