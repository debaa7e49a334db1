"""What one hazard leaves in the sums of its compound, as steps: loss, put right in time or late, grave and late."""

from typing import NamedTuple

from scoring.domain.facts import NEVER, Day
from scoring.domain.hazards import Event, Life, counting, life
from scoring.domain.rubric_sections import Rubric
from scoring.domain.steps import Step, steps_between

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


def traces(events: list[Event], rubric: Rubric) -> Traces:
    """The traces of a hazard whose counting events are `events`, over all days."""
    if not events:
        return Traces()
    rules = rubric.hazards
    window = rubric.rectification.window_days
    lives: dict[Day, Life] = {}

    def known(day: Day) -> Life:
        if day not in lives:
            found = life(events, rules, day)
            assert found is not None, "no day before the opening is asked for"
            lives[day] = found
        return lives[day]

    days = {event.day for event in events}
    for day in sorted(days):
        due = known(day).due
        days |= {due + 1, due + rules.late_days + 1, due + window}
    last = known(max(event.day for event in events))
    if last.verified is not None:
        days |= {last.verified.day + limit for limit, _ in rules.residue}
    days = {day for day in days if day >= events[0].day}

    def verdict(day: Day) -> bool | None:
        one = known(day)
        return one.on_time if 0 < day - one.due < window else None

    return Traces(
        last.opened,
        last.verified,
        last.opened.hazard_class in rubric.rectification.urgent,
        tuple(steps_between(lambda day: known(day).loss_milli(rules, day), days)),
        tuple(steps_between(lambda day: int(verdict(day) is True), days)),
        tuple(steps_between(lambda day: int(verdict(day) is False), days)),
        tuple(steps_between(lambda day: int(known(day).grave_and_late(rules, day)), days)),
    )


def settled_hazard(events: list[Event], rubric: Rubric, day: Day) -> bool:
    """Whether nothing about a hazard can matter from `day` on; `events` are all that name it."""
    counted = counting(events)
    if not counted:
        return events[-1].day + UNOPENED_KEPT_DAYS <= day
    left = traces(counted, rubric)
    ends = [step[0] for steps in (left.loss, left.on_time, left.late, left.grave) for step in steps]
    return left.verified is not None and max([left.verified.day, *ends]) <= day
