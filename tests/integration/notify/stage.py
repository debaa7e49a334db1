"""One installation of notify for a test: topics, database, the service in this process or in its own."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import msgspec
from notify.app import NotifyService
from notify.sealing import new_key
from notify.settings import NotifySettings, Settings
from pydantic import SecretStr
from shared.events.access import AccessScope
from shared.events.catalogue import TYPE_OF
from shared.events.encode import encode_event
from shared.events.outcomes import Relations
from shared.events.registry import OrganisationRegistered
from shared.events.topics import ACCESS, OUTCOMES, REGISTRY, Topic, partition_for
from shared.runtime.auth import issue_key
from shared.runtime.clock import SystemClock
from shared.runtime.metrics import Metrics
from shared.runtime.producer import RecordProducer
from shared.runtime.settings import DatabaseSettings, HttpSettings, KafkaSettings

from tests.eventually import eventually

CONTENT = ("content-type", b"application/cloudevents+json")
RELATIONS = Relations(
    company="P01", community="Q03", station="S1", committee="Y017", developer="K02", street="T1"
)


@dataclass
class Stage:
    """What a test moves and looks at."""

    settings: Settings
    producer: RecordProducer
    connection: "asyncpg.Connection[asyncpg.Record]"
    key: str = ""
    sequences: dict[int, int] = field(default_factory=dict)

    @property
    def kafka(self) -> KafkaSettings:
        return self.settings.kafka

    async def put(
        self, topic: Topic, value: bytes | None, key: str, headers: Mapping[str, str] | None = None
    ) -> None:
        pairs = [CONTENT, *((name, text.encode()) for name, text in (headers or {}).items())]
        await self.producer.send(self.kafka.name_of(topic), value, key=key.encode(), headers=pairs)

    async def announce(
        self,
        data: msgspec.Struct,
        *,
        compound: str = "C00017",
        outcome: UUID | None = None,
        sequence: int | None = None,
        incarnation: int = 1,
    ) -> UUID:
        """Put an outcome on its topic as scoring would; answers its id."""
        outcome = outcome or uuid4()
        partition = partition_for(compound.encode(), self.kafka.partitions)
        if sequence is None:
            sequence = self.sequences[partition] = self.sequences.get(partition, 0) + 1
        value = encode_event(
            id=str(outcome),
            source="urn:anxing:scoring",
            type=TYPE_OF[type(data)].name,
            subject=compound,
            time=datetime.now(UTC),
            data=data,
        )
        headers = {"incarnation": str(incarnation), "partition-sequence": str(sequence)}
        await self.put(OUTCOMES, value, compound, headers)
        return outcome

    async def register(self, kind: Any, organisation: str, name: str, parent: str | None = None) -> None:
        """An organisation on the registry topic."""
        data = OrganisationRegistered(
            kind=kind, name=name, parent_id=parent, effective_from=datetime(2020, 1, 1, tzinfo=UTC).date()
        )
        value = encode_event(
            id=str(uuid4()),
            source="urn:anxing:registry",
            type="anxing.organisation.registered.v1",
            subject=organisation,
            time=datetime.now(UTC),
            data=data,
            receivedtime=datetime.now(UTC),
        )
        await self.put(REGISTRY, value, f"organisation:{organisation}")

    async def issue(self, *roles: Any, organisation: str | None = None) -> str:
        """A key known to every process that starts from now on."""
        identity = uuid4().hex[:12]
        since = datetime.now(UTC) - timedelta(days=1)
        text, issued = issue_key(
            credential_id=identity,
            actor_id=f"test {identity}",
            roles=roles,
            scope=AccessScope(everything=True),
            organisation=organisation,
            valid_from=since,
        )
        value = encode_event(
            id=str(uuid4()),
            source="urn:anxing:test",
            type="anxing.credential.issued.v1",
            subject=identity,
            time=since,
            data=issued,
        )
        await self.put(ACCESS, value, f"credential:{identity}")
        return text

    @asynccontextmanager
    async def service(self) -> AsyncIterator["Client"]:
        """A notify process in this one, with a client of its API."""
        service = NotifyService(self.settings)
        try:
            await service.start()
            transport = httpx.ASGITransport(app=service.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://notify") as http:
                client = Client(http, self.key)
                await eventually(client.is_ready, 30)
                yield client
                assert not service.fatal.done(), service.fatal
        finally:
            await service.stop()

    @contextmanager
    def process(self, port: int) -> Iterator["subprocess.Popen[bytes]"]:
        """`notify serve` as operators run it; killed at the end if it still runs."""
        process = subprocess.Popen(
            [sys.executable, "-m", "notify", "serve"],
            env=self.environment(port),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()

    def environment(self, port: int = 0, **others: str) -> dict[str, str]:
        key = self.settings.notify.encryption_key
        assert key is not None
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("ANXING_")},
            "ANXING_KAFKA__BOOTSTRAP": self.kafka.bootstrap,
            "ANXING_KAFKA__PARTITIONS": str(self.kafka.partitions),
            "ANXING_KAFKA__TOPIC_PREFIX": self.kafka.topic_prefix,
            "ANXING_KAFKA__SESSION_TIMEOUT_MS": "6000",
            "ANXING_DATABASE__URL": self.settings.database.url,
            "ANXING_HTTP__PORT": str(port),
            "ANXING_NOTIFY__ENCRYPTION_KEY": key.get_secret_value(),
            "ANXING_NOTIFY__ALLOWED_NETWORKS": '["127.0.0.0/8"]',
            **others,
        }

    async def rows(self, statement: str, *arguments: Any) -> list[Any]:
        return [tuple(row) for row in await self.connection.fetch(statement, *arguments)]

    async def value(self, statement: str, *arguments: Any) -> Any:
        return await self.connection.fetchval(statement, *arguments)

    async def decisions(self, outcome: UUID) -> dict[str, tuple[str, str, str | None]]:
        """Recipient -> (action, rule, reason)."""
        rows = await self.rows(
            "SELECT recipient_id, action, rule, reason FROM decision WHERE outcome_id = $1", outcome
        )
        return {row[0]: row[1:] for row in rows}


@dataclass
class Client:
    """A caller of the API with one key."""

    http: httpx.AsyncClient
    key: str

    async def ask(self, method: str, path: str, body: Any = None, *, expect: int = 200) -> Any:
        answer = await self.http.request(
            method, path, json=body, headers={"Authorization": f"Bearer {self.key}"}
        )
        assert answer.status_code == expect, answer.text
        return answer.json()

    async def get(self, path: str, *, expect: int = 200) -> Any:
        return await self.ask("GET", path, expect=expect)

    async def add_webhook(self, recipient: str, target: str, **more: Any) -> dict[str, Any]:
        body = {"recipient": recipient, "channel": "webhook", "target": target, **more}
        endpoint: dict[str, Any] = await self.ask("POST", "/v1/endpoints", body, expect=201)
        return endpoint

    async def is_ready(self) -> bool:
        return (await self.http.get("/readyz")).status_code == 200

    async def at_rest(self) -> None:
        """Wait until everything on the topics is taken over and everybody is told."""

        async def done() -> bool:
            progress = await self.get("/v1/progress")
            open_work = progress["due"] + progress["waiting"] + progress["outbox"]
            return open_work == 0 and all(one["cursor"] == one["end"] for one in progress["partitions"])

        await eventually(done, 30)


@asynccontextmanager
async def stage_on(kafka: KafkaSettings, url: str, files: Path) -> AsyncIterator[Stage]:
    settings = Settings(
        kafka=kafka,
        database=DatabaseSettings(url=url),
        http=HttpSettings(port=0),
        shutdown_seconds=4,
        notify=NotifySettings(
            encryption_key=SecretStr(new_key()), allowed_networks=("127.0.0.0/8",), files_directory=files
        ),
    )
    producer = RecordProducer(kafka, SystemClock(), Metrics("test"))
    await producer.start()
    connection = await asyncpg.connect(url)
    stage = Stage(settings, producer, connection)
    try:
        stage.key = await stage.issue("operator")
        yield stage
    finally:
        await connection.close()
        await producer.stop()
