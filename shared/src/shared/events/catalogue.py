"""Every event type there is: its family, its data and its topic, in one readable list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Any, Final

import msgspec

from shared.events import access, deliveries, facts, outcomes, registry
from shared.events.envelope import Envelope
from shared.events.errors import Malformed, malformed
from shared.events.topics import ACCESS, DELIVERIES, FACTS, OUTCOMES, REGISTRY, Topic


class Family(Enum):
    """What kind of statement an event is."""

    FACT = "fact"
    REGISTRY = "registry"
    ACCESS = "access"
    OUTCOME = "outcome"
    DELIVERY = "delivery"


TOPIC_OF: Final[Mapping[Family, Topic]] = MappingProxyType(
    {
        Family.FACT: FACTS,
        Family.REGISTRY: REGISTRY,
        Family.ACCESS: ACCESS,
        Family.OUTCOME: OUTCOMES,
        Family.DELIVERY: DELIVERIES,
    }
)


@dataclass(frozen=True, slots=True)
class EventType:
    """One version of one event type."""

    name: str
    family: Family
    data: type[msgspec.Struct]
    topic: Topic
    kind: str = field(init=False, repr=False, compare=False)
    """The name without prefix and version: `incident.recorded`, `outcome.star.changed`."""
    _decoder: msgspec.json.Decoder[Any] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", self.name.removeprefix("anxing.").rpartition(".v")[0])
        object.__setattr__(self, "_decoder", msgspec.json.Decoder(self.data))

    def decode(self, raw: msgspec.Raw | bytes) -> Any:
        """The data of an event as its struct; raises `Malformed` with a pointer under /data."""
        try:
            return self._decoder.decode(raw)
        except msgspec.DecodeError as error:
            raise malformed(error, "/data") from None

    def convert(self, value: Any) -> Any:
        """The same from JSON that was read already, in less than half the time; raises `Malformed`."""
        try:
            return msgspec.convert(value, self.data)
        except msgspec.ValidationError as error:
            raise malformed(error, "/data") from None


_LISTED: Final[tuple[tuple[Family, str, type[msgspec.Struct]], ...]] = (
    (Family.FACT, "inspection.recorded", facts.InspectionRecorded),
    (Family.FACT, "incident.recorded", facts.IncidentRecorded),
    (Family.FACT, "hazard.opened", facts.HazardOpened),
    (Family.FACT, "hazard.rectified", facts.HazardRectified),
    (Family.FACT, "hazard.verified", facts.HazardVerified),
    (Family.FACT, "hazard.rejected", facts.HazardRejected),
    (Family.FACT, "hazard.extended", facts.HazardExtended),
    (Family.FACT, "facility.status", facts.FacilityStatus),
    (Family.FACT, "facility.upgraded", facts.FacilityUpgraded),
    (Family.FACT, "patrol.logged", facts.PatrolLogged),
    (Family.FACT, "guards.updated", facts.GuardsUpdated),
    (Family.FACT, "volunteers.logged", facts.VolunteersLogged),
    (Family.FACT, "dispute.recorded", facts.DisputeRecorded),
    (Family.FACT, "dispute.mediated", facts.DisputeMediated),
    (Family.FACT, "dispute.escalated", facts.DisputeEscalated),
    (Family.FACT, "cooperation.recorded", facts.CooperationRecorded),
    (Family.FACT, "survey.recorded", facts.SurveyRecorded),
    (Family.FACT, "veto.proposed", facts.VetoProposed),
    (Family.FACT, "veto.confirmed", facts.VetoConfirmed),
    (Family.FACT, "veto.lifted", facts.VetoLifted),
    (Family.FACT, "objection.filed", facts.ObjectionFiled),
    (Family.FACT, "objection.decided", facts.ObjectionDecided),
    (Family.FACT, "selfassessment.submitted", facts.SelfassessmentSubmitted),
    (Family.FACT, "evidence.stored", facts.EvidenceStored),
    (Family.FACT, "fact.withdrawn", facts.FactWithdrawn),
    (Family.REGISTRY, "compound.registered", registry.CompoundRegistered),
    (Family.REGISTRY, "company.registered", registry.CompanyRegistered),
    (Family.REGISTRY, "organisation.registered", registry.OrganisationRegistered),
    (Family.ACCESS, "credential.issued", access.CredentialIssued),
    (Family.ACCESS, "credential.revoked", access.CredentialRevoked),
    (Family.ACCESS, "person.granted", access.PersonGranted),
    (Family.ACCESS, "person.revoked", access.PersonRevoked),
    (Family.ACCESS, "clock.observed", access.ClockObserved),
    (Family.OUTCOME, "outcome.score.updated", outcomes.OutcomeScoreUpdated),
    (Family.OUTCOME, "outcome.star.changed", outcomes.OutcomeStarChanged),
    (Family.OUTCOME, "outcome.history.revised", outcomes.OutcomeHistoryRevised),
    (Family.OUTCOME, "outcome.hazard.opened", outcomes.OutcomeHazardOpened),
    (Family.OUTCOME, "outcome.hazard.due_soon", outcomes.OutcomeHazardDueSoon),
    (Family.OUTCOME, "outcome.hazard.overdue", outcomes.OutcomeHazardOverdue),
    (Family.OUTCOME, "outcome.hazard.closed", outcomes.OutcomeHazardClosed),
    (Family.OUTCOME, "outcome.dispute.due", outcomes.OutcomeDisputeDue),
    (Family.OUTCOME, "outcome.eligibility.changed", outcomes.OutcomeEligibilityChanged),
    (Family.OUTCOME, "outcome.threshold.near", outcomes.OutcomeThresholdNear),
    (Family.OUTCOME, "outcome.veto.proposed", outcomes.OutcomeVetoProposed),
    (Family.OUTCOME, "outcome.objection.filed", outcomes.OutcomeObjectionFiled),
    (Family.OUTCOME, "outcome.inspection.assessed", outcomes.OutcomeInspectionAssessed),
    (Family.OUTCOME, "outcome.warning.raised", outcomes.OutcomeWarningRaised),
    (Family.OUTCOME, "outcome.warning.cleared", outcomes.OutcomeWarningCleared),
    (Family.OUTCOME, "outcome.fact.unassigned", outcomes.OutcomeFactUnassigned),
    (Family.OUTCOME, "outcome.veto.applied", outcomes.OutcomeVetoApplied),
    (Family.OUTCOME, "outcome.veto.lifted", outcomes.OutcomeVetoLifted),
    (Family.OUTCOME, "outcome.assessment.drafted", outcomes.OutcomeAssessmentDrafted),
    (Family.OUTCOME, "outcome.assessment.published", outcomes.OutcomeAssessmentPublished),
    (Family.OUTCOME, "outcome.assessment.objected", outcomes.OutcomeAssessmentObjected),
    (Family.OUTCOME, "outcome.assessment.decided", outcomes.OutcomeAssessmentDecided),
    (Family.DELIVERY, "delivery.notice.delivered", deliveries.DeliveryNoticeDelivered),
    (Family.DELIVERY, "delivery.notice.abandoned", deliveries.DeliveryNoticeAbandoned),
    (Family.DELIVERY, "delivery.endpoint.suspended", deliveries.DeliveryEndpointSuspended),
    (Family.DELIVERY, "delivery.endpoint.resumed", deliveries.DeliveryEndpointResumed),
    (Family.DELIVERY, "delivery.record.sealed", deliveries.DeliveryRecordSealed),
)


def build(listed: Iterable[tuple[Family, str, type[msgspec.Struct]]]) -> Mapping[str, EventType]:
    """A catalogue of version 1 types; a name or struct given twice is a programmer's error."""
    types: dict[str, EventType] = {}
    structs: set[type[msgspec.Struct]] = set()
    for family, kind, data in listed:
        name = f"anxing.{kind}.v1"
        if name in types or data in structs:
            raise ValueError(f"{name} or its struct {data.__name__} is in the catalogue twice")
        types[name] = EventType(name, family, data, TOPIC_OF[family])
        structs.add(data)
    return MappingProxyType(types)


CATALOGUE: Final = build(_LISTED)
TYPE_OF: Final[Mapping[type[msgspec.Struct], EventType]] = MappingProxyType(
    {event_type.data: event_type for event_type in CATALOGUE.values()}
)


def lookup(name: str) -> EventType:
    """The type of that full name; raises `Malformed` with code `unknown_type`."""
    try:
        return CATALOGUE[name]
    except KeyError:
        raise Malformed("unknown_type", "/type", "no such event type") from None


def kafka_key(event_type: EventType, envelope: Envelope) -> str:
    """The key of an event's record on its topic (contracts.md, Topics)."""
    match event_type.family:
        case Family.REGISTRY:
            return f"{event_type.kind.partition('.')[0]}:{envelope.subject}"
        case Family.ACCESS:
            return _access_key(event_type, envelope)
        case _:
            return envelope.subject


def _access_key(event_type: EventType, envelope: Envelope) -> str:
    if event_type.data is access.ClockObserved:
        return "clock"
    if event_type.data in {access.PersonGranted, access.PersonRevoked}:
        person = event_type.decode(envelope.data)
        return f"person:{person.issuer}|{person.subject}"
    return f"credential:{envelope.subject}"
