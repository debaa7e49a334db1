"""One installation of intake for tests: its topics, its database, its processes, and a reader of its own."""

import asyncio
import json
import os
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition
from intake.topics.credentials import publish, read_keys
from shared.embedded.ports import any_free
from shared.events.access import AccessScope, CredentialIssued, CredentialRevoked
from shared.events.topics import FACTS, REGISTRY, Topic, partitions_of
from shared.runtime.auth import issue_key
from shared.runtime.settings import KafkaSettings

from tests.eventually import eventually

SINGLE = {"content-type": "application/cloudevents+json"}
BATCH = {"content-type": "application/cloudevents-batch+json"}
EVERYTHING = AccessScope(everything=True)


@dataclass
class Replica:
    """One process of intake and a client of it."""

    process: asyncio.subprocess.Process
    client: httpx.AsyncClient
    log: Path

    async def post(self, event: Any, key: str, **headers: str) -> httpx.Response:
        """One event, or a batch when it is a list; bytes go as they are, as one event."""
        form = BATCH if isinstance(event, list) else SINGLE
        body = event if isinstance(event, bytes) else json.dumps(event, ensure_ascii=False).encode()
        return await self.client.post("/v1/events", content=body, headers={**bearer(key), **form, **headers})

    async def get(self, path: str, key: str | None = None) -> httpx.Response:
        return await self.client.get(path, headers={} if key is None else bearer(key))

    async def knows(self, key: str) -> str:
        """The key, as soon as this replica takes it."""

        async def taken() -> bool:
            return (await self.get("/v1/time", key)).status_code == 200

        await eventually(taken)
        return key

    async def ready(self) -> bool:
        return (await self.client.get("/readyz")).status_code == 200

    async def end(self) -> int:
        """Ends it as an orchestrator does; its exit code."""
        await self.client.aclose()
        if self.process.returncode is None:
            self.process.terminate()
        return await asyncio.wait_for(self.process.wait(), 30)


@dataclass
class House:
    """What the replicas of one installation share."""

    kafka: KafkaSettings
    database: str
    settings: dict[str, str] = field(default_factory=dict)

    def environment(self, **more: str) -> dict[str, str]:
        return {
            **os.environ,
            "ANXING_KAFKA__BOOTSTRAP": self.kafka.bootstrap,
            "ANXING_KAFKA__PARTITIONS": str(self.kafka.partitions),
            "ANXING_KAFKA__TOPIC_PREFIX": self.kafka.topic_prefix,
            "ANXING_DATABASE__URL": self.database,
            "ANXING_SHUTDOWN_SECONDS": "6",
            **self.settings,
            **more,
        }

    @asynccontextmanager
    async def replica(self, **more: str) -> AsyncIterator[Replica]:
        """A process that is ready, and ended afterwards."""
        port = any_free()
        with tempfile.NamedTemporaryFile(prefix="anxing-intake-", suffix=".log") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "intake", "serve"),
                env=self.environment(ANXING_HTTP__PORT=str(port), **more),
                stdout=log,
                stderr=log,
            )
            client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30)
            replica = Replica(process, client, Path(log.name))

            async def ready() -> bool:
                if process.returncode is not None:
                    raise RuntimeError(await asyncio.to_thread(Path(log.name).read_text))
                try:
                    return await replica.ready()
                except httpx.TransportError:
                    return False

            try:
                await eventually(ready, 30)
                yield replica
            finally:
                await replica.end()

    async def key(self, *roles: str, scope: AccessScope = EVERYTHING, **more: Any) -> str:
        """A new key with those roles (an officer's without any), on its topic."""
        now = datetime.now(UTC)
        credential_id = f"k-{uuid.uuid4().hex[:8]}"
        text, issued = issue_key(
            credential_id=credential_id,
            actor_id=f"actor-{credential_id}",
            roles=roles or ("officer",),  # type: ignore[arg-type]  # tests write them by hand
            scope=scope,
            valid_from=min(now, more.get("valid_to") or now) - timedelta(minutes=1),
            organisation=more.pop("organisation", "S1"),
            **more,
        )
        await publish(self.kafka, issued, now)
        return text

    async def revoke(self, key: str) -> None:
        known = (await read_keys(self.kafka))[id_of(key)]
        now = datetime.now(UTC)
        revoked = CredentialRevoked(credential_id=id_of(key), revoked_at=now, credential=known.issued)
        await publish(self.kafka, revoked, now)

    async def credential(self, key: str) -> CredentialIssued:
        return (await read_keys(self.kafka))[id_of(key)].issued

    async def ends(self) -> dict[str, int]:
        """How many records each partition of facts and registry has had."""
        async with self._reader() as reader:
            partitions = self._partitions(FACTS, REGISTRY)
            offsets = await reader.end_offsets(partitions)
        return {f"{partition.topic}/{partition.partition}": end for partition, end in offsets.items()}

    async def records(self, topic: Topic = FACTS) -> list[Any]:
        """Every record of a topic, partition by partition."""
        partitions = self._partitions(topic)
        found: list[Any] = []
        async with self._reader() as reader:
            ends = await reader.end_offsets(partitions)
            reader.assign(partitions)
            await reader.seek_to_beginning(*partitions)
            while any([await reader.position(partition) < ends[partition] for partition in partitions]):
                for records in (await reader.getmany(timeout_ms=200)).values():
                    found.extend(records)
        return sorted(found, key=lambda record: (record.partition, record.offset))

    async def events(self, topic: Topic = FACTS) -> list[dict[str, Any]]:
        return [json.loads(record.value) for record in await self.records(topic)]

    def _partitions(self, *topics: Topic) -> list[TopicPartition]:
        return [
            TopicPartition(self.kafka.name_of(topic), number)
            for topic in topics
            for number in range(partitions_of(topic, self.kafka.partitions))
        ]

    @asynccontextmanager
    async def _reader(self) -> AsyncIterator[AIOKafkaConsumer]:
        reader = AIOKafkaConsumer(bootstrap_servers=self.kafka.bootstrap, enable_auto_commit=False)
        await reader.start()
        try:
            yield reader
        finally:
            await reader.stop()


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def id_of(key: str) -> str:
    return key.removeprefix("ax_").rpartition("_")[0]


def incident(**changes: Any) -> dict[str, Any]:
    """A valid incident of now; changes replace attributes, None removes one."""
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "source": "urn:anxing:device:D0001",
        "type": "anxing.incident.recorded.v1",
        "subject": "C00017",
        "time": (datetime.now(UTC) - timedelta(minutes=5)).isoformat(),
        "data": {"code": "010301", "status": "filed"},
    }
    event.update(changes)
    return {name: value for name, value in event.items() if value is not None}


def compound(subject: str, *, station: str = "S1", community: str = "M1") -> dict[str, Any]:
    data = {
        "name": "试验小区",
        "households": 800,
        "occupied_households": 700,
        "buildings": 9,
        "enclosed": True,
        "company_id": "P01",
        "community_id": community,
        "station_id": station,
        "effective_from": "2026-01-01",
    }
    return incident(type="anxing.compound.registered.v1", subject=subject, data=data)


def words(response: httpx.Response) -> Sequence[str]:
    """The statuses of the items of a batch."""
    return [item["status"] for item in response.json()["items"]]
