"""HTTP/1.1 at the least cost: a closed-loop load generator and a receiver, equal for both sides of a row."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from typing import cast

import uvloop


class _Client(asyncio.Protocol):
    """One keep-alive connection that sends the next request when the answer is complete."""

    def __init__(self, requests: Iterator[bytes], done: Callable[[int, float], None]) -> None:
        self._requests = requests
        self._done = done
        self._buffer = b""
        self._sent_at = 0.0
        self._transport: asyncio.Transport
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have all of this and inherit nothing.
        self._transport = cast("asyncio.Transport", transport)
        self._next()

    def _next(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self._transport.close()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, rest = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        lowered = head.lower()
        at = lowered.find(b"content-length:")
        length = int(lowered[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(rest) < length:
            return
        self._buffer = b""
        self._done(int(head[9:12]), time.perf_counter() - self._sent_at)
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.finished.done():
            self.finished.set_result(None) if exc is None else self.finished.set_exception(exc)


async def drive(
    port: int, requests: Iterator[bytes], *, connections: int
) -> tuple[float, dict[int, int], list[float]]:
    """Send all requests over `connections`; answers (seconds, answers by status, latencies in seconds)."""
    statuses: dict[int, int] = {}
    latencies: list[float] = []

    def done(status: int, seconds: float) -> None:
        statuses[status] = statuses.get(status, 0) + 1
        latencies.append(seconds)

    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    clients = [
        (await loop.create_connection(lambda: _Client(requests, done), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    await asyncio.gather(*(client.finished for client in clients))
    return time.perf_counter() - started, statuses, latencies


def post(path: str, body: bytes, content_type: str, *, bearer: str) -> bytes:
    """The bytes of one POST."""
    return (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: {content_type}\r\n"
        f"authorization: Bearer {bearer}\r\ncontent-length: {len(body)}\r\n\r\n"
    ).encode() + body


class Receiver(asyncio.Protocol):
    """Answers every complete request with 200."""

    def __init__(self) -> None:
        self._buffer = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have all of this and inherit nothing.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            head, separator, rest = self._buffer.partition(b"\r\n\r\n")
            if not separator:
                return
            lowered = head.lower()
            at = lowered.find(b"content-length:")
            length = int(lowered[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(rest) < length:
                return
            self._buffer = rest[length:]
            self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")


async def receive_for_ever(port: int) -> None:
    """Listen on that port until the process ends."""
    server = await asyncio.get_running_loop().create_server(Receiver, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(receive_for_ever(int(sys.argv[1])))
