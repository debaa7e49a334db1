"""From the bytes of one event to an offer, or to the refusal that says what is wrong and where."""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from shared.events import registry
from shared.events.catalogue import CATALOGUE, EventType, kafka_key, lookup
from shared.events.catalogue import Family as EventFamily
from shared.events.envelope import INTAKE_STAMPS, Envelope, decode_envelope
from shared.events.errors import Malformed
from shared.events.fields import EventId
from shared.events.rules import validate, validate_envelope
from shared.runtime.settings import KafkaSettings

from intake.domain.offers import Family, Offer
from intake.domain.permits import NO_ROLE
from intake.domain.verdicts import Grounds, Refusal
from intake.translate.refusals import Broken, refusal_of
from intake.translate.strict import KEYS_MAX, STRING_CHARS_MAX, Reader

EVENT_BYTES_MAX: Final = 64 * 1024
# Attributes that a sender may write and the contract knows.
_WRITTEN: Final = frozenset(Envelope.__struct_fields__) - INTAKE_STAMPS
_ATTRIBUTE: Final = re.compile(r"[a-z0-9]{1,64}\Z")
_INT32: Final = 2**31
_NIL: Final = "00000000-0000-0000-0000-000000000000"
_FAMILIES: Final = {
    EventFamily.FACT: Family.FACT,
    EventFamily.REGISTRY: Family.REGISTRY,
    EventFamily.ACCESS: Family.ACCESS,
}

TOO_LARGE: Final = Refusal(
    Grounds.TOO_LARGE, "event_too_large", f"An event has at most {EVENT_BYTES_MAX // 1024} KiB."
)


class _Identified(msgspec.Struct):
    """What can be told of an event that is refused."""

    id: EventId


_identified: Final = msgspec.json.Decoder(_Identified)
_encode: Final = msgspec.json.Encoder().encode


def readable_id(raw: bytes) -> str | None:
    """The id of an event that may be broken everywhere else; None where there is none that is a UUID."""
    try:
        return _identified.decode(raw).id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


class _Unread(msgspec.Struct):
    """Stands for data that could not be read, while the rules of the envelope are looked at."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """What is the same for all events of a type, worked out once."""

    event_type: EventType
    kind: str
    family: Family
    topic: str


class Offers:
    """Reads events against the contract; for one thread."""

    def __init__(self, kafka: KafkaSettings, zone: ZoneInfo) -> None:
        self._reader = Reader()
        self._zone = zone
        self._kinds = {
            name: _Kind(event_type, event_type.kind, family, kafka.name_of(event_type.topic))
            for name, event_type in CATALOGUE.items()
            if (family := _FAMILIES.get(event_type.family)) is not None
        }

    def read(self, raw: bytes, trace: bytes | None = None) -> Offer | Refusal:
        """One structured event; `raw` is a JSON text without blanks around it.

        `trace` is the trace parent of its request, which it gets when it has none of its own.
        """
        if len(raw) > EVENT_BYTES_MAX:
            return TOO_LARGE
        try:
            return self._offer(raw, trace)
        except Malformed as error:
            return refusal_of(raw, (error,))
        except Broken as broken:
            return refusal_of(raw, broken.violations)

    def _offer(self, raw: bytes, trace: bytes | None) -> Offer | Refusal:
        document, fingerprint = self._reader.read(raw)
        if not isinstance(document, dict):
            raise Malformed("not_cloudevents", "", "an event is a JSON object")
        if None in document.values():
            # The JSON format of CloudEvents: an attribute that is null is one that is not there.
            present = {name: value for name, value in document.items() if value is not None}
            return self._offer(_encode(present), trace)
        others = document.keys() - _WRITTEN
        if others:
            _require_cloudevent(document, others - INTAKE_STAMPS)
        envelope = decode_envelope(raw)
        if others:
            _require_no_stamps(others)
        kind = self._kinds.get(envelope.type)
        if kind is None:
            lookup(envelope.type)
            # Outcomes and deliveries are ours to say, whatever the key.
            return NO_ROLE
        event_type = kind.event_type
        data = self._data(event_type, envelope, document.get("data"))
        if trace is not None and envelope.traceparent is None:
            raw = b'%b,"traceparent":"%b"}' % (raw[:-1], trace)
        return Offer(
            envelope.id.lower(),
            envelope.id,
            envelope.source,
            envelope.type,
            kind.kind,
            kind.family,
            envelope.subject,
            envelope.root.lower(),
            envelope.revision,
            envelope.time,
            envelope.time.astimezone(self._zone).date(),
            kind.topic,
            envelope.subject if kind.family is Family.FACT else kafka_key(event_type, envelope),
            raw,
            fingerprint,
            (data.community_id, data.station_id) if isinstance(data, registry.CompoundRegistered) else None,
            envelope.recordedtime,
        )

    def _data(self, event_type: EventType, envelope: Envelope, value: Any) -> Any:
        """The data of an event whose rules hold; raises Broken with all that do not."""
        violations: list[Malformed] = []
        data: msgspec.Struct = _Unread()
        try:
            data = event_type.convert(value)
        except Malformed as error:
            violations.append(error)
        else:
            violations += validate(event_type, data)
        violations += validate_envelope(event_type, envelope, data, self._zone)
        if envelope.id == _NIL:
            violations.append(Malformed("nil_id", "/id", "an id is made for each event"))
        if violations:
            raise Broken(violations)
        return data


def _require_cloudevent(document: dict[str, Any], unknown: AbstractSet[str]) -> None:
    """What the JSON format of CloudEvents demands of attributes that the contract does not know."""
    if len(document) > KEYS_MAX:
        raise Malformed("too_many_keys", "", f"more than {KEYS_MAX} keys in one object")
    for name in unknown:
        if not _ATTRIBUTE.match(name):
            raise Malformed("attribute_name", "", "an attribute is named with lower-case letters and digits")
        value = document[name]
        if isinstance(value, str) and len(value) > STRING_CHARS_MAX:
            raise Malformed("too_long", f"/{name}", f"more than {STRING_CHARS_MAX} characters in one string")
        fits = (
            value is None
            or isinstance(value, str | bool)
            or (isinstance(value, int) and -_INT32 <= value < _INT32)
        )
        if not fits:
            raise Malformed(
                "attribute_type", f"/{name}", "an attribute is text, a boolean or a 32-bit integer"
            )


def _require_no_stamps(others: AbstractSet[str]) -> None:
    supplied = sorted(INTAKE_STAMPS & others)
    if supplied:
        raise Broken(
            [Malformed("supplied_stamp", f"/{name}", "only intake writes this") for name in supplied]
        )
