# ruff: noqa: INP001 - a program of the container, no package
"""One fixed port for each service, whatever the number of its replicas and whichever of them lives.

    front.py 8080=intake:8080 8081=scoring:8081

An engine can give a port of the machine to one container only, and a range of ports is dealt out anew at
every restart. So one process keeps the ports and passes each connection on to some replica: a name stands for
all of them, and is looked up for every connection, so that scaling and failing need no configuration.
"""

import asyncio
import contextlib
import random
import signal
import socket
import sys

CHUNK_BYTES = 64 * 1024
CONNECT_SECONDS_MAX = 2.0
# What a client may make of a service of which nobody is there: to come again.
NOBODY = b"HTTP/1.1 503 Nobody There\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


async def main(rules: list[str]) -> None:
    """Listen on the ports of all rules until SIGTERM."""
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    for rule in rules:
        port, _, target = rule.partition("=")
        host, _, there = target.rpartition(":")
        await listen(int(port), host, int(there))
    await ended.wait()


async def listen(port: int, host: str, there: int) -> None:
    """Pass connections to `port` on to some replica of `host`."""

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            replica = await connect(host, there)
            if replica is None:
                writer.write(NOBODY)
                await writer.drain()
            else:
                await join(reader, writer, *replica)
        except OSError:
            pass  # one of the two ends is gone, and the other learns it by the closing
        finally:
            writer.close()

    await asyncio.start_server(accept, "0.0.0.0", port, limit=CHUNK_BYTES)  # noqa: S104 - of the container


async def connect(host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
    """A connection to the first replica that takes it, in an order that is another each time."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror:
        return None
    for address in random.sample([str(each[4][0]) for each in found], len(found)):
        with contextlib.suppress(OSError):
            async with asyncio.timeout(CONNECT_SECONDS_MAX):
                return await asyncio.open_connection(address, port, limit=CHUNK_BYTES)
    return None


async def join(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    from_replica: asyncio.StreamReader,
    to_replica: asyncio.StreamWriter,
) -> None:
    """Pass bytes both ways until the replica has ended; a client that only stops sending gets its answer."""
    sending = asyncio.create_task(pump(reader, to_replica))
    try:
        await pump(from_replica, writer)
    finally:
        sending.cancel()
        to_replica.close()
        await asyncio.gather(sending, return_exceptions=True)


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what comes until its end; the writer is never further behind than its buffer."""
    while chunk := await reader.read(CHUNK_BYTES):
        writer.write(chunk)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
