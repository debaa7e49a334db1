"""Events as field apps send them, in the forms that the tests of the door need."""

import json
import uuid
from datetime import UTC, date, datetime
from typing import Any

from intake.domain.callers import Caller, Reach
from intake.domain.offers import Family, Offer
from intake.domain.verdicts import Refusal
from intake.translate.offers import Offers
from shared.runtime.settings import KafkaSettings

NOW = datetime(2026, 5, 1, 4, 0, tzinfo=UTC)
KAFKA = KafkaSettings(partitions=4)
ZONE_NAME = "Asia/Shanghai"


def incident(**changes: Any) -> dict[str, Any]:
    """A valid incident; changes replace attributes, None removes one."""
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "source": "urn:anxing:device:D0001",
        "type": "anxing.incident.recorded.v1",
        "subject": "C00017",
        "time": "2026-05-01T11:30:00+08:00",
        "datacontenttype": "application/json",
        "data": {"code": "010301", "status": "filed"},
    }
    event.update(changes)
    return {name: value for name, value in event.items() if value is not None}


def raw(event: Any) -> bytes:
    """The event as compact JSON in UTF-8."""
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def read(offers: Offers, event: Any) -> Offer:
    """The offer of an event that must be readable."""
    offer = offers.read(event if isinstance(event, bytes) else raw(event))
    assert isinstance(offer, Offer), offer
    return offer


def refused(offers: Offers, event: Any) -> Refusal:
    """The refusal of an event that must not be readable."""
    refusal = offers.read(event if isinstance(event, bytes) else raw(event))
    assert isinstance(refusal, Refusal), refusal
    return refusal


def caller(*roles: str, **changes: Any) -> Caller:
    """A key with those roles (an officer's without any) that reaches everything."""
    values: dict[str, Any] = {
        "credential": "K1",
        "actor": "P0007",
        "roles": frozenset(roles or ("officer",)),
        "reach": Reach(everything=True),
        "organisation": "S1",
        "device": "D0001",
    }
    return Caller(**{**values, **changes})


def offer(**changes: Any) -> Offer:
    """An offer made by hand, for what does not depend on how it was read."""
    event_id = str(uuid.uuid4())
    values: dict[str, Any] = {
        "id": event_id,
        "sent_id": event_id,
        "source": "urn:anxing:device:D0001",
        "type": "anxing.incident.recorded.v1",
        "kind": "incident.recorded",
        "family": Family.FACT,
        "subject": "C00017",
        "root": event_id,
        "revision": 1,
        "occurred_at": NOW,
        "day": date(2026, 5, 1),
        "topic": "anxing.facts.v1",
        "key": "C00017",
        "raw": b'{"id":"x"}',
        "fingerprint": b"f" * 32,
    }
    values.update(changes)
    return Offer(**values)
