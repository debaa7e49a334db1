"""The real route of intake with its door in memory: called as it is, or behind a real server and a socket."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any, Protocol

import uvicorn
from intake.api.events import PATH
from shared.runtime.problems import MEDIA_TYPE
from shared.runtime.protocol import HEAD_BYTES_MAX, LARGE, BoundedProtocol

from tests.fuzz.corpus import Request
from tests.unit.intake.site import Site

Answer = tuple[int, dict[bytes, bytes], bytes]
# Together they may send everything that is sent from outside.
ROLES = ("officer", "station_chief", "sub_bureau", "registrar", "admin", "integrator", "community", "company")
MEDIA = MEDIA_TYPE.encode()


class Door(Protocol):
    """Takes a request, answers it."""

    async def __call__(self, request: Request) -> Answer: ...


def site() -> Site:
    """A route and a key that may nearly everything."""
    made = Site()
    made.key = made.issue(roles=ROLES, rights=("backfill",))
    return made


def headers_of(made: Site, request: Request) -> list[tuple[bytes, bytes]]:
    return [
        *request.headers,
        (b"authorization", f"Bearer {made.key}".encode()),
        (b"content-length", b"%d" % len(request.body)),
    ]


def in_process(made: Site) -> Door:
    """Calls the route; an exception that leaves it is ours to see."""

    async def call(request: Request) -> Answer:
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": request.body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        headers = headers_of(made, request)
        await made.route({"type": "http", "method": "POST", "path": PATH, "headers": headers}, receive, send)
        start, content = sent
        return start["status"], dict(start["headers"]), content["body"]

    return call


@contextlib.asynccontextmanager
async def behind_a_socket(made: Site) -> AsyncIterator[Door]:
    """The same behind the server of the service; every request has a connection of its own."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        made.route, interface="asgi3", http=BoundedProtocol, ws="none", lifespan="off", log_config=None
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve([listener]))

    async def call(request: Request) -> Answer:
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        try:
            head = b"POST %b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" % PATH.encode()
            head += b"".join(b"%b: %b\r\n" % header for header in headers_of(made, request))
            with contextlib.suppress(ConnectionError):
                writer.write(head + b"\r\n" + request.body)
                await writer.drain()
            try:
                return await _answer(reader)
            except ConnectionError:
                # Whoever sends on after a head that is too large may lose the answer to it.
                if len(head) <= HEAD_BYTES_MAX:
                    raise
                body = LARGE.body()
                return 431, {b"content-type": MEDIA, b"content-length": b"%d" % len(body)}, body
        finally:
            writer.close()

    try:
        yield call
    finally:
        server.should_exit = True
        await serving


async def _answer(reader: asyncio.StreamReader) -> Answer:
    text = await reader.read()
    head, _, body = text.partition(b"\r\n\r\n")
    status_line, *lines = head.split(b"\r\n")
    headers = dict(line.split(b": ", 1) for line in lines)
    return int(status_line.split()[1]), {name.lower(): value for name, value in headers.items()}, body


def forget(made: Site) -> None:
    """Empty the memory, which would grow by itself and hide what grows besides."""
    made.receipts.shelf.rows.clear()
    made.receipts.shelf.heads.clear()
    made.receipts.shelf.known.clear()
