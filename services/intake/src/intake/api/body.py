"""Reading the body of a request under limits of size and time."""

from __future__ import annotations

import asyncio
from typing import Final

from litestar.types import Receive
from shared.runtime.problems import Problem

from intake.settings import DoorSettings

WIRE_BYTES_MAX: Final = 1_048_576


class SenderGone(Exception):  # noqa: N818 - what happened, nobody is left to be told of an error
    """The connection was cut before the body was complete."""


def too_large() -> Problem:
    return Problem(413, "body_too_large", f"A request has at most {WIRE_BYTES_MAX} bytes: send less at once.")


def announced_size(content_length: bytes) -> int:
    """The size that a request announces, checked; the largest that is allowed when it announces none."""
    if not content_length:
        return WIRE_BYTES_MAX
    # The server in front has refused what is no number.
    size = int(content_length)
    if size > WIRE_BYTES_MAX:
        raise too_large()
    return size


async def read_body(receive: Receive, bounds: DoorSettings) -> bytes:
    """The whole body; Problem 413 when it grows too large, 408 when it comes too slowly."""
    loop = asyncio.get_running_loop()
    end = loop.time() + bounds.body_seconds
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(bounds.first_byte_seconds) as timeout:
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise SenderGone
                part: bytes = message.get("body", b"")
                if not message.get("more_body", False):
                    return b"".join((*parts, part)) if parts else part
                size += len(part)
                if size > WIRE_BYTES_MAX:
                    raise too_large()
                parts.append(part)
                timeout.reschedule(min(end, loop.time() + bounds.stall_seconds))
    except TimeoutError:
        raise Problem(408, "body_too_slow", "The body came too slowly: send it again.") from None
