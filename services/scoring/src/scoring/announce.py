"""Outcomes of the domain as contract events, ready for the outbox."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid5

import msgspec
from shared.events import facts as fact_events
from shared.events import outcomes as events
from shared.events.catalogue import TYPE_OF, lookup
from shared.events.encode import encode_event
from shared.events.envelope import CONTENT_TYPE, decode_envelope
from shared.runtime.outbox import OutboxRow

from scoring.domain.facts import Day
from scoring.domain.registry import CompoundRevision
from scoring.handlers import outcomes
from scoring.handlers.days import as_date
from scoring.handlers.outcomes import Announcement

SOURCE: Final = "urn:anxing:scoring"
NAMESPACE: Final = UUID("5e1a0f52-6a6e-5d9c-9a52-0c6b8f0d2c11")
"""Of all outcome ids; changing it would make every repeat a new outcome."""


def outcome_id(kind: str, compound: str, trigger: str, ordinal: int) -> str:
    """The id of an outcome: the same whenever the same thing is announced again."""
    return str(uuid5(NAMESPACE, f"{kind}|{compound}|{trigger}|{ordinal}"))


def outbox_row(one: Announcement, *, topic: str, rubric: str, now: datetime) -> OutboxRow:
    """The outbox row of one outcome; `topic` is the full name, `now` becomes the event's time."""
    data = _MAKE[type(one.details)](one.details, relations_of(one.relations), one.historical, rubric)
    value = encode_event(
        id=outcome_id(one.details.kind, one.compound, one.trigger, one.ordinal),
        source=SOURCE,
        type=TYPE_OF[type(data)].name,
        subject=one.compound,
        time=now,
        data=data,
    )
    return OutboxRow(one.partition, topic, one.compound, value, one.cause_id, {"content-type": CONTENT_TYPE})


def relations_of(revision: CompoundRevision | None) -> events.Relations:
    """The organisations that a compound has by a registration; none for an unknown one."""
    if revision is None:
        return events.Relations()
    return events.Relations(
        company=revision.company_id or None,
        community=revision.community_id or None,
        station=revision.station_id or None,
        committee=revision.committee_id,
        developer=revision.developer_id,
        street=revision.street_id,
    )


def objection_of(body: bytes) -> outcomes.ObjectionFiled | None:
    """What an objection says without its grounds; None when the event is something else."""
    envelope = decode_envelope(body)
    data = lookup(envelope.type).decode(envelope.data)
    if not isinstance(data, fact_events.ObjectionFiled):
        return None
    return outcomes.ObjectionFiled(data.objection_id, data.against)


def _score(
    one: outcomes.ScoreUpdated,
    relations: events.Relations,
    historical: bool,
    rubric: str,
) -> events.OutcomeScoreUpdated:
    before, after = one.before, one.after
    return events.OutcomeScoreUpdated(
        relations=relations,
        historical=historical,
        day=as_date(one.day),
        score_milli=after.score_milli,
        previous=None if before is None else before.score_milli,
        star=after.star,
        previous_star=None if before is None else before.star,
        rated=after.rated,
        categories=dict(after.categories),  # type: ignore[arg-type]  # the rubric's categories are the contract's
        bonus_milli=after.bonus_milli,
        version=one.version,
        rubric=rubric,
        next_change_day=_date(one.next_change_day),
        cause=one.cause,  # type: ignore[arg-type]  # one of the constants of `outcomes`
        cause_event=one.cause_event,
        reasons=tuple(_reason(reason) for reason in one.reasons),
    )


def _star(
    one: outcomes.StarChanged,
    relations: events.Relations,
    historical: bool,
    _rubric: str,
) -> events.OutcomeStarChanged:
    return events.OutcomeStarChanged(
        relations=relations,
        historical=historical,
        from_=one.before,
        to=one.after,
        effective_day=as_date(one.effective_day),
        cause=one.cause,  # type: ignore[arg-type]  # one of the constants of `outcomes`
        score_milli=one.score_milli,
        reasons=tuple(_reason(reason) for reason in one.reasons),
    )


def _history(
    one: outcomes.HistoryRevised,
    relations: events.Relations,
    historical: bool,
    _rubric: str,
) -> events.OutcomeHistoryRevised:
    return events.OutcomeHistoryRevised(
        relations=relations,
        historical=historical,
        first_day=as_date(one.first_day),
        last_day=as_date(one.last_day),
        cause=one.cause,
    )


def _opened(
    one: outcomes.HazardOpened,
    relations: events.Relations,
    historical: bool,
    _rubric: str,
) -> events.OutcomeHazardOpened:
    return events.OutcomeHazardOpened(
        relations=relations,
        historical=historical,
        hazard_id=one.hazard_id,
        item=one.item,
        class_=one.hazard_class,  # type: ignore[arg-type]  # came from the contract
        due=as_date(one.due),
        day=as_date(one.day),
        repeat=one.repeat,
    )


def _closed(
    one: outcomes.HazardClosed,
    relations: events.Relations,
    historical: bool,
    _rubric: str,
) -> events.OutcomeHazardClosed:
    return events.OutcomeHazardClosed(
        relations=relations,
        historical=historical,
        hazard_id=one.hazard_id,
        item=one.item,
        class_=one.hazard_class,  # type: ignore[arg-type]  # came from the contract
        due=as_date(one.due),
        day=as_date(one.day),
        on_time=one.on_time,
    )


def _assessed(
    one: outcomes.InspectionAssessed,
    relations: events.Relations,
    historical: bool,
    _rubric: str,
) -> events.OutcomeInspectionAssessed:
    return events.OutcomeInspectionAssessed(
        relations=relations,
        historical=historical,
        inspection=one.inspection,
        day=as_date(one.day),
        lost=one.lost,
        regained=one.regained,
    )


def _dispute(
    one: outcomes.DisputeDue,
    relations: events.Relations,
    historical: bool,
    _rubric: str,
) -> events.OutcomeDisputeDue:
    return events.OutcomeDisputeDue(
        relations=relations,
        historical=historical,
        dispute_id=one.dispute_id,
        code=one.code,
        until=as_date(one.until),
    )


def _veto(
    one: outcomes.VetoProposed,
    relations: events.Relations,
    historical: bool,
    _rubric: str,
) -> events.OutcomeVetoProposed:
    return events.OutcomeVetoProposed(
        relations=relations,
        historical=historical,
        veto_id=one.veto_id,
        veto=one.veto,  # type: ignore[arg-type]  # came from the contract
        occurred_on=as_date(one.occurred_on),
    )


def _objection(
    one: outcomes.ObjectionFiled,
    relations: events.Relations,
    historical: bool,
    _rubric: str,
) -> events.OutcomeObjectionFiled:
    return events.OutcomeObjectionFiled(
        relations=relations, historical=historical, objection_id=one.objection_id, against=one.against
    )


def _unassigned(
    one: outcomes.FactUnassigned,
    relations: events.Relations,
    historical: bool,
    _rubric: str,
) -> events.OutcomeFactUnassigned:
    return events.OutcomeFactUnassigned(
        relations=relations,
        historical=historical,
        event_id=one.event_id,
        event_type=one.event_type,
        since=datetime.fromtimestamp(one.since_us / 1_000_000, UTC),
    )


def _reason(one: outcomes.Reason) -> events.Reason:
    return events.Reason(
        item=one.item,
        change_milli=one.change_milli,
        kind=one.kind,
        code=one.code,
        root=one.root,
        day=_date(one.day),
    )


def _date(day: Day | None) -> Any:
    return None if day is None else as_date(day)


Make = Callable[[Any, events.Relations, bool, str], msgspec.Struct]

_MAKE: Final[Mapping[type, Make]] = {
    outcomes.ScoreUpdated: _score,
    outcomes.StarChanged: _star,
    outcomes.HistoryRevised: _history,
    outcomes.HazardOpened: _opened,
    outcomes.HazardClosed: _closed,
    outcomes.InspectionAssessed: _assessed,
    outcomes.DisputeDue: _dispute,
    outcomes.VetoProposed: _veto,
    outcomes.ObjectionFiled: _objection,
    outcomes.FactUnassigned: _unassigned,
}
