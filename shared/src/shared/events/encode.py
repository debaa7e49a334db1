"""From a struct to the bytes of one structured CloudEvent."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec

_ENCODER: Final = msgspec.json.Encoder()


class _Event(msgspec.Struct, frozen=True, gc=False):
    """An event as it is written; a struct is faster than a mapping, and there are many."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: datetime
    datacontenttype: str
    data: msgspec.Struct


def encode_event(
    *,
    id: str,  # noqa: A002 - CloudEvents' own name
    source: str,
    type: str,  # noqa: A002 - CloudEvents' own name
    subject: str,
    time: datetime,
    data: msgspec.Struct,
    **extensions: Any,
) -> bytes:
    """One event as structured JSON; extensions that are None are left out, `time` must be aware."""
    event = _Event("1.0", id, source, type, subject, time, "application/json", data)
    if not extensions:
        return _ENCODER.encode(event)
    extended = msgspec.structs.asdict(event)
    del extended["data"]
    extended.update((name, value) for name, value in extensions.items() if value is not None)
    extended["data"] = data
    return _ENCODER.encode(extended)
