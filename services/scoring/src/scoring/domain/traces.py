"""What one hazard leaves in the sums of its compound, as steps: loss, in time or late, grave and late."""

from typing import NamedTuple

from scoring.domain.facts import NEVER, Day
from scoring.domain.hazards import Event, Life, counting, life
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
    rules, window = rubric.hazards, rubric.rectification.window_days
    steps: tuple[list[Step], ...] = ([], [], [], [])
    before = (0, 0, 0, 0)
    starts = sorted({event.day for event in counted})
    lives = [life(counted, rules, day) for day in starts]
    for one, start, end in zip(lives, starts, (*starts[1:], NEVER), strict=True):
        assert one is not None, "the opening is the first"
        for day in sorted(_changes(one, start, rubric)):
            if not start <= day < end:
                continue
            judged = one.on_time if 0 < day - one.due < window else None
            now = (
                one.loss_milli(rules, day),
                int(judged is True),
                int(judged is False),
                int(one.grave_and_late(rules, day)),
            )
            if now != before:
                for of, value, earlier in zip(steps, now, before, strict=True):
                    if value != earlier:
                        of.append((day, value - earlier))
                before = now
    last = lives[-1]
    assert last is not None, "the opening is the first"
    urgent = last.opened.hazard_class in rubric.rectification.urgent
    return Traces(last.opened, last.verified, urgent, *(tuple(one) for one in steps))


def _changes(one: Life, start: Day, rubric: Rubric) -> set[Day]:
    """The days on which a hazard can change by itself while no more is known of it than on `start`."""
    days = {start, one.due + 1, one.due + rubric.rectification.window_days}
    if one.verified is None:
        days.add(one.due + rubric.hazards.late_days + 1)
    else:
        days.update(one.verified.day + limit for limit, _ in rubric.hazards.residue)
    return days


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
