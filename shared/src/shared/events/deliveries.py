"""What notify reports about its work: topic `anxing.deliveries.v1`."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from shared.events.envelope import Instant
from shared.events.fields import Announced, EntityId, EventId, Name, Sha256

Channel = Literal["webhook", "mail", "dingtalk", "wecom", "feishu", "sms", "inbox", "file"]
Attempts = Annotated[int, Meta(ge=0)]


class DeliveryNoticeDelivered(Announced, frozen=True, kw_only=True):
    """A notice reached an endpoint; the subject is the endpoint."""

    notice_id: EventId
    delivery_id: EventId
    recipient: Name
    endpoint: Name
    channel: Channel
    attempts: Attempts
    delivered_at: Instant
    outcome_id: EventId | None = None
    outcome_type: Name | None = None
    compound: EntityId | None = None


class DeliveryNoticeAbandoned(Announced, frozen=True, kw_only=True):
    """A notice will not be tried again on this endpoint; `cause` is a code."""

    notice_id: EventId
    delivery_id: EventId
    recipient: Name
    endpoint: Name
    channel: Channel
    attempts: Attempts
    abandoned_at: Instant
    cause: Name
    outcome_id: EventId | None = None
    outcome_type: Name | None = None
    compound: EntityId | None = None


class DeliveryEndpointSuspended(Announced, frozen=True, kw_only=True):
    """Nothing is sent to this endpoint until it is resumed; what arrives is parked 30 days."""

    endpoint: Name
    recipient: Name
    channel: Channel
    suspended_at: Instant
    cause: Name


class DeliveryEndpointResumed(Announced, frozen=True, kw_only=True):
    """The endpoint is served again."""

    endpoint: Name
    recipient: Name
    channel: Channel
    resumed_at: Instant


class DeliveryRecordSealed(Announced, frozen=True, kw_only=True):
    """One link of the chain of seals over the decision record; the subject is its number."""

    number: Annotated[int, Meta(ge=1)]
    rows: Annotated[int, Meta(ge=0)]
    digest: Sha256
    previous: Sha256 | None = None
    chain: Sha256
    sealed_at: Instant
