"""HTTP/1.1 as uvicorn speaks it, with bounds on the head of a request, and on a body that is refused.

httptools has no bounds; uvicorn reads what is left of a body after its answer for as long as it comes.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from shared.runtime.problems import MEDIA_TYPE, Problem

# Request line and headers together; our own are below 2 KiB, proxies add a few more.
HEAD_BYTES_MAX = 32 * 1024
# From the connection, or the first byte of a further request, to the end of its headers.
HEAD_SECONDS_MAX = 10.0
# What still comes of a body after its answer is read for so long and so far, so that the sender sees the
# answer and may keep its connection; then the connection ends.
LEFT_SECONDS_MAX = 5.0
LEFT_BYTES_MAX = 4 * 1024 * 1024

MALFORMED = Problem(400, "malformed_http", "This is not HTTP/1.1.")
LATE = Problem(408, "head_too_slow", "The headers of a request have to arrive in ten seconds.")
LARGE = Problem(431, "head_too_large", "Request line and headers may have 32 KiB.")


class BoundedProtocol(HttpToolsProtocol):
    """A connection that ends when the head of a request is too large, too slow, or no HTTP.

    And when a body that was answered before its end goes on for too long.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head = True
        self._in_body = False
        self._head_bytes = 0
        self._left_bytes: int | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # narrowed as uvicorn does
        super().connection_made(transport)
        self._timer = self.loop.call_later(HEAD_SECONDS_MAX, self._refuse, LATE)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._head_bytes += len(data)
        super().data_received(data)
        if self._left_bytes is not None:
            self._left_bytes -= len(data)
            if self._left_bytes < 0:
                self._end()
        if self.parser is None or not self._in_head:
            return
        # Most heads arrive in one piece; only what stays open after it costs a timer and a count.
        if self._head_bytes > HEAD_BYTES_MAX:
            self._refuse(LARGE)
        elif self._timer is None:
            self._timer = self.loop.call_later(HEAD_SECONDS_MAX, self._refuse, LATE)

    def on_message_begin(self) -> None:
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._in_body = True
        self._stop_timer()
        # The pieces counted may hold a body as well: look closer only when they are large.
        too_large = self._head_bytes > HEAD_BYTES_MAX and self._head_size() > HEAD_BYTES_MAX
        self._head_bytes = 0
        if too_large:
            raise ValueError(LARGE.code)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        # A further request may have begun in the same piece; what is counted of it begins with the next one.
        self._head_bytes = 0
        self._in_body = False
        if self._left_bytes is not None:
            self._left_bytes = None
            self._stop_timer()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        # The answer may be an earlier request's, while this one's body comes in.
        if self._in_body and self.cycle.response_complete and self._left_bytes is None:
            self._left_bytes = LEFT_BYTES_MAX
            self._timer = self.loop.call_later(LEFT_SECONDS_MAX, self._end)

    def send_400_response(self, msg: str) -> None:
        """Called by uvicorn for whatever its parser, or a callback above, does not take."""
        del msg
        self._refuse(LARGE if self._head_size() > HEAD_BYTES_MAX else MALFORMED)

    def _head_size(self) -> int:
        url = getattr(self, "url", b"")
        return len(url) + sum(len(name) + len(value) + 4 for name, value in self.headers or ())

    def _refuse(self, problem: Problem) -> None:
        self._stop_timer()
        if self.transport is None or self.transport.is_closing():
            return
        body = problem.body()
        fields = {"content-type": MEDIA_TYPE, "content-length": str(len(body)), "connection": "close"}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self.transport.write(STATUS_LINE[problem.status] + head.encode() + b"\r\n" + body)
        self.transport.close()

    def _end(self) -> None:
        self._stop_timer()
        if not self.transport.is_closing():
            self.transport.close()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
