"""Webhooks after Standard Webhooks: signed anew for each attempt, bounded in time and size, no redirects."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from datetime import datetime
from typing import Final
from uuid import UUID

import aiohttp
from aiohttp.connector import Connection

from notify.channels.guard import REFUSAL, Guard
from notify.domain.answers import Answer, Verdict, classify
from notify.domain.signing import signature
from notify.ports import Lane, Sent, Taken
from notify.sealing import Sealer, UnreadableError

TOTAL_SECONDS: Final = 15.0
CONNECT_SECONDS: Final = 5.0
# A receiver that has said 200 need not be heard out; but an orderly end keeps the connection for the next.
BODY_SECONDS: Final = 2.0
READ_BYTES_MAX: Final = 64 * 1024
KEEP_BYTES_MAX: Final = 4 * 1024
KEPT_KEYS_MAX: Final = 10_000
USER_AGENT: Final = "Anxing-Notify/1"


class _Response(aiohttp.ClientResponse):
    """Remembers where its request really went: the connection is given back as soon as all is read."""

    peer: str | None = None

    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        transport = connection.transport
        name = transport.get_extra_info("peername") if transport is not None else None
        self.peer = f"{name[0]}:{name[1]}" if isinstance(name, tuple) else None
        return await super().start(connection)


class WebhookChannel:
    """POSTs notices; one session for all receivers, connections kept alive per host."""

    def __init__(
        self,
        guard: Guard,
        sealer: Sealer,
        now: Callable[[], datetime],
        *,
        total_seconds: float = TOTAL_SECONDS,
    ) -> None:
        self._guard = guard
        self._sealer = sealer
        self._now = now
        self._timeout = aiohttp.ClientTimeout(
            total=total_seconds, sock_connect=min(CONNECT_SECONDS, total_seconds)
        )
        self._keys: dict[tuple[UUID, int], bytes] = {}
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Open the session; it belongs to the running loop."""
        connector = aiohttp.TCPConnector(
            limit=0,  # the dispatcher's pool decides how many are open
            socket_factory=self._guard.make_socket,
            ttl_dns_cache=30,
            keepalive_timeout=30,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            response_class=_Response,
            timeout=self._timeout,
            trust_env=False,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent"),
            headers={"User-Agent": USER_AGENT, "Content-Type": "application/json"},
            raise_for_status=False,
        )

    async def stop(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def send(self, lane: Lane, taken: Taken) -> Sent:
        assert self._session is not None
        try:
            headers = self._signed(lane, taken)
        except UnreadableError:
            return Sent(Answer(Verdict.LATER, "unreadable_secret"))
        try:
            async with self._session.post(
                lane.target, data=taken.payload, headers=headers, allow_redirects=False
            ) as response:
                address = response.peer if isinstance(response, _Response) else None
                answer = classify(response.status, response.headers, self._now())
                return Sent(answer, address, await _read(response))
        except FAILURES as error:
            return Sent(_failure(error))

    def _signed(self, lane: Lane, taken: Taken) -> dict[str, str]:
        webhook_id, timestamp = str(taken.delivery), int(self._now().timestamp())
        signatures = [
            signature(self._key(lane, index), webhook_id, timestamp, taken.payload)
            for index in range(len(lane.secrets))
        ]
        if not signatures:
            raise UnreadableError
        return {
            "webhook-id": webhook_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": " ".join(signatures),
        }

    def _key(self, lane: Lane, index: int) -> bytes:
        sealed = lane.secrets[index]
        place = lane.endpoint, sealed.number
        if (key := self._keys.get(place)) is None:
            if len(self._keys) >= KEPT_KEYS_MAX:
                self._keys.clear()
            key = self._keys[place] = self._sealer.open(sealed, lane.endpoint)
        return key


async def _read(response: aiohttp.ClientResponse) -> str | None:
    """The beginning of a body; what never ends, comes drop by drop or breaks off is cut, not failed."""
    if response.content.at_eof():
        return None
    parts: list[bytes] = []
    length = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in response.content.iter_any():
                if length < KEEP_BYTES_MAX:
                    parts.append(chunk[: KEEP_BYTES_MAX - length])
                length += len(chunk)
                if length >= READ_BYTES_MAX:
                    response.close()
                    break
    except (TimeoutError, aiohttp.ClientError, OSError):
        response.close()
    return b"".join(parts).decode(errors="replace") or None


# From the special to the general: the first that fits says in a stable word what went wrong. Texts of
# libraries may hold addresses of our network and are not kept.
_FAILURES: Final[tuple[tuple[tuple[type[Exception], ...], Answer], ...]] = (
    (
        (aiohttp.ConnectionTimeoutError,),
        Answer(Verdict.LATER, "connect_timeout", unreached=True, timed_out=True),
    ),
    ((TimeoutError,), Answer(Verdict.LATER, "timeout", timed_out=True)),
    ((aiohttp.ClientSSLError, ssl.SSLError), Answer(Verdict.LATER, "tls", unreached=True)),
    ((aiohttp.ClientConnectorDNSError,), Answer(Verdict.LATER, "name_not_found", unreached=True)),
    ((aiohttp.ClientConnectorError,), Answer(Verdict.LATER, "not_connected", unreached=True)),
    ((aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError), Answer(Verdict.ABANDON, "invalid_url")),
    ((aiohttp.ClientResponseError, ValueError), Answer(Verdict.LATER, "not_http")),
    ((aiohttp.ClientError, OSError), Answer(Verdict.LATER, "connection_lost")),
)
FAILURES: Final = tuple(kind for kinds, _ in _FAILURES for kind in kinds)


def _failure(error: Exception) -> Answer:
    # aiohttp wraps the guard's refusal, alone or among the errors of other addresses of the same name.
    if isinstance(error, aiohttp.ClientConnectorError) and REFUSAL in str(error.os_error):
        return Answer(Verdict.BRIEFLY, "forbidden_address", unreached=True)
    return next(answer for kinds, answer in _FAILURES if isinstance(error, kinds))
