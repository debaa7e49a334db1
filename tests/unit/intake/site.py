"""A route of intake with its door in memory, a key, and a client that speaks ASGI."""

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from intake.api.events import PATH, EventsRoute
from intake.handlers.door import Door
from intake.metrics import IntakeMetrics
from intake.settings import DoorSettings
from intake.topics.registry import RegistryView
from intake.translate.offers import Offers
from shared.events.access import AccessScope
from shared.events.encode import encode_event
from shared.runtime.auth import Directory, issue_key
from shared.runtime.clock import FixedClock
from shared.runtime.metrics import Metrics

from tests.unit.intake.events import KAFKA, NOW, ZONE_NAME
from tests.unit.intake.fakes import MemoryLog, MemoryReceipts, StepClock

SINGLE = b"application/cloudevents+json"


class Site:
    """A route with its door in memory, a key, and a client that speaks ASGI."""

    def __init__(self, *, clock: FixedClock | None = None, **bounds: Any) -> None:
        metrics, times = Metrics("intake"), clock or StepClock()
        clock = clock or FixedClock(NOW)
        self.metrics = metrics
        self.available = True
        self.log = MemoryLog()
        self.receipts = MemoryReceipts()
        self.directory = Directory(KAFKA, clock=clock, metrics=metrics)
        self.registry = RegistryView(KAFKA, clock, ZoneInfo(ZONE_NAME))
        self.key = self.issue()
        self.reads = 0
        self.route = EventsRoute(
            Door(self.receipts, self.log, self.registry, times),
            Offers(KAFKA, ZoneInfo(ZONE_NAME)),
            self.directory,
            self,
            DoorSettings(**bounds),
            IntakeMetrics(metrics),
        )

    def issue(self, **more: Any) -> str:
        text, issued = issue_key(
            credential_id="k1",
            actor_id="p1",
            valid_from=NOW - timedelta(days=400),
            **{"roles": ("officer",), "scope": AccessScope(everything=True), **more},
        )
        self.tell("credential.issued", "k1", issued)
        return text

    def tell(self, kind: str, subject: str, data: msgspec.Struct, at: datetime = NOW) -> None:
        """One more statement on the access or the registry topic, received at an instant."""
        statement = encode_event(
            id="0192d8a0-0000-7000-8000-000000000001",
            source="urn:x",
            type=f"anxing.{kind}.v1",
            subject=subject,
            time=at,
            data=data,
            receivedtime=at,
        )
        self.directory.apply(statement)
        self.registry.apply(statement)

    async def post(
        self,
        body: bytes,
        *,
        content_type: bytes = SINGLE,
        key: str | None = None,
        hang: bool = False,
        coding: bytes | None = None,
        actor: str | None = None,
        more: Sequence[tuple[bytes, bytes]] = (),
    ) -> tuple[int, dict[bytes, bytes], Any]:
        sent: list[Any] = []

        async def receive() -> Any:
            self.reads += 1
            if hang:
                await asyncio.Event().wait()
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        authorization = f"Bearer {self.key if key is None else key}".encode()
        headers = [
            (b"content-type", content_type),
            (b"authorization", authorization),
            (b"content-length", b"%d" % len(body)),
            *more,
        ]
        if coding is not None:
            headers.append((b"content-encoding", coding))
        if actor is not None:
            headers.append((b"anxing-actor", actor.encode()))
        scope: Any = {"type": "http", "method": "POST", "path": PATH, "headers": headers}
        await self.route(scope, receive, send)
        start, content = sent
        return start["status"], dict(start["headers"]), json.loads(content["body"])
