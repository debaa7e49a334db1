"""F2: bare HTTP and produce. An ASGI app that reads the body and awaits one aiokafka send, or so many."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn
from aiokafka import AIOKafkaProducer

Message = MutableMapping[str, Any]


class App:
    def __init__(self, bootstrap: str, topic: str, sends: int) -> None:
        self._bootstrap, self._topic, self._sends = bootstrap, topic, sends
        self._producer: AIOKafkaProducer

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        if self._sends == 1:
            await self._producer.send_and_wait(self._topic, body)
        else:
            share = -(-len(body) // self._sends)
            parts = (body[place : place + share] for place in range(0, len(body), share))
            await asyncio.gather(*[await self._producer.send(self._topic, part) for part in parts])
        await send({"type": "http.response.start", "status": 202, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    async def _lifespan(
        self, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        await receive()
        self._producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap, acks="all", enable_idempotence=True, max_batch_size=262_144
        )
        await self._producer.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._producer.stop()
        await send({"type": "lifespan.shutdown.complete"})


if __name__ == "__main__":
    uvicorn.run(
        App(sys.argv[1], sys.argv[2], int(sys.argv[4])),
        host="127.0.0.1",
        port=int(sys.argv[3]),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
