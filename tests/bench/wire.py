"""HTTP/1.1 at the least cost: load in closed and open loop, and a receiver, equal for both sides of a row."""

from __future__ import annotations

import asyncio
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import cast

import uvloop

LAST_ANSWERS_SECONDS_MAX = 30


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


class _Arrivals:
    """Requests that are due whether or not earlier ones were answered, over connections that are kept."""

    def __init__(self, requests: Iterator[bytes], total: int) -> None:
        self._requests = requests
        self._total = total
        self.answered = asyncio.Event()
        self._idle: list[_Connection] = []
        self._due: deque[float] = deque()
        self.outcomes: list[tuple[int, float]] = []

    def arrive(self, due: float) -> None:
        """One more request is due."""
        if self._idle:
            self._idle.pop().send(next(self._requests), due)
        else:
            self._due.append(due)

    def note(self, status: int, seconds: float) -> None:
        """One was answered."""
        self.outcomes.append((status, seconds))
        if len(self.outcomes) == self._total:
            self.answered.set()

    def free(self, connection: _Connection) -> None:
        """The connection waits for a request."""
        if self._due:
            connection.send(next(self._requests), self._due.popleft())
        else:
            self._idle.append(connection)


class _Connection(asyncio.Protocol):
    """One keep-alive connection of an open loop; what is late counts from when it was due."""

    def __init__(self, arrivals: _Arrivals) -> None:
        self._arrivals = arrivals
        self._buffer = b""
        self._due = 0.0
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._arrivals.free(self)

    def send(self, request: bytes, due: float) -> None:
        self._due = due
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        size = _answer_size(self._buffer)
        if size is None or len(self._buffer) < size:
            return
        status, self._buffer = int(self._buffer[9:12]), b""
        self._arrivals.note(status, time.perf_counter() - self._due)
        self._arrivals.free(self)

    def close(self) -> None:
        self._transport.close()


def _answer_size(buffer: bytes) -> int | None:
    """How many bytes the answer at the beginning has; None while its head is not complete."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return None
    at = buffer.lower().find(b"content-length:", 0, end)
    length = int(buffer[at + 15 : buffer.index(b"\r\n", at)]) if at >= 0 else 0
    return end + 4 + length


async def arrive(
    port: int, requests: Iterator[bytes], *, per_second: float, seconds: float, connections: int
) -> tuple[float, list[tuple[int, float]]]:
    """Open loop: requests at that rate for so long, each with its status and the seconds since it was due.

    Answers the seconds until the last answer first. More than `connections` are never under way: who is due
    then waits here, and his wait counts.
    """
    loop = asyncio.get_running_loop()
    total = int(per_second * seconds)
    arrivals = _Arrivals(requests, total)
    opened = [
        (await loop.create_connection(lambda: _Connection(arrivals), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    started, count = time.perf_counter(), 0
    while count < total:
        due = min(total, int((time.perf_counter() - started) * per_second))
        for number in range(count, due):
            arrivals.arrive(started + number / per_second)
        count = max(count, due)
        await asyncio.sleep(0.001)
    await asyncio.wait_for(arrivals.answered.wait(), LAST_ANSWERS_SECONDS_MAX)
    lasted = time.perf_counter() - started
    for connection in opened:
        connection.close()
    return lasted, arrivals.outcomes


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
