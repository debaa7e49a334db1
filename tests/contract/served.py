"""The application of intake as its service builds it, behind its server and a socket; behind it is memory."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import httpx
import uvicorn
from intake.app import IntakeService
from intake.settings import IntakeSettings
from shared.events.access import AccessScope
from shared.events.encode import encode_event
from shared.runtime.auth import issue_key
from shared.runtime.health import Readiness
from shared.runtime.protocol import BoundedProtocol

from tests.eventually import eventually
from tests.unit.intake.fakes import MemoryLog, MemoryReceipts

ROLES = ("officer", "station_chief", "sub_bureau", "registrar", "admin", "integrator", "community", "company")


class Receipts(MemoryReceipts):
    """Receipts that are always there."""

    available = True


@dataclass
class Served:
    """Where it listens, a key that may nearly everything, and what was published."""

    url: str = ""
    key: str = ""
    log: MemoryLog = field(default_factory=MemoryLog)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    @property
    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers=self.headers, timeout=30)


@contextlib.contextmanager
def served() -> Iterator[Served]:
    """Serves until the end of the block, in a thread of its own."""
    place, ready, listener = Served(), threading.Event(), socket.create_server(("127.0.0.1", 0))
    servers: list[uvicorn.Server] = []
    thread = threading.Thread(
        target=lambda: asyncio.run(_serve(place, listener, servers, ready)), daemon=True
    )
    thread.start()
    if not ready.wait(30):
        raise RuntimeError("the server did not start")
    try:
        yield place
    finally:
        servers[0].should_exit = True
        thread.join(30)
        listener.close()


async def _serve(
    place: Served, listener: socket.socket, servers: list[uvicorn.Server], ready: threading.Event
) -> None:
    settings = IntakeSettings.model_validate({"database": {"url": "postgresql://nobody@127.0.0.1:1/none"}})
    service = IntakeService(settings)
    service._log = place.log  # type: ignore[assignment]  # memory instead of a broker
    receipts: Any = Receipts()
    service._receipts = receipts
    place.key = _key(service)
    # What stands behind it is memory, which is always ready.
    with patch("intake.app.Readiness", lambda _: Readiness({})):
        app = service._build(receipts)
    place.url = "http://{}:{}".format(*listener.getsockname())
    config = uvicorn.Config(
        app,
        interface="asgi3",
        http=BoundedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        server_header=False,
    )
    server = uvicorn.Server(config)
    servers.append(server)
    serving = asyncio.create_task(server._serve([listener]))

    async def started() -> bool:
        await asyncio.sleep(0)
        return server.started

    await eventually(started)
    ready.set()
    await serving


def _key(service: IntakeService) -> str:
    text, issued = issue_key(
        credential_id="k1",
        actor_id="p1",
        roles=ROLES,
        scope=AccessScope(everything=True),
        valid_from=datetime.now(UTC) - timedelta(days=400),
        rights=("backfill",),
    )
    service._directory.apply(
        encode_event(
            id="0192d8a0-0000-7000-8000-000000000001",
            source="urn:x",
            type="anxing.credential.issued.v1",
            subject="k1",
            time=datetime.now(UTC),
            data=issued,
        )
    )
    return text
