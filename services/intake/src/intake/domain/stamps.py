"""The attributes that intake adds to an accepted event, spliced into the sender's own bytes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import lru_cache

from intake.domain.callers import Caller


def stamped(
    raw: bytes,
    received_at: datetime,
    caller: Caller,
    role: str,
    quality: str,
    skew_ms: int | None = None,
) -> bytes:
    """The event as it goes to its topic; `raw` is one JSON object without stamps and with attributes.

    Everything the sender wrote stays byte for byte, unknown attributes included.
    """
    who = caller.stamps.get(role)
    if who is None:
        who = caller.stamps[role] = _who(caller, role)
    skew = b"" if skew_ms is None else b',"clockskewms":%d' % skew_ms
    return b'%b,"receivedtime":"%b"%b%b,"timequality":"%b"}' % (
        raw[:-1],
        instant(received_at).encode(),
        who,
        skew,
        quality.encode(),
    )


# The receipt says again what the stamp said.
@lru_cache(4096)
def instant(at: datetime) -> str:
    """RFC 3339 in UTC with microseconds."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _who(caller: Caller, role: str) -> bytes:
    stamps = {"actorid": caller.actor, "actorrole": role}
    if caller.organisation:
        stamps["actororg"] = caller.organisation
    if caller.device:
        stamps["deviceid"] = caller.device
    text = json.dumps(stamps, ensure_ascii=False, separators=(",", ":"))
    return b"," + text[1:-1].encode()
