"""What does not go smoothly: corrections, withdrawals, objections, vetoes, repeats, late registration."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Final

import msgspec

from shared.demo.calls import CALL_CENTRE, Call, incident
from shared.demo.district import STATION, Compound, District, midnight
from shared.demo.event import Event, Pen
from shared.demo.visits import device_of, visit
from shared.events import facts
from shared.events.envelope import decode_envelope

STATION_SOURCE: Final = f"urn:anxing:demo:station:{STATION}"
_DECODER: Final = msgspec.json.Decoder(facts.IncidentRecorded)


def corrected(district: District, calls: Sequence[Call]) -> Iterator[Event]:
    """All calls; some are first recorded as a plain request for help and corrected days later.

    What counts in the end is what the plan holds.
    """
    rng, pen = district.rng("corrections"), district.pen("corrections")
    settled = [n for n, call in enumerate(calls) if call.at < district.end - timedelta(days=6)]
    wrong_at_first = set(rng.sample(settled, min(district.plan.corrections, len(settled))))
    for n, call in enumerate(calls):
        if n not in wrong_at_first:
            yield call.event
            continue
        final = _DECODER.decode(decode_envelope(call.event.raw).data)
        first = msgspec.structs.replace(final, code="050000", status="received", case_no=None)
        yield _rewritten(call.event, first)
        yield pen.write(
            call.compound.id, call.at, final, source=CALL_CENTRE, rootid=call.event.id, revision=2
        )


def _rewritten(event: Event, data: facts.IncidentRecorded) -> Event:
    """The same event, id and all, saying something else: it was never sent in its planned form."""
    raw = msgspec.json.decode(event.raw) | {"data": data}
    return Event(event.source, event.id, event.type, event.subject, event.time, msgspec.json.encode(raw))


def tell_withdrawals(district: District, calls: Sequence[Call]) -> Iterator[Event]:
    """Calls recorded twice and withdrawn, and objections, of which every second one is upheld."""
    rng, pen = district.rng("withdrawals"), district.pen("withdrawals")
    plan = district.plan
    old_enough = [call for call in calls if call.at < district.end - timedelta(days=30)]
    for call in rng.sample(old_enough, min(plan.withdrawals, len(old_enough))):
        twice = _twin(rng, pen, call)
        yield twice
        yield _withdrawal(pen, twice, call.at + timedelta(hours=rng.randint(2, 90)), "重复录入")
    contested = [call for call in old_enough if call.code in {"010304", "010306", "020200", "020300"}]
    for number, call in enumerate(rng.sample(contested, min(plan.objections, len(contested))), start=1):
        objection_id = f"O{number:04}"
        upheld = number % 2 == 0
        # An upheld objection is against a twin, so that the plan's counts stand.
        against = _twin(rng, pen, call) if upheld else call.event
        if upheld:
            yield against
        company = f"urn:anxing:demo:company:{call.compound.company_id}"
        filed = facts.ObjectionFiled(
            objection_id=objection_id, against=(against.id,), grounds="案发地点不在小区围墙以内"
        )
        yield pen.write(call.compound.id, call.at + timedelta(days=4), filed, source=company)
        decided = facts.ObjectionDecided(
            objection_id=objection_id, decision="upheld" if upheld else "rejected"
        )
        decided_at = call.at + timedelta(days=11)
        yield pen.write(call.compound.id, decided_at, decided, source=STATION_SOURCE)
        if upheld:
            yield _withdrawal(
                pen, against, decided_at + timedelta(hours=1), "异议成立", objectionid=objection_id
            )


def _twin(rng: Random, pen: Pen, call: Call) -> Event:
    at = call.at + timedelta(minutes=rng.randint(3, 50))
    return pen.write(call.compound.id, at, incident(rng, call.code), source=CALL_CENTRE)


def _withdrawal(
    pen: Pen, event: Event, at: datetime, reason: str, *, objectionid: str | None = None
) -> Event:
    return pen.write(
        event.subject,
        at,
        facts.FactWithdrawn(reason=reason),
        source=STATION_SOURCE,
        rootid=event.id,
        revision=2,
        objectionid=objectionid,
    )


def tell_vetoes(district: District) -> Iterator[Event]:
    """One veto in force, one lifted again, one only proposed."""
    pen = district.pen("vetoes")
    worst_first = sorted((c for c in district.compounds if not c.late), key=lambda c: c.quality)
    middle = worst_first[len(worst_first) // 2 :]
    stories: tuple[
        tuple[Compound, int, tuple[type[facts.VetoProposed | facts.VetoConfirmed | facts.VetoLifted], ...]],
        ...,
    ] = (
        (middle[0], 150, (facts.VetoProposed, facts.VetoConfirmed)),
        (middle[1], 320, (facts.VetoProposed, facts.VetoConfirmed, facts.VetoLifted)),
        (worst_first[1], 30, (facts.VetoProposed,)),
    )
    for number, (compound, days_ago, steps) in enumerate(stories, start=1):
        occurred_on = district.today - timedelta(days=days_ago)
        for step, make in enumerate(steps):
            said = make(
                veto_id=f"V{number:03}", veto="V3", occurred_on=occurred_on, reason="巡查记录与现场情况不符"
            )
            at = midnight(occurred_on) + timedelta(days=2 + 9 * step, hours=10)
            yield pen.write(compound.id, at, said, source=STATION_SOURCE)


def tell_early(district: District) -> Iterator[Event]:
    """Facts of compounds that are registered only afterwards; no calls, those are counted."""
    rng, pen = district.rng("early"), district.pen("early")
    for compound in district.compounds:
        if not compound.late:
            continue
        days_known = (district.today - compound.enrolled_on).days - 2
        for number in range(district.plan.late_facts):
            day = compound.enrolled_on + timedelta(days=1 + days_known * number // district.plan.late_facts)
            at = midnight(day) + timedelta(minutes=rng.randint(9 * 60, 16 * 60))
            data: msgspec.Struct = facts.VolunteersLogged(active=rng.randint(2, 6))
            if number % 3:
                data = visit(rng, compound, quarterly=number % 3 == 1)
            yield pen.write(compound.id, at, data, source=device_of(compound))


def repeated(rng: Random, events: Sequence[Event], number: int) -> Iterator[Event]:
    """All events; `number` of them come once more some time later, as after a lost answer."""
    again: dict[int, list[Event]] = {}
    for n in rng.sample(range(len(events)), min(number, len(events))):
        again.setdefault(min(len(events) - 1, n + rng.randint(1, 900)), []).append(events[n])
    for n, event in enumerate(events):
        yield event
        yield from again.get(n, ())
