"""A webhook receiver on this machine that plays the organisations: verifies, counts, drops repeats."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from types import TracebackType
from typing import Any, Final, Self

import msgspec
from aiohttp import web

from shared.demo.signature import BadSignature, verify

BODY_BYTES_MAX: Final = 256 * 1024


class Mode(Enum):
    """How an organisation's server behaves."""

    OK = "ok"
    HANG = "hang"  # takes the request and never answers
    ERROR = "error"  # 500
    GONE = "gone"  # 410: asks never to be called again


@dataclass(frozen=True, slots=True)
class Received:
    """One genuine notice, seen for the first time; `body` is its JSON."""

    recipient: str
    webhook_id: str
    at: datetime
    body: Any


class Receiver:
    """One server, one path per recipient: `url_of("P01")` takes what is signed with its secret.

    `notices` holds each `webhook-id` of a recipient once; `repeats` counts those that came again, `refused`
    those without a valid signature, `calls` all requests. `on_notice` is called for each new notice.
    """

    def __init__(
        self,
        secrets: Mapping[str, str] | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        on_notice: Callable[[Received], None] | None = None,
    ) -> None:
        self.secrets: dict[str, str] = dict(secrets or {})
        self.modes: dict[str, Mode] = {}
        self.notices: list[Received] = []
        self.calls = 0
        self.repeats = 0
        self.refused = 0
        self._host = host
        self._port = port
        self._now = now
        self.on_notice = on_notice or (lambda _: None)
        self._seen: set[tuple[str, str]] = set()
        self._closing = asyncio.Event()
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listens from now on; port 0 takes a free one."""
        app = web.Application(client_max_size=BODY_BYTES_MAX)
        app.router.add_post("/hooks/{recipient}", self._receive)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Lets go of hanging requests and closes."""
        self._closing.set()
        if self._runner is not None:
            await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    def url_of(self, recipient: str) -> str:
        """Where that recipient takes its notices."""
        return f"http://{self._host}:{self._port}/hooks/{recipient}"

    async def _receive(self, request: web.Request) -> web.Response:
        self.calls += 1
        recipient = request.match_info["recipient"]
        body = await request.read()
        match self.modes.get(recipient, Mode.OK):
            case Mode.HANG:
                await self._closing.wait()
                return web.Response(status=503)
            case Mode.ERROR:
                return web.Response(status=500)
            case Mode.GONE:
                return web.Response(status=410)
            case Mode.OK:
                return self._take(recipient, request, body)

    def _take(self, recipient: str, request: web.Request, body: bytes) -> web.Response:
        secret = self.secrets.get(recipient)
        if secret is None:
            return web.Response(status=404)
        headers = {name.lower(): value for name, value in request.headers.items()}
        now = self._now()
        try:
            webhook_id = verify(secret, headers, body, now)
            content = msgspec.json.decode(body)
        except (BadSignature, msgspec.DecodeError):
            self.refused += 1
            return web.Response(status=401)
        if (recipient, webhook_id) in self._seen:
            self.repeats += 1
        else:
            self._seen.add((recipient, webhook_id))
            notice = Received(recipient, webhook_id, now, content)
            self.notices.append(notice)
            self.on_notice(notice)
        return web.Response(status=204)
