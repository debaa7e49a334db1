"""From a struct to the bytes of one structured CloudEvent."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec

_ENCODER: Final = msgspec.json.Encoder()


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
    event = {
        "specversion": "1.0",
        "id": id,
        "source": source,
        "type": type,
        "subject": subject,
        "time": time,
        "datacontenttype": "application/json",
    }
    event.update((name, value) for name, value in extensions.items() if value is not None)
    event["data"] = data
    return _ENCODER.encode(event)
