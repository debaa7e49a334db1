"""HTTP/1.1 at the least cost: load in closed and open loop, and a receiver, equal for both sides of a row."""

from __future__ import annotations

import asyncio
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple, cast

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


class Outcome(NamedTuple):
    """What became of a request that was due at `due` (perf_counter), `seconds` after that."""

    due: float
    status: int
    seconds: float


class _Arrivals:
    """Requests that are due whether or not earlier ones were answered, over connections that are kept."""

    def __init__(self, port: int, requests: Iterator[bytes], connections_max: int) -> None:
        self._port = port
        self._requests = requests
        self._connections_max = connections_max
        self._connections: set[_Connection] = set()
        self._idle: list[_Connection] = []
        self._opening: set[asyncio.Task[object]] = set()
        self._due: deque[float] = deque()
        self._wanted = 0
        self._answered: asyncio.Event | None = None
        self.outcomes: list[Outcome] = []

    def arrive(self, due: float) -> None:
        """One more request is due."""
        self._wanted += 1
        self._carry(due)

    def _carry(self, due: float) -> None:
        if self._idle:
            self._idle.pop().send(next(self._requests), due)
            return
        self._due.append(due)
        if len(self._connections) + len(self._opening) < self._connections_max:
            opening = asyncio.get_running_loop().create_connection(
                lambda: _Connection(self), "127.0.0.1", self._port
            )
            task: asyncio.Task[object] = asyncio.create_task(opening)
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    def free(self, connection: _Connection) -> None:
        """The connection waits for a request."""
        self._connections.add(connection)
        if self._due:
            connection.send(next(self._requests), self._due.popleft())
        else:
            self._idle.append(connection)

    def lost(self, connection: _Connection, due: float | None) -> None:
        """The connection has ended; what was sent on it, if anything, is sent again."""
        self._connections.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if due is not None:
            self._carry(due)

    def note(self, outcome: Outcome) -> None:
        """One was answered."""
        self.outcomes.append(outcome)
        if self._answered is not None and len(self.outcomes) == self._wanted:
            self._answered.set()

    async def end(self) -> None:
        """Wait until all that were due have their answer."""
        self._answered = asyncio.Event()
        if len(self.outcomes) < self._wanted:
            await asyncio.wait_for(self._answered.wait(), LAST_ANSWERS_SECONDS_MAX)
        for connection in tuple(self._connections):
            connection.close()


class _Connection(asyncio.Protocol):
    """One keep-alive connection of an open loop; what is late counts from when it was due."""

    def __init__(self, arrivals: _Arrivals) -> None:
        self._arrivals = arrivals
        self._buffer = b""
        self._due: float | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._arrivals.free(self)

    def connection_lost(self, _: Exception | None) -> None:
        self._arrivals.lost(self, self._due)

    def send(self, request: bytes, due: float) -> None:
        self._due = due
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        size = _answer_size(self._buffer)
        if self._due is None or size is None or len(self._buffer) < size:
            return
        status, due = int(self._buffer[9:12]), self._due
        self._buffer, self._due = b"", None
        self._arrivals.note(Outcome(due, status, time.perf_counter() - due))
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
    port: int,
    requests: Iterator[bytes],
    *,
    per_second: float,
    seconds: float,
    connections: int,
    stopping: asyncio.Event | None = None,
) -> tuple[float, list[Outcome]]:
    """Open loop: requests at that rate for so long, or until `stopping` is set.

    Answers the seconds until the last answer, and all outcomes. More than `connections` are never under way:
    who is due then waits here, and his wait counts.
    """
    arrivals = _Arrivals(port, requests, connections)
    started, count = time.perf_counter(), 0
    total = int(per_second * seconds)
    while count < total and not (stopping and stopping.is_set()):
        due = min(total, int((time.perf_counter() - started) * per_second))
        for number in range(count, due):
            arrivals.arrive(started + number / per_second)
        count = max(count, due)
        await asyncio.sleep(0.001)
    await arrivals.end()
    return time.perf_counter() - started, arrivals.outcomes


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
