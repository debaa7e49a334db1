"""What every wire between two ends has: a port of its own, and connections that it serves to their ends."""

import asyncio
import contextlib
from typing import Self

HOST = "127.0.0.1"


class Wire:
    """`_pass_on` is given each connection."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, HOST, 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection to its end."""
        raise NotImplementedError

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # The server of streams makes noise about a cancelled task, and nobody else waits for this one.
        with contextlib.suppress(asyncio.CancelledError):
            await self._pass_on(reader, writer)


async def ended(
    down: "asyncio.Future[None]", writer: asyncio.StreamWriter, up_writer: asyncio.StreamWriter
) -> None:
    """End both sides of a connection at once, and what passes answers back."""
    down.cancel()
    for side in (writer, up_writer):
        side.transport.abort()
    with contextlib.suppress(asyncio.CancelledError):
        await down
