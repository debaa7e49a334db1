"""Contract events as the values of the domain: a fact, a registration of a compound, one of a company.

    fact_from(envelope, data, zone, raw=b"") -> Fact
    compound_revision_from(envelope, data, raw=b"") -> CompoundRevision
    company_revision_from(envelope, data, raw=b"") -> CompanyRevision
    fingerprint(raw) -> bytes

`data` is the decoded struct of `shared.events`. The fingerprint is computed when the raw event is given;
without it it stays empty, which `revisions.choose` understands.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from hashlib import sha256
from sys import intern
from typing import Any, Final

import msgspec
import rfc8785
from shared.events import facts as events
from shared.events import registry as registered
from shared.events.catalogue import CATALOGUE
from shared.events.envelope import INTAKE_STAMPS, Envelope

from scoring.domain import facts as domain
from scoring.domain import registry

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
COMPANY_ROLES: Final = frozenset({"company", "guard", "building_head"})
"""Roles whose reports are those of the company (rubric.md section 4)."""
NOT_CONTENT: Final = INTAKE_STAMPS | {"traceparent"}

_SORTED: Final = msgspec.json.Encoder(order="sorted")


def fact_from(envelope: Envelope, data: msgspec.Struct, zone: tzinfo, raw: bytes = b"") -> domain.Fact:
    """The fact that an event of the facts topic states; its day is the local date of its time in `zone`."""
    time, received, struct = envelope.time, envelope.receivedtime, type(data)
    # What no rule reads has no values of the domain.
    make = _DATA.get(struct)
    return domain.Fact(
        envelope.subject,
        envelope.rootid or envelope.id,
        envelope.revision,
        envelope.id,
        envelope.source,
        CATALOGUE[envelope.type].kind,
        time.astimezone(zone).toordinal(),
        (time - EPOCH) // MICROSECOND,
        0 if received is None else (received - EPOCH) // MICROSECOND,
        fingerprint(raw) if raw else b"",
        envelope.actorrole in COMPANY_ROLES,
        struct is events.FactWithdrawn,
        None if make is None else make(data),
    )


def compound_revision_from(
    envelope: Envelope, data: registered.CompoundRegistered, raw: bytes = b""
) -> registry.CompoundRevision:
    """One registration of a compound; what many have in common is there once."""
    return registry.CompoundRevision(
        compound=envelope.subject,
        root=envelope.root,
        revision=envelope.revision,
        event_id=envelope.id,
        source=intern(envelope.source),
        received_us=instant_us(envelope.receivedtime) if envelope.receivedtime is not None else 0,
        effective_from=data.effective_from.toordinal(),
        households=data.households,
        occupied_households=data.occupied_households,
        buildings=data.buildings,
        enclosed=data.enclosed,
        company_id=intern(data.company_id),
        name=data.name,
        enrolled_on=_ordinal(data.enrolled_on),
        withdrawn_on=_ordinal(data.withdrawn_on),
        fingerprint=fingerprint(raw) if raw else b"",
        community_id=intern(data.community_id),
        station_id=intern(data.station_id),
        street_id=data.street_id,
        developer_id=data.developer_id,
        committee_id=data.committee_id,
    )


def company_revision_from(
    envelope: Envelope, data: registered.CompanyRegistered, raw: bytes = b""
) -> registry.CompanyRevision:
    """One registration of a property company."""
    return registry.CompanyRevision(
        company_id=envelope.subject,
        root=envelope.root,
        revision=envelope.revision,
        event_id=envelope.id,
        source=envelope.source,
        received_us=instant_us(envelope.receivedtime) if envelope.receivedtime is not None else 0,
        effective_from=data.effective_from.toordinal(),
        construction_permit=_permit(data.construction_permit),
        market_registration=_permit(data.market_registration),
        name=data.name,
        fingerprint=fingerprint(raw) if raw else b"",
    )


def fingerprint(raw: bytes) -> bytes:
    """SHA-256 of the RFC 8785 form of an event without intake's stamps and `traceparent`.

    Sorted keys and minimal escapes are that form where there are no fractions and no key beyond ASCII; only
    the rest needs the slow way.
    """
    event: dict[str, Any] = msgspec.json.decode(raw)
    content = {name: value for name, value in event.items() if name not in NOT_CONTENT}
    if _plain(content):
        return sha256(_SORTED.encode(content)).digest()
    return sha256(rfc8785.dumps(content)).digest()


def instant_us(instant: datetime) -> int:
    """Microseconds since the epoch."""
    return (instant - EPOCH) // MICROSECOND


def _plain(value: object) -> bool:
    if isinstance(value, dict):
        return all(name.isascii() and _plain(one) for name, one in value.items())
    if isinstance(value, list):
        return all(_plain(one) for one in value)
    return not isinstance(value, float)


def _ordinal(day: date | None) -> domain.Day | None:
    return None if day is None else day.toordinal()


def _permit(permit: registered.Permit) -> registry.Permit:
    return registry.Permit(permit.valid_from.toordinal(), permit.valid_to.toordinal())


def _inspection(data: events.InspectionRecorded) -> domain.InspectionRecorded:
    # A list first: it is faster than a generator, and there are many inspections.
    checks = [domain.Check(one.item, one.checkpoint, one.result, one.finding) for one in data.checks]
    return domain.InspectionRecorded(data.kind, tuple(checks))


def _incident(data: events.IncidentRecorded) -> domain.IncidentRecorded:
    return domain.IncidentRecorded(data.code, data.status, data.attempted_stopped, data.proactive, data.place)


def _hazard(data: events.HazardOpened) -> domain.HazardOpened:
    return domain.HazardOpened(
        data.hazard_id,
        data.item,
        data.checkpoint,
        data.class_,
        data.points_milli,
        _ordinal(data.due),
        data.finding,
        data.reopens,
    )


def _moved(
    data: events.HazardRectified | events.HazardVerified | events.HazardRejected,
) -> domain.HazardMoved:
    return domain.HazardMoved(data.hazard_id)


def _guards(data: events.GuardsUpdated) -> domain.GuardsUpdated:
    return domain.GuardsUpdated(
        data.guards, data.licensed, data.mean_star_milli, data.self_recruit_filed, _ordinal(data.trained_on)
    )


def _dispute(data: events.DisputeRecorded) -> domain.DisputeRecorded:
    return domain.DisputeRecorded(data.dispute_id, data.code, data.repeat, data.incident)


def _veto(data: events.VetoProposed | events.VetoConfirmed) -> domain.VetoStated:
    return domain.VetoStated(data.veto_id, data.veto, data.occurred_on.toordinal())


_DATA: Final[Mapping[type[msgspec.Struct], Callable[[Any], domain.FactData]]] = {
    events.InspectionRecorded: _inspection,
    events.IncidentRecorded: _incident,
    events.HazardOpened: _hazard,
    events.HazardRectified: _moved,
    events.HazardVerified: _moved,
    events.HazardRejected: _moved,
    events.HazardExtended: lambda data: domain.HazardExtended(data.hazard_id, data.due.toordinal()),
    events.FacilityStatus: lambda data: domain.FacilityStatus(data.item, data.online, data.total),
    events.FacilityUpgraded: lambda data: domain.FacilityUpgraded(data.item),
    events.PatrolLogged: lambda data: domain.PatrolLogged(data.gate, data.rounds_done, data.rounds_required),
    events.GuardsUpdated: _guards,
    events.VolunteersLogged: lambda data: domain.VolunteersLogged(data.active),
    events.DisputeRecorded: _dispute,
    events.DisputeMediated: lambda data: domain.DisputeMediated(data.dispute_id),
    events.DisputeEscalated: lambda data: domain.DisputeEscalated(data.dispute_id, data.level),
    events.CooperationRecorded: lambda data: domain.CooperationRecorded(data.kind),
    events.SurveyRecorded: lambda data: domain.SurveyRecorded(data.satisfied, data.asked),
    events.VetoProposed: _veto,
    events.VetoConfirmed: _veto,
    events.VetoLifted: lambda data: domain.VetoLifted(data.veto_id),
}
