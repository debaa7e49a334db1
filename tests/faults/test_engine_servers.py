"""Kafka and PostgreSQL themselves die under a working consumer, and come back."""

import asyncio
import os
import signal

import asyncpg
import pytest
from shared.embedded.servers import Servers
from shared.events.topics import FACTS
from shared.runtime.clock import SystemClock
from shared.runtime.errors import Retryable
from shared.runtime.metrics import Metrics
from shared.runtime.producer import RecordProducer
from shared.runtime.settings import KafkaSettings
from shared.runtime.topics import ensure_topics

from tests.eventually import eventually
from tests.integration.runtime.audit import audit
from tests.integration.runtime.tally import Worker, make_tables

PARTITIONS = 4


@pytest.fixture
async def kafka(own: Servers, request: pytest.FixtureRequest) -> KafkaSettings:
    settings = KafkaSettings(
        bootstrap=own.kafka,
        partitions=PARTITIONS,
        session_timeout_ms=6000,
        topic_prefix=f"{request.node.name[:30]}.",
    )
    await ensure_topics(settings)
    return settings


@pytest.fixture
async def url(own: Servers, request: pytest.FixtureRequest) -> str:
    name = request.node.name[:30]
    connection = await asyncpg.connect(own.postgres)
    await connection.execute(f'CREATE DATABASE "{name}"')
    await connection.close()
    fresh = f"{own.postgres.rpartition('/')[0]}/{name}"
    await make_tables(fresh)
    return fresh


class Load:
    """Publishes until stopped; `sent` are acknowledged, a record that was not is sent again."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self.sent = 0
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        producer = RecordProducer(self._kafka, SystemClock(), Metrics("load"))
        await producer.start()
        try:
            while True:
                place = self.sent % PARTITIONS
                try:
                    await producer.send(self._kafka.name_of(FACTS), b"x", key=b"C", partition=place)
                    self.sent += 1
                except Retryable:
                    continue
                await asyncio.sleep(0.002)
        finally:
            await producer.stop()

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])


async def settled(worker: Worker, load: Load) -> bool:
    taken = await worker.database.pool.fetchval("SELECT count(*) FROM taken")
    return taken >= load.sent and await worker.relay_empty()


async def test_immediate_restart_of_postgres(own: Servers, kafka: KafkaSettings, url: str) -> None:
    async with Worker(kafka, url) as worker:
        load = Load(kafka)
        for turn in range(2):
            already = load.sent
            await eventually(
                lambda before=already: worker.tally.committed_batches > 5 and load.sent > before + 50
            )
            # What its manual calls an immediate shutdown: no checkpoint, recovery from the log.
            os.kill(own.marks["postgres"].pid, signal.SIGQUIT)
            await eventually(lambda: not own.marks["postgres"].alive())
            await eventually(lambda: not worker.consumer.ready)
            assert await asyncio.to_thread(own.revive) == ["postgres"], turn
            await eventually(lambda: worker.consumer.ready, 30)
        await load.stop()
        await eventually(lambda: settled(worker, load), 60)
        assert worker.fatal == []
    assert (await audit(kafka, url)).clean


async def test_kill_and_restart_of_kafka(own: Servers, kafka: KafkaSettings, url: str) -> None:
    async with Worker(kafka, url) as worker:
        load = Load(kafka)
        await eventually(lambda: worker.tally.committed_batches > 5)
        os.kill(own.marks["kafka"].pid, signal.SIGKILL)
        await eventually(lambda: not own.marks["kafka"].alive())
        assert await asyncio.to_thread(own.revive) == ["kafka"]
        again = load.sent
        await eventually(lambda: load.sent > again + 50, 60)
        await load.stop()
        await eventually(lambda: settled(worker, load), 60)
        await eventually(lambda: worker.consumer.ready, 30)
        assert worker.fatal == []
    assert (await audit(kafka, url)).clean


async def test_stops_while_kafka_is_away(own: Servers, kafka: KafkaSettings, url: str) -> None:
    worker = await Worker(kafka, url).start()
    await eventually(lambda: worker.consumer.ready)
    os.kill(own.marks["kafka"].pid, signal.SIGKILL)
    await eventually(lambda: not own.marks["kafka"].alive())
    async with asyncio.timeout(30):
        await worker.stop()
    assert worker.fatal == []
    assert await asyncio.to_thread(own.revive) == ["kafka"]
