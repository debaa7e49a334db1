"""Between contract events and the values of this service."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID, uuid5

import msgspec
from shared.events.catalogue import Family, lookup
from shared.events.deliveries import (
    DeliveryEndpointResumed,
    DeliveryEndpointSuspended,
    DeliveryNoticeAbandoned,
    DeliveryNoticeDelivered,
)
from shared.events.encode import encode_event
from shared.events.envelope import Envelope, decode_envelope
from shared.events.errors import Malformed
from shared.events.registry import CompanyRegistered, CompoundRegistered, OrganisationRegistered
from shared.runtime.errors import Rejected
from shared.runtime.outbox import UnorderedRow
from shared.runtime.records import Record

from notify.domain.audience import Relations
from notify.domain.organisations import recipient_of
from notify.domain.policy import Signals
from notify.ports import Finished, Lane, Outcome

SOURCE: Final = "urn:anxing:notify"
_PREFIX: Final = "outcome."
_ENDPOINT_EVENTS: Final = UUID("6c0f6a0e-5e8d-5b1e-9d3b-0d7f3a1c8e42")


@dataclass(frozen=True, slots=True)
class EntityRevision:
    """What a registry event says about an entity from a day on, as far as notices need it."""

    kind: str
    id: str
    root: str
    revision: int
    effective_from: date
    received_at: datetime
    event_id: str
    name: str
    parent_id: str | None


def sequence_of(record: Record) -> tuple[int, int] | None:
    """(incarnation, sequence) of a record in its partition, or None when its writer gave none."""
    incarnation, sequence = record.header("incarnation"), record.header("partition-sequence")
    if incarnation is None or sequence is None:
        return None
    try:
        return int(incarnation), int(sequence)
    except ValueError:
        raise Rejected("sequence", "the headers of its sequence are no numbers") from None


def outcome_of(record: Record) -> Outcome:
    """The outcome in a record of the outcomes topic; raises Rejected."""
    envelope, kind, data = _read(record, Family.OUTCOME)
    try:
        outcome_id = UUID(envelope.id)
    except ValueError:
        raise Rejected("id", "the id of an outcome is a UUID") from None
    kind = kind.removeprefix(_PREFIX)
    relations = data.relations
    return Outcome(
        id=outcome_id,
        type=envelope.type,
        subject=envelope.subject,
        occurred_at=envelope.time,
        relations=Relations(
            company=relations.company,
            community=relations.community,
            station=relations.station,
            committee=relations.committee,
            developer=relations.developer,
            street=relations.street,
        ),
        signals=Signals(
            kind=kind,
            historical=data.historical,
            hazard_class=getattr(data, "class_", None),
            item=getattr(data, "item", None),
            repeat=getattr(data, "repeat", False),
            level=getattr(data, "level", None),
            failed_clauses=frozenset(getattr(data, "failed", ())),
        ),
        data=data,
        partition=record.partition,
        offset=record.offset,
    )


def revision_of(record: Record) -> EntityRevision | None:
    """The revision in a registry record, or None when notices do not need it; raises Rejected."""
    envelope, _, data = _read(record, Family.REGISTRY)
    kind, parent = "", None
    if isinstance(data, CompoundRegistered):
        kind, parent = "compound", data.station_id
    elif isinstance(data, CompanyRegistered):
        kind = "company"
    elif isinstance(data, OrganisationRegistered):
        kind, parent = data.kind, data.parent_id
    else:
        return None
    return EntityRevision(
        kind=kind,
        id=envelope.subject,
        root=envelope.root,
        revision=envelope.revision,
        effective_from=data.effective_from,
        received_at=envelope.receivedtime or envelope.time,
        event_id=envelope.id,
        name=data.name,
        parent_id=parent,
    )


def visible_to_public(data: Any) -> Any:
    """The data of an outcome without codes of single incidents, which only police recipients may see."""
    reasons = getattr(data, "reasons", None)
    if not reasons:
        return data
    blind = tuple(msgspec.structs.replace(reason, code=None) for reason in reasons)
    return msgspec.structs.replace(data, reasons=blind)


def finished_event(row: Finished, lane: Lane, topic: str) -> UnorderedRow:
    """What is announced about a delivery that is over; its id comes out the same at a second try."""
    taken, ended = row.ended.taken, row.ended
    endpoint = str(lane.endpoint)
    data: msgspec.Struct
    common: dict[str, Any] = {
        "notice_id": str(taken.notice),
        "delivery_id": str(taken.delivery),
        "recipient": lane.recipient,
        "endpoint": endpoint,
        "channel": lane.channel,
        "attempts": taken.attempt,
        "outcome_id": str(taken.outcome),
        "outcome_type": taken.outcome_type,
        "compound": taken.subject,
    }
    if row.state == "delivered":
        kind = "notice.delivered"
        data = DeliveryNoticeDelivered(**common, delivered_at=ended.ended_at)
    else:
        kind = "notice.abandoned"
        data = DeliveryNoticeAbandoned(**common, abandoned_at=ended.ended_at, cause=row.cause or "unknown")
    return _announcement(topic, kind, endpoint, uuid5(taken.delivery, kind), ended.ended_at, data)


def suspended_event(lane: Lane, cause: str, at: datetime, topic: str) -> UnorderedRow:
    """An endpoint is served no longer."""
    endpoint = str(lane.endpoint)
    data = DeliveryEndpointSuspended(
        endpoint=endpoint,
        recipient=lane.recipient,
        channel=lane.channel,  # type: ignore[arg-type]  # a channel of the table's check
        suspended_at=at,
        cause=cause,
    )
    return _announcement(topic, "endpoint.suspended", endpoint, _endpoint_event(endpoint, at), at, data)


def resumed_event(endpoint: UUID, recipient: str, channel: Any, at: datetime, topic: str) -> UnorderedRow:
    """An endpoint is served again."""
    recipient_of(recipient)
    data = DeliveryEndpointResumed(
        endpoint=str(endpoint), recipient=recipient, channel=channel, resumed_at=at
    )
    event_id = _endpoint_event(str(endpoint), at)
    return _announcement(topic, "endpoint.resumed", str(endpoint), event_id, at, data)


def _announcement(
    topic: str, kind: str, endpoint: str, event_id: UUID, at: datetime, data: msgspec.Struct
) -> UnorderedRow:
    value = encode_event(
        id=str(event_id),
        source=SOURCE,
        type=f"anxing.delivery.{kind}.v1",
        subject=endpoint,
        time=at,
        data=data,
    )
    return UnorderedRow(topic, endpoint, value)


def _endpoint_event(endpoint: str, at: datetime) -> UUID:
    return uuid5(_ENDPOINT_EVENTS, f"{endpoint}|{at.isoformat()}")


def _read(record: Record, family: Family) -> tuple[Envelope, str, Any]:
    if record.value is None:
        raise Rejected("empty", "the record has no value")
    try:
        envelope = decode_envelope(record.value)
        event_type = lookup(envelope.type)
        if event_type.family is not family:
            raise Rejected("wrong_topic", f"an event of type {event_type.name} does not belong on this topic")
        return envelope, event_type.kind, event_type.decode(envelope.data)
    except Malformed as error:
        raise Rejected(error.code, str(error)) from None
