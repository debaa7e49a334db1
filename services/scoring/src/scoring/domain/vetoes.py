"""Vetoes 一票否决: caps on the shown star, V1 to V5 confirmed by people, V6 and V7 by the rules themselves.

Source: rubric.md section 6. A confirmed veto holds from its confirmation while less than 365 days have passed
since it occurred, and until it is lifted. Caps act at once and leave the dynamic star alone.
"""

from typing import NamedTuple

from scoring.domain.facts import NEVER, Day, Fact, VetoLifted, VetoStated
from scoring.domain.groups import Groups
from scoring.domain.rubric_sections import Vetoes as Rules
from scoring.domain.shelf import Plain

CONFIRMED, LIFTED = 0, 1
AUTOMATIC_HAZARD, AUTOMATIC_ELIGIBILITY = "V6", "V7"


class Event(NamedTuple):
    """A confirmation or a lifting of a veto."""

    day: Day
    instant_us: int
    event_id: str
    move: int = 0
    veto: str = ""
    occurred_on: Day = 0


class Cap(NamedTuple):
    """A veto in force and the highest star it leaves; `veto_id` is empty for the automatic ones."""

    veto: str
    cap: int
    veto_id: str = ""


class VetoShelf:
    """The vetoes of one compound by id."""

    __slots__ = ("vetoes",)

    def __init__(self) -> None:
        self.vetoes: Groups[Event] = Groups(Event)

    def caps(self, rules: Rules, day: Day) -> list[Cap]:
        """The confirmed vetoes in force on `day`."""
        found = []
        for veto_id, events in self.vetoes.events.items():
            confirmed = in_force(events, day)
            if confirmed is not None and day - confirmed.occurred_on < rules.days:
                found.append(Cap(confirmed.veto, rules.caps[confirmed.veto], veto_id))
        return sorted(found)

    def next_after(self, rules: Rules, day: Day) -> Day:
        """The first day after `day` on which a veto begins or ends."""
        if not self.vetoes.events:
            return NEVER
        days = {event.day for events in self.vetoes.events.values() for event in events}
        days |= {
            event.occurred_on + rules.days
            for events in self.vetoes.events.values()
            for event in events
            if event.move == CONFIRMED
        }
        return min((one for one in days if one > day), default=NEVER)

    def pack(self) -> Plain:
        return self.vetoes.pack(0, lambda _: NEVER)

    @classmethod
    def unpack(cls, plain: Plain) -> "VetoShelf":
        shelf = cls()
        shelf.vetoes = Groups.unpack(plain, Event)
        return shelf


def event_of(fact: Fact, data: VetoStated | VetoLifted) -> Event:
    """The fact as an event of its veto."""
    if isinstance(data, VetoLifted):
        return Event(*fact.order, LIFTED)
    return Event(*fact.order, CONFIRMED, data.veto, data.occurred_on)


def in_force(events: list[Event], day: Day) -> Event | None:
    """The confirmation that stands on `day`, whatever its age; `events` in order."""
    latest = next((event for event in reversed(events) if event.day <= day), None)
    return latest if latest is not None and latest.move == CONFIRMED else None
