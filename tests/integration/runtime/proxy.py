"""A wire between a client and PostgreSQL that can be cut at a COMMIT, and held in the middle of a COPY."""

import asyncio
from urllib.parse import urlsplit, urlunsplit

from tests.wires import HOST, Wire, ended

COMMIT = b"COMMIT;"


class CuttingProxy(Wire):
    """Passes bytes on. Armed, it cuts the connection that next commits: before the server hears of it
    (`before`), or when the server has answered and the client has not heard (`after`). When it
    `holds_next_copy`, it lets half of that through and holds the rest until it is released."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._parts = urlsplit(url)
        self.armed: str | None = None
        self.cuts = 0
        self.holds_next_copy = False
        self.holding = asyncio.Event()
        self._released = asyncio.Event()
        self.ports: set[int] = set()
        """Ours towards the server: `client_port` of the backends behind this wire."""

    @property
    def url(self) -> str:
        user = self._parts.netloc.rpartition("@")[0]
        return urlunsplit(self._parts._replace(netloc=f"{user}@{HOST}:{self.port}"))

    def release(self) -> None:
        """Let through what is held."""
        self._released.set()

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
            await ended(down, writer, up_writer)

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
