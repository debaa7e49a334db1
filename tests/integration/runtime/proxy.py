"""A wire between a client and PostgreSQL that can be cut at a COMMIT, and held in the middle of a COPY."""

import asyncio
import contextlib
from typing import Self
from urllib.parse import urlsplit, urlunsplit

COMMIT = b"COMMIT;"


class CuttingProxy:
    """Passes bytes on. Armed, it cuts the connection that next commits: before the server hears of it
    (`before`), or when the server has answered and the client has not heard (`after`). When it
    `holds_next_copy`, it lets half of that through and holds the rest until it is released."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._parts = urlsplit(url)
        self.armed: str | None = None
        self.cuts = 0
        self.holds_next_copy = False
        self.holding = asyncio.Event()
        self._released = asyncio.Event()
        self.ports: set[int] = set()
        """Ours towards the server: `client_port` of the backends behind this wire."""
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        port = self._server.sockets[0].getsockname()[1]
        user = self._parts.netloc.rpartition("@")[0]
        return urlunsplit(self._parts._replace(netloc=f"{user}@127.0.0.1:{port}"))

    def release(self) -> None:
        """Let through what is held."""
        self._released.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # The server of streams makes noise about a cancelled task, and nobody else waits for this one.
        with contextlib.suppress(asyncio.CancelledError):
            await self._pass_on(reader, writer)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            up_reader, up_writer = await asyncio.open_connection(self._parts.hostname, self._parts.port)
        except OSError:
            writer.transport.abort()
            return
        port = up_writer.get_extra_info("sockname")[1]
        self.ports.add(port)
        swallow = asyncio.Event()
        down = asyncio.ensure_future(self._down(up_reader, writer, swallow))
        try:
            while data := await reader.read(65536):
                if self.holds_next_copy:
                    data = await self._hold(data, up_writer)
                elif self.armed is not None and COMMIT in data:
                    mode, self.armed = self.armed, None
                    self.cuts += 1
                    if mode == "after":
                        swallow.set()
                        up_writer.write(data)
                        await down
                    return
                up_writer.write(data)
                await up_writer.drain()
        except OSError:
            pass
        finally:
            self.ports.discard(port)
            down.cancel()
            for side in (writer, up_writer):
                side.transport.abort()
            with contextlib.suppress(asyncio.CancelledError):
                await down

    async def _hold(self, data: bytes, up_writer: asyncio.StreamWriter) -> bytes:
        """What is still to be passed on of these bytes, after a while if a COPY begins with them."""
        if data[:1] != b"Q" or data[5:9] != b"COPY":
            return data
        self.holds_next_copy = False
        statement = 1 + int.from_bytes(data[1:5])
        half = statement + (len(data) - statement) // 2
        up_writer.write(data[:half])
        await up_writer.drain()
        self._released.clear()
        self.holding.set()
        await self._released.wait()
        self.holding.clear()
        return data[half:]

    async def _down(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, swallow: asyncio.Event
    ) -> None:
        try:
            while data := await reader.read(65536):
                if swallow.is_set():
                    # The server has answered: it is committed, and nobody will know.
                    return
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            # Also a server that was killed is gone for the client at once.
            writer.transport.abort()
