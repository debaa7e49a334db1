"""Wires of a replica of intake that can be cut: to Kafka while it publishes, to PostgreSQL while it writes,
and to its clients while they post."""

import asyncio

from tests.wires import HOST, Wire, ended

MOMENTS = ("before", "half", "after")
"""A message is cut before it is passed on, in its middle, or when it is answered and nobody hears of it."""
CHUNK = 65_536
OPENING_BYTES = 512


class CutWire(Wire):
    """Passes bytes on to a port that may change. Armed, it cuts the connection of the next message wanted."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.to_port = port
        self.armed: str | None = None
        self.cuts = 0
        self.cut_at = ""

    def wants(self, message: bytes, opening: bytes) -> bool:
        """Whether this is a message to be cut; `opening` is what the connection began with."""
        raise NotImplementedError

    async def message(self, reader: asyncio.StreamReader) -> bytes:
        """The next thing that is passed on or not; empty at the end."""
        return await reader.read(CHUNK)

    async def answer(self, reader: asyncio.StreamReader) -> bytes:
        """The next thing that comes back; empty at the end."""
        return await reader.read(CHUNK)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            up_reader, up_writer = await asyncio.open_connection(HOST, self.to_port)
        except OSError:
            writer.transport.abort()
            return
        deaf = asyncio.Event()
        down = asyncio.ensure_future(self._down(up_reader, writer, deaf))
        opening = b""
        try:
            while message := await self.message(reader):
                if len(opening) < OPENING_BYTES:
                    opening += message
                if self.armed is not None and self.wants(message, opening):
                    self.cut_at, self.armed = self.armed, None
                    self.cuts += 1
                    if self.cut_at == "before":
                        return
                    if self.cut_at == "half":
                        up_writer.write(message[: len(message) // 2])
                        await up_writer.drain()
                        return
                    deaf.set()
                up_writer.write(message)
                await up_writer.drain()
        except OSError:
            pass
        finally:
            await ended(down, writer, up_writer)

    async def _down(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, deaf: asyncio.Event
    ) -> None:
        try:
            while (data := await self.answer(reader)) and not deaf.is_set():
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            # A server that is gone is gone for the client at once, and so is one whose answer was lost.
            writer.transport.abort()


class ClientWire(CutWire):
    """Between clients and a replica."""

    def wants(self, message: bytes, opening: bytes) -> bool:
        del opening
        return message.startswith(b"POST")


class PostgresWire(CutWire):
    """Between a replica and its database: what its writer of receipts says is cut, a COMMIT or a statement
    that is a transaction by itself."""

    def wants(self, message: bytes, opening: bytes) -> bool:
        return b"intake/receipts" in opening and (message[:1] == b"B" or b"COMMIT;" in message)


class KafkaWire(CutWire):
    """Between a replica and the broker, frame by frame: it also stands where the broker says that it is."""

    def wants(self, message: bytes, opening: bytes) -> bool:
        del opening
        # The key of Produce is 0.
        return message[4:6] == b"\0\0"

    async def message(self, reader: asyncio.StreamReader) -> bytes:
        return await _frame(reader)

    async def answer(self, reader: asyncio.StreamReader) -> bytes:
        place = HOST.encode()
        theirs, ours = (place + port.to_bytes(4, "big") for port in (self.to_port, self.port))
        return (await _frame(reader)).replace(theirs, ours)


async def _frame(reader: asyncio.StreamReader) -> bytes:
    try:
        head = await reader.readexactly(4)
        return head + await reader.readexactly(int.from_bytes(head, "big"))
    except asyncio.IncompleteReadError:
        return b""
