"""The trace context of a request (W3C Trace Context, level 2), carried on with events that have none."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

HEADER: Final = b"traceparent"
# Later versions may say more behind the four parts that are known.
_PARTS: Final = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?\Z", re.DOTALL)
_KNOWN: Final = b"00"
_FORBIDDEN: Final = b"ff"


def trace_of(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    """The trace parent to carry on; None without one, with several and with one that is not valid.

    One of a later version is carried on as what we know of it, as version 00 (W3C, 4.3).
    """
    values = [value.strip() for name, value in headers if name == HEADER]
    if len(values) != 1:
        return None
    match = _PARTS.match(values[0])
    if match is None:
        return None
    version, trace, parent, flags, rest = match.groups()
    if version == _FORBIDDEN or (version == _KNOWN and rest is not None):
        return None
    if not trace.strip(b"0") or not parent.strip(b"0"):
        return None
    return b"-".join((_KNOWN, trace, parent, flags))
