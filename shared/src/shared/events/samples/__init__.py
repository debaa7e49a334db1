"""One invented, valid event per type: frozen beside the schemas, shown in the API pages, read by tests."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec

from shared.events import facts as f
from shared.events.catalogue import TYPE_OF, Family
from shared.events.encode import encode_event
from shared.events.samples.announced import ANNOUNCED
from shared.events.samples.case import INCIDENT_ID, TIME, uuid_of
from shared.events.samples.sent import SENT

_SOURCES: Final = {
    Family.FACT: "urn:anxing:device:app-017",
    Family.REGISTRY: "urn:anxing:console",
    Family.ACCESS: "urn:anxing:intake",
    Family.OUTCOME: "urn:anxing:scoring",
    Family.DELIVERY: "urn:anxing:notify",
}


def _sample(subject: str, data: msgspec.Struct) -> bytes:
    event_type = TYPE_OF[type(data)]
    extensions: dict[str, Any] = {}
    match data:
        case f.IncidentRecorded():
            event_id = INCIDENT_ID
        case f.FactWithdrawn():
            event_id, extensions = uuid_of(event_type.name), {"rootid": INCIDENT_ID, "revision": 2}
        case _:
            event_id = uuid_of(event_type.name)
    return encode_event(
        id=event_id,
        source=_SOURCES[event_type.family],
        type=event_type.name,
        subject=subject,
        time=TIME,
        data=data,
        **extensions,
    )


SAMPLES: Final[Mapping[str, bytes]] = MappingProxyType(
    {TYPE_OF[type(data)].name: _sample(subject, data) for subject, data in (*SENT, *ANNOUNCED)}
)
