"""One installation of scoring for a test: topics, database, services in this process, and their clock."""

import json
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import httpx
from scoring.app import ScoringService
from scoring.domain.rubric_sections import Rubric
from scoring.ports import Archive
from scoring.settings import DaySettings, FoldSettings, ScoringSettings, WorkSettings
from scoring.store.archive import DatabaseArchive
from shared.events.access import AccessScope
from shared.events.encode import encode_event
from shared.events.topics import ACCESS, FACTS, REGISTRY, Topic, partition_for
from shared.runtime.auth import issue_key
from shared.runtime.clock import Clock, SystemClock
from shared.runtime.database import Database
from shared.runtime.metrics import Metrics
from shared.runtime.producer import RecordProducer
from shared.runtime.settings import DatabaseSettings, HttpSettings, KafkaSettings

from tests.eventually import eventually

ZONE = ZoneInfo("Asia/Shanghai")
CONTENT = [("content-type", b"application/cloudevents+json")]
COMPOUND = {
    "name": "试验小区",
    "households": 800,
    "occupied_households": 700,
    "buildings": 9,
    "enclosed": True,
    "enrolled_on": "2026-01-01",
    "company_id": "P01",
    "community_id": "S1",
    "station_id": "baiguan",
    "committee_id": "W1",
    "effective_from": "2026-01-01",
}


class OneClockArchive(DatabaseArchive):
    """The database's clock follows the test's: both were set by the same hand."""

    async def clock_skew_seconds(self) -> float:
        return 0.0


def one_clock(database: Database, settings: ScoringSettings, clock: Clock, rubric: Rubric) -> Archive:
    return OneClockArchive(database, settings, clock, settings.kafka.name_of(FACTS), rubric.name)


@dataclass
class Stage:
    """What a test moves and looks at."""

    settings: ScoringSettings
    producer: RecordProducer
    connection: "asyncpg.Connection[asyncpg.Record]"
    key: str
    clock: Clock
    running: list[ScoringService] = field(default_factory=list)

    @property
    def kafka(self) -> KafkaSettings:
        return self.settings.kafka

    async def send(
        self, topic: Topic, value: bytes | None, *, key: str, partition: int | None = None
    ) -> None:
        name = self.kafka.name_of(topic)
        await self.producer.send(name, value, key=key.encode(), partition=partition, headers=CONTENT)

    async def facts(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Put facts on their topic as intake would, but for what it checks."""
        for event in events:
            await self.send(FACTS, json.dumps(event).encode(), key=event["subject"])

    async def register(
        self, compound: str, *, received: datetime | None = None, **changes: Any
    ) -> dict[str, Any]:
        """Register a compound; `changes` override what it is like."""
        event = {
            "specversion": "1.0",
            "id": str(uuid.uuid4()),
            "source": "urn:anxing:registry",
            "type": "anxing.compound.registered.v1",
            "subject": compound,
            "time": "2026-01-01T00:00:00+08:00",
            "datacontenttype": "application/json",
            "receivedtime": (received or self.clock.now()).isoformat(),
            "data": {**COMPOUND, **changes},
        }
        await self.send(REGISTRY, json.dumps(event).encode(), key=f"compound:{compound}")
        return event

    async def company(self, company: str, **data: Any) -> None:
        """Register a company, valid for ever unless `data` says otherwise."""
        always = {"number": "x", "valid_from": "2020-01-01", "valid_to": "2040-01-01"}
        event = {
            "specversion": "1.0",
            "id": str(uuid.uuid4()),
            "source": "urn:anxing:registry",
            "type": "anxing.company.registered.v1",
            "subject": company,
            "time": "2026-01-01T00:00:00+08:00",
            "datacontenttype": "application/json",
            "receivedtime": self.clock.now().isoformat(),
            "data": {
                "name": "示例物业",
                "construction_permit": always,
                "market_registration": always,
                "effective_from": "2020-01-01",
                **data,
            },
        }
        await self.send(REGISTRY, json.dumps(event).encode(), key=f"company:{company}")

    def fact(
        self,
        compound: str,
        kind: str,
        data: Mapping[str, Any],
        *,
        time: datetime | None = None,
        **attributes: Any,
    ) -> dict[str, Any]:
        """A fact of a compound as intake would have stamped it."""
        now = self.clock.now()
        return {
            "specversion": "1.0",
            "id": str(uuid.uuid4()),
            "source": f"urn:anxing:device:{compound}",
            "type": f"anxing.{kind}.v1",
            "subject": compound,
            "time": (time or now).isoformat(),
            "datacontenttype": "application/json",
            "receivedtime": now.isoformat(),
            "actorrole": "officer",
            **attributes,
            "data": data,
        }

    def partition(self, compound: str) -> int:
        return partition_for(compound.encode(), self.kafka.partitions)

    @asynccontextmanager
    async def service(self, **overrides: Any) -> AsyncIterator[httpx.AsyncClient]:
        """A scoring process in this one, with a client of its API."""
        movable = not isinstance(self.clock, SystemClock)
        service = ScoringService(
            self.settings.model_copy(update=overrides),
            clock=self.clock,
            make_archive=one_clock if movable else None,
        )
        try:
            await service.start()
            self.running.append(service)
            transport = httpx.ASGITransport(app=service.app)
            headers = {"Authorization": f"Bearer {self.key}"}
            async with httpx.AsyncClient(
                transport=transport, base_url="http://scoring", headers=headers
            ) as client:
                await eventually(lambda: service.worker.ready, 30)
                yield client
                assert not service.fatal.done(), service.fatal
        finally:
            if service in self.running:
                self.running.remove(service)
            await service.stop()

    def wake(self) -> None:
        """Look for due work now instead of within a second."""
        for service in self.running:
            service.worker.facts.wake()

    async def at_rest(self, client: httpx.AsyncClient, deadline: float = 40) -> None:
        """Wait until everything on the topics is scored and announced."""

        async def done() -> bool:
            answer = await client.get("/v1/progress")
            assert answer.status_code == 200, answer.text
            return all(
                one["cursor"] == one["end"] and not one["outbox"] and not one["pending"]
                for one in answer.json()["partitions"]
            )

        await eventually(done, deadline)

    async def scores(self) -> Sequence[tuple[Any, ...]]:
        """What must be equal whatever the order of arrival was."""
        rows = await self.connection.fetch(
            "SELECT compound, day, as_of_day, next_change_day, score_milli, star, dynamic_star, rated,"
            " enrolled, name, company_id, shown FROM compound_state ORDER BY compound"
        )
        steps = await self.connection.fetch("SELECT * FROM score_step ORDER BY compound, day")
        ledger = await self.connection.fetch(
            "SELECT compound, root, revision, day, event_id, source, withdrawn FROM ledger ORDER BY 1, 2"
        )
        history = await self.connection.fetch(
            "SELECT compound, root, revision, event_id, source FROM ledger_history ORDER BY 1, 2, 3, 4, 5"
        )
        return [tuple(row) for row in (*rows, *steps, *ledger, *history)]

    async def outcomes(self) -> list[dict[str, Any]]:
        """Everything announced so far, in order of partition and sequence, from the topic."""
        from tests.integration.scoring.outcomes import read_outcomes  # noqa: PLC0415 - a consumer few need

        return await read_outcomes(self.kafka)

    async def assert_dense(self) -> None:
        """Ledger and outcome numbers of each partition have no gap and no repeat."""
        wrong = await self.connection.fetch(
            """
            SELECT c.partition FROM input_cursor c
            LEFT JOIN (
                SELECT partition, count(*) AS rows, max(ledger_seq) AS last FROM ledger_body GROUP BY 1
            ) b ON b.partition = c.partition
            WHERE c.topic = $1
              AND (coalesce(b.rows, 0) <> c.ledger_seq OR coalesce(b.last, 0) <> c.ledger_seq)
            """,
            self.kafka.name_of(FACTS),
        )
        assert not wrong, wrong


def settings_for(kafka: KafkaSettings, url: str) -> ScoringSettings:
    """Settings of a test: small waits, small chunks, so that many of them happen."""
    return ScoringSettings(
        kafka=kafka,
        database=DatabaseSettings(url=url),
        http=HttpSettings(port=0),
        fold=FoldSettings(cached_compounds=50, whole_compounds=5, freeze_after_batches=0),
        days=DaySettings(),
        work=WorkSettings(chunk=5, refold_every_seconds=0.3),
    )


@asynccontextmanager
async def stage_on(kafka: KafkaSettings, url: str, clock: Clock) -> AsyncIterator[Stage]:
    """A stage with a producer, a connection of its own, and a key that sees everything."""
    settings = settings_for(kafka, url)
    producer = RecordProducer(kafka, clock, Metrics("test"))
    await producer.start()
    connection = await asyncpg.connect(url)
    await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
    stage = Stage(settings, producer, connection, "", clock)
    try:
        stage.key = await issue(stage, AccessScope(everything=True))
        yield stage
    finally:
        await connection.close()
        await producer.stop()


async def issue(stage: Stage, scope: AccessScope) -> str:
    """A key with that scope, known to every process that starts from now on."""
    identity = uuid.uuid4().hex[:12]
    since = datetime.now(UTC) - timedelta(days=3650)
    text, issued = issue_key(
        credential_id=identity, actor_id="test", roles=("officer",), scope=scope, valid_from=since
    )
    event = encode_event(
        id=str(uuid.uuid4()),
        source="urn:anxing:test",
        type="anxing.credential.issued.v1",
        subject=identity,
        time=since,
        data=issued,
    )
    await stage.send(ACCESS, event, key=f"credential:{identity}")
    return text
