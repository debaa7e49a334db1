"""Events as the demo posts them: written once, with the id they keep through every repeat."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any
from uuid import UUID

import msgspec

from shared.events.catalogue import TYPE_OF
from shared.events.encode import encode_event


@dataclass(frozen=True, slots=True)
class Event:
    """One event ready to be posted: `raw` is the structured CloudEvent in JSON."""

    source: str
    id: str
    type: str
    subject: str
    time: datetime
    raw: bytes

    @property
    def identity(self) -> tuple[str, str]:
        """(`source`, `id`): what makes it one event."""
        return self.source, self.id


class Pen:
    """Writes events with UUIDs of version 7 that depend on nothing but the seed and the order of writing."""

    def __init__(self, seed: str) -> None:
        self._rng = Random(f"{seed}:ids")  # noqa: S311 - a repeatable story, not a secret

    def write(
        self, subject: str, at: datetime, data: msgspec.Struct, *, source: str, **extensions: Any
    ) -> Event:
        """One new event about `subject` at the aware instant `at`; the type follows from `data`."""
        event_id = uuid7(at, self._rng)
        name = TYPE_OF[type(data)].name
        raw = encode_event(
            id=event_id, source=source, type=name, subject=subject, time=at, data=data, **extensions
        )
        return Event(source=source, id=event_id, type=name, subject=subject, time=at, raw=raw)


def uuid7(at: datetime, rng: Random) -> str:
    """A UUID of version 7 (RFC 9562) for the instant `at` with the random bits of `rng`."""
    milliseconds = int(at.timestamp() * 1000) & (2**48 - 1)
    bits = milliseconds << 80 | 0x7 << 76 | rng.getrandbits(12) << 64 | 0b10 << 62 | rng.getrandbits(62)
    return str(UUID(int=bits))
