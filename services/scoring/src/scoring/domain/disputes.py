"""E1 纠纷警情 and E2 调处化解: what a dispute costs from its recording, its mediation and its escalation.

Source: rubric.md section 4, E1 and E2. All facts of one `dispute_id` are judged together.
"""

from collections.abc import Iterator
from typing import NamedTuple

from scoring.domain.decay import UNIT, Charge
from scoring.domain.facts import (
    Day,
    DisputeEscalated,
    DisputeMediated,
    DisputeRecorded,
    Fact,
)
from scoring.domain.groups import Groups
from scoring.domain.rubric_sections import Disputes
from scoring.domain.shelf import Plain
from scoring.domain.size import Terms

RECORDED, MEDIATED, ESCALATED = 0, 1, 2


class Event(NamedTuple):
    """One fact of a dispute: `code` only of the recording, `level` only of an escalation."""

    day: Day
    instant_us: int
    event_id: str
    move: int = 0
    code: str = ""
    repeat: int = 0
    called: int = 0
    by_company: int = 0
    level: str = ""


class DisputeCharges(NamedTuple):
    """What a dispute costs: `recorded` in the item of disputes, the others in the one of their handling."""

    recorded: tuple[Charge, ...] = ()
    repeat: tuple[Charge, ...] = ()
    unresolved: tuple[Charge, ...] = ()
    escalated: tuple[Charge, ...] = ()

    def by_reason(self, rules: Disputes) -> Iterator[tuple[str, str, tuple[Charge, ...]]]:
        """(reason, item, charges), one after the other."""
        yield "recorded", rules.item, self.recorded
        yield "repeat", rules.handling_item, self.repeat
        yield "unresolved", rules.handling_item, self.unresolved
        yield "escalated", rules.handling_item, self.escalated


class DisputeShelf:
    """The disputes of one compound by id."""

    __slots__ = ("disputes",)

    def __init__(self) -> None:
        self.disputes: Groups[Event] = Groups(Event)

    def charges(self, dispute_id: str, terms: Terms) -> DisputeCharges:
        """What the dispute costs, by all that is known of it."""
        events = self.disputes.of(dispute_id)
        return charges_of(events, terms) if events else DisputeCharges()

    def pack(self, day: Day, terms: Terms) -> Plain:
        rules = terms.rubric.disputes
        items = terms.rubric.items
        reach = rules.mediation_days + max(
            items[code].bands[-1][0] for code in (rules.item, rules.handling_item)
        )
        return self.disputes.pack(day, lambda events: events[-1].day + reach)

    @classmethod
    def unpack(cls, plain: Plain) -> "DisputeShelf":
        shelf = cls()
        shelf.disputes = Groups.unpack(plain, Event)
        return shelf


def event_of(fact: Fact, data: DisputeRecorded | DisputeMediated | DisputeEscalated) -> Event:
    """The fact as an event of its dispute."""
    if isinstance(data, DisputeRecorded):
        return Event(
            *fact.order,
            RECORDED,
            data.code,
            int(data.repeat),
            int(data.incident is not None),
            int(fact.by_company),
        )
    if isinstance(data, DisputeEscalated):
        return Event(*fact.order, ESCALATED, level=data.level)
    return Event(*fact.order, MEDIATED)


def charges_of(events: list[Event], terms: Terms) -> DisputeCharges:
    """What a dispute costs; `events` in order. Each charge begins on the day that brings it about."""
    rules = terms.rubric.disputes
    recorded = next((event for event in events if event.move == RECORDED), None)
    escalated = _escalations(events, terms)
    if recorded is None:
        return DisputeCharges(escalated=escalated)
    item, base = terms.rubric.codes.get(recorded.code, ("", 0))
    if item != rules.item:
        # Escalated before it was recorded: charged until its code is known.
        before = tuple([one._replace(until=min(one.until, recorded.day)) for one in escalated])
        return DisputeCharges(escalated=before)
    size = terms.on(recorded.day).size_permille
    deadline = recorded.day + rules.mediation_days
    mediations = [event.day for event in events if event.move == MEDIATED and event.day < deadline]
    charge = Charge(recorded.day, base, size if terms.rubric.items[item].sized else UNIT)
    if recorded.by_company and mediations:
        charge = charge._replace(until=max(mediations[0], recorded.day))
    late = Charge(deadline, rules.unresolved_milli, terms.on(deadline).size_permille)
    return DisputeCharges(
        recorded=() if recorded.called else (charge,),
        repeat=(Charge(recorded.day, rules.repeat_milli, size),) if recorded.repeat else (),
        unresolved=() if mediations else (late,),
        escalated=escalated,
    )


def _escalations(events: list[Event], terms: Terms) -> tuple[Charge, ...]:
    """The highest level so far, of equals the first, until a higher one comes."""
    levels = list(terms.rubric.disputes.levels_milli)
    charges: list[Charge] = []
    highest = -1
    for event in events:
        if event.move != ESCALATED or levels.index(event.level) <= highest:
            continue
        if charges:
            charges[-1] = charges[-1]._replace(until=event.day)
        highest = levels.index(event.level)
        charges.append(Charge(event.day, terms.rubric.disputes.levels_milli[event.level]))
    return tuple(charges)
