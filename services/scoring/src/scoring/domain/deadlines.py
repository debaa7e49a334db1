"""Deadlines of open hazards: which are over, of which a closing day reminds, and when to look again.

Source: contracts.md, outcomes. People are reminded at the closing of the day that leaves half of the days,
and of the one that leaves 1; a hazard of class immediate is told on opening only. Where a rectification
stands, the manager has done his part: there is nothing to remind of, and the clock stands still.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from scoring.domain.facts import NEVER, Day
from scoring.domain.hazards import Event, Life, counting, life
from scoring.domain.rubric_sections import Hazards

UNTOLD_CLASS = "immediate"
LAST_DAYS_LEFT = 1


class Deadlines(NamedTuple):
    """What holds on each day from `day` to before `until`: the ids of overdue hazards, in order.

    `until` is the first day after `day` whose closing reminds of a hazard, or sees one become overdue. Where
    hazards have changed since all were looked at, `until` may be too early (not `exact`), but never too late.
    """

    day: Day
    until: Day
    overdue: tuple[str, ...]
    exact: bool = True

    def changed(self, hazard_id: str, events: list[Event], rules: Hazards) -> "Deadlines":
        """The same after the events of one hazard became others."""
        until, over = _deadline(events, rules, self.day)
        if over == (hazard_id in self.overdue):
            overdue = self.overdue
        elif over:
            overdue = tuple(sorted((*self.overdue, hazard_id)))
        else:
            overdue = tuple(one for one in self.overdue if one != hazard_id)
        return Deadlines(self.day, min(until, self.until), overdue, exact=False)


def days_left(one: Life, day: Day) -> int:
    """The days that are left to put a hazard right once `day` is closed."""
    return one.due - day


def reminders(one: Life) -> set[Day]:
    """The days whose closing reminds of a hazard, as far as is known of it."""
    if one.opened.hazard_class == UNTOLD_CLASS or one.rectified is not None or one.verified is not None:
        return set()
    half = (one.due - one.opened.day) // 2
    return {one.due - left for left in (half, LAST_DAYS_LEFT) if left > 0}


def upcoming(hazards: Mapping[str, list[Event]], rules: Hazards, day: Day) -> Deadlines:
    """The deadlines as known on `day`; `hazards` are the events of each, in order."""
    overdue: list[str] = []
    until = NEVER
    for hazard_id, events in hazards.items():
        changes, over = _deadline(events, rules, day)
        until = min(until, changes)
        if over:
            overdue.append(hazard_id)
    return Deadlines(day, until, tuple(sorted(overdue)))


def _deadline(events: list[Event], rules: Hazards, day: Day) -> tuple[Day, bool]:
    """Of one hazard: the first day after `day` that matters, and whether it is overdue on `day`."""
    until = min((event.day for event in events if event.day > day), default=NEVER)
    one = life(counting(events), rules, day)
    if one is None or one.verified is not None:
        return until, False
    if one.overdue_days(day) > 0:
        return until, True
    if one.rectified is None:
        until = min([until, one.due + 1, *(on for on in (one.due, *reminders(one)) if on > day)])
    return until, False


def reminded_on(hazards: Mapping[str, list[Event]], rules: Hazards, day: Day) -> list[tuple[str, Life]]:
    """The hazards of which the closing of `day` reminds, by id."""
    return sorted(_reminded(hazards.items(), rules, day))


def _reminded(
    hazards: Iterable[tuple[str, list[Event]]], rules: Hazards, day: Day
) -> Iterator[tuple[str, Life]]:
    for hazard_id, events in hazards:
        one = life(counting(events), rules, day)
        if one is not None and day in reminders(one):
            yield hazard_id, one
