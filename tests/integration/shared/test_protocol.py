"""Hostile heads of requests, and bodies that go on after their answer, over real sockets."""

import asyncio
import contextlib
import json

import pytest
import uvicorn
from shared.runtime import protocol
from shared.runtime.protocol import HEAD_BYTES_MAX, BoundedProtocol
from shared.runtime.serve import bind
from shared.runtime.settings import HttpSettings

Answer = tuple[int, dict[str, str], bytes]


async def app(scope, receive, send):
    if scope["path"] == "/no":
        await send({"type": "http.response.start", "status": 503, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})
        return
    body = b""
    while (message := await receive())["type"] == "http.request":
        body += message["body"]
        if not message["more_body"]:
            break
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-length", b"%d" % len(str(len(body))))],
        }
    )
    await send({"type": "http.response.body", "body": str(len(body)).encode()})


@pytest.fixture
async def connect():
    """Opens connections to a server of this test."""
    listener = bind(HttpSettings(port=0))
    config = uvicorn.Config(app, interface="asgi3", http=BoundedProtocol, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    writers: list[asyncio.StreamWriter] = []

    async def opened() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(*listener.getsockname()[:2])
        writers.append(writer)
        return reader, writer

    yield opened
    for writer in writers:
        writer.close()
    server.should_exit = True
    await serving


async def answer(reader: asyncio.StreamReader) -> Answer:
    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).decode().splitlines()
    headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
    return int(head[0].split()[1]), headers, await reader.readexactly(int(headers["content-length"]))


async def refusal(reader: asyncio.StreamReader) -> tuple[int, str]:
    status, headers, body = await answer(reader)
    assert headers["content-type"] == "application/problem+json"
    assert headers["connection"] == "close"
    with contextlib.suppress(ConnectionError):
        assert await asyncio.wait_for(reader.read(), 10) == b"", "the connection has ended"
    return status, json.loads(body)["type"]


def request(*headers: str, body: bytes = b"", path: str = "/x") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "host: x", f"content-length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def test_a_connection_carries_many_requests(connect):
    reader, writer = await connect()

    for size in (0, 10, 500_000, 3):
        writer.write(request(body=b"x" * size))
        status, _, body = await answer(reader)
        assert (status, body) == (200, str(size).encode())


async def test_requests_in_one_piece_are_answered_in_order(connect):
    reader, writer = await connect()

    writer.write(request(body=b"x" * 100_000) + request(body=b"yy") + request())

    assert [(await answer(reader))[2] for _ in range(3)] == [b"100000", b"2", b"0"]


async def test_a_head_in_single_bytes_is_fine(connect):
    reader, writer = await connect()

    for byte in request("a: b", body=b"xy"):
        writer.write(bytes([byte]))
        await writer.drain()

    assert (await answer(reader))[2] == b"2"


@pytest.mark.parametrize("pieces", [1, 7])
async def test_a_head_of_many_headers_is_refused(connect, pieces):
    reader, writer = await connect()
    data = request(*(f"x-{number}: {'v' * 100}" for number in range(HEAD_BYTES_MAX // 100)))

    step = len(data) // pieces + 1
    with contextlib.suppress(ConnectionError):
        for begin in range(0, len(data), step):
            writer.write(data[begin : begin + step])
            await writer.drain()

    assert await refusal(reader) == (431, "urn:anxing:problem:head_too_large")


async def test_a_head_without_end_is_refused(connect):
    reader, writer = await connect()

    writer.write(b"GET / HTTP/1.1\r\nx: " + b"v" * (2 * HEAD_BYTES_MAX))

    assert await refusal(reader) == (431, "urn:anxing:problem:head_too_large")


async def test_a_large_body_is_no_large_head(connect):
    reader, writer = await connect()

    writer.write(request("a: b", body=b"x" * (4 * HEAD_BYTES_MAX)))

    assert (await answer(reader))[2] == str(4 * HEAD_BYTES_MAX).encode()


@pytest.mark.parametrize("begun", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nhost: x\r\n"])
async def test_a_head_that_takes_too_long_is_refused(connect, monkeypatch, begun):
    monkeypatch.setattr(protocol, "HEAD_SECONDS_MAX", 0.2)
    reader, writer = await connect()

    writer.write(begun)

    assert await refusal(reader) == (408, "urn:anxing:problem:head_too_slow")


async def test_a_further_request_that_takes_too_long_is_refused(connect, monkeypatch):
    monkeypatch.setattr(protocol, "HEAD_SECONDS_MAX", 0.2)
    reader, writer = await connect()
    writer.write(request())
    await answer(reader)

    writer.write(b"GET / HT")

    assert await refusal(reader) == (408, "urn:anxing:problem:head_too_slow")


@pytest.mark.parametrize(
    "data",
    [
        b"hello\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /\xff HTTP/1.1\r\nhost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_refused(connect, data):
    reader, writer = await connect()

    writer.write(data)

    assert await refusal(reader) == (400, "urn:anxing:problem:malformed_http")


async def test_after_an_early_answer_the_connection_lives_on(connect):
    reader, writer = await connect()

    for _ in range(3):
        writer.write(request(path="/no", body=b"x" * 1_000_000))
        assert (await answer(reader))[0] == 503
        writer.write(request(body=b"yy"))
        assert (await answer(reader))[2] == b"2"


CHUNKED = b"POST /no HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"


async def test_a_refused_body_is_read_only_so_far(connect):
    reader, writer = await connect()

    writer.write(CHUNKED)
    assert (await answer(reader))[0] == 503

    async def pour() -> None:
        while True:
            writer.write(b"10000\r\n" + b"x" * 65_536 + b"\r\n")
            await writer.drain()

    pouring = asyncio.create_task(pour())
    await ended(reader)
    await asyncio.wait([pouring], timeout=10)
    assert isinstance(pouring.exception(), ConnectionError)


async def test_a_refused_body_is_read_only_so_long(connect, monkeypatch):
    monkeypatch.setattr(protocol, "LEFT_SECONDS_MAX", 0.3)
    reader, writer = await connect()

    writer.write(CHUNKED)
    assert (await answer(reader))[0] == 503

    async def drip() -> None:
        while True:
            writer.write(b"1\r\nx\r\n")
            await asyncio.sleep(0.01)

    dripping = asyncio.create_task(drip())
    await ended(reader)
    dripping.cancel()


async def ended(reader: asyncio.StreamReader) -> None:
    with contextlib.suppress(ConnectionError):
        assert await asyncio.wait_for(reader.read(), 10) == b""
