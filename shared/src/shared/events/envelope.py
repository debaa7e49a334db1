"""The CloudEvents 1.0 envelope that every event of Anxing travels in."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec

from shared.events.errors import Malformed, malformed

CONTENT_TYPE: Final = "application/cloudevents+json"
BATCH_CONTENT_TYPE: Final = "application/cloudevents-batch+json"

# Written by intake alone; a sender that supplies one is refused.
INTAKE_STAMPS: Final = frozenset(
    {"receivedtime", "actorid", "actorrole", "actororg", "deviceid", "clockskewms", "timequality"}
)

# Outside of these a conversion of zones or the addition of a few days may overflow.
YEARS: Final = range(1970, 2201)

Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class Envelope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One event without a look at its data; attributes it does not know are ignored.

    Identity of an event is (`source`, `id`), of a fact (`subject`, `root`). All instants are aware.
    The bounds that only a sender must keep (UUIDs, characters of a subject) are in `rules`.
    """

    specversion: Literal["1.0"]
    id: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    source: Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
    type: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    subject: Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
    time: Instant
    datacontenttype: str = "application/json"
    recordedtime: Instant | None = None
    rootid: str | None = None
    revision: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)] = 1
    objectionid: str | None = None
    traceparent: str | None = None
    receivedtime: Instant | None = None
    actorid: str | None = None
    actorrole: str | None = None
    actororg: str | None = None
    deviceid: str | None = None
    clockskewms: int | None = None
    timequality: Literal["ok", "skewed", "unsynced", "late", "future"] | None = None
    data: msgspec.Raw

    @property
    def root(self) -> str:
        """Id of the first revision of this fact: `rootid`, or its own id."""
        return self.rootid or self.id


_DECODER: Final = msgspec.json.Decoder(Envelope)


def decode_envelope(raw: bytes | msgspec.Raw) -> Envelope:
    """Reads the envelope of one structured CloudEvent; raises `Malformed`."""
    try:
        envelope = _DECODER.decode(raw)
    except msgspec.DecodeError as error:
        raise malformed(error) from None
    if envelope.time.year not in YEARS:
        raise Malformed("range", "/time", "not within the years 1970 to 2200")
    return envelope
