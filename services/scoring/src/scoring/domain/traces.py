"""What one hazard leaves in the sums of its compound, as steps: loss, in time or late, grave and late."""

from typing import NamedTuple

from scoring.domain.facts import NEVER, Day
from scoring.domain.hazards import Event, counting, life
from scoring.domain.rubric_sections import Rubric
from scoring.domain.steps import Step

UNOPENED_KEPT_DAYS = 365
"""How long facts of a hazard that nobody opened are kept in a packed book."""


class Traces(NamedTuple):
    """The steps of one hazard, its opening and the verification that ended it."""

    opened: Event | None = None
    verified: Event | None = None
    urgent: bool = False
    loss: tuple[Step, ...] = ()
    on_time: tuple[Step, ...] = ()
    late: tuple[Step, ...] = ()
    grave: tuple[Step, ...] = ()

    @property
    def closed(self) -> Day:
        """The day of the verification, NEVER while open."""
        return NEVER if self.verified is None else self.verified.day


NOTHING = Traces()


def traces(events: list[Event], rubric: Rubric) -> Traces:
    """The traces of a hazard over all days; `events` are all that name it, in order."""
    counted = counting(events)
    if not counted:
        return NOTHING
    rules = rubric.hazards
    window = rubric.rectification.window_days
    steps: tuple[list[Step], ...] = ([], [], [], [])
    before = (0, 0, 0, 0)
    last = None
    for day in _days(counted, rubric):
        last = life(counted, rules, day)
        assert last is not None, "no day before the opening is looked at"
        judged = last.on_time if 0 < day - last.due < window else None
        now = (
            last.loss_milli(rules, day),
            int(judged is True),
            int(judged is False),
            int(last.grave_and_late(rules, day)),
        )
        if now != before:
            for place in range(len(steps)):
                if now[place] != before[place]:
                    steps[place].append((day, now[place] - before[place]))
            before = now
    assert last is not None, "the day of the opening is looked at"
    urgent = last.opened.hazard_class in rubric.rectification.urgent
    return Traces(last.opened, last.verified, urgent, *(tuple(one) for one in steps))


def _days(counted: list[Event], rubric: Rubric) -> list[Day]:
    """All days on which anything about a hazard can change, ascending, from its opening on."""
    rules = rubric.hazards
    days = {event.day for event in counted}
    for day in sorted(days):
        one = life(counted, rules, day)
        assert one is not None, "the opening is the first"
        days |= {one.due + 1, one.due + rules.late_days + 1, one.due + rubric.rectification.window_days}
        if one.verified is not None:
            days.update(day + limit for limit, _ in rules.residue)
    return sorted(day for day in days if counted[0].day <= day < NEVER)


def over_on(events: list[Event], rubric: Rubric) -> Day:
    """The day from which nothing about a hazard can matter; `events` are all that name it, in order."""
    counted = counting(events)
    if not counted:
        return events[-1].day + UNOPENED_KEPT_DAYS
    last = life(counted, rubric.hazards, counted[-1].day)
    if last is None or last.verified is None:
        return NEVER
    residue_ends = last.verified.day + rubric.hazards.residue[-1][0]
    return max(residue_ends, last.due + rubric.rectification.window_days)
