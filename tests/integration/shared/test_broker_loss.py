"""A broker that is killed and comes back, under a producer and a directory that live on."""

import asyncio
import os
import signal
from pathlib import Path

import pytest
from shared.embedded.ports import any_free
from shared.embedded.servers import Servers
from shared.events.topics import FACTS
from shared.runtime.auth import Directory, Unauthorised
from shared.runtime.clock import SystemClock
from shared.runtime.errors import Retryable
from shared.runtime.metrics import Metrics
from shared.runtime.producer import Outgoing, Position, RecordProducer
from shared.runtime.settings import KafkaSettings
from shared.runtime.topics import ensure_topics

from tests.eventually import eventually
from tests.integration.shared.test_directory import Access


class OwnServers:
    """Servers of this test alone, because they are killed."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.ports = {"kafka_port": any_free(), "postgres_port": any_free()}
        self.running: Servers | None = None

    async def start(self) -> Servers:
        self.running = await asyncio.to_thread(Servers.start, self.data, **self.ports)
        return self.running

    def kill_broker(self) -> None:
        assert self.running is not None
        os.kill(self.running.marks["kafka"].pid, signal.SIGKILL)


@pytest.fixture
async def own(tmp_path: Path):
    servers = OwnServers(tmp_path)
    await servers.start()
    yield servers
    await asyncio.to_thread(servers.running.stop)


def left_over() -> list[str]:
    names = [getattr(task.get_coro(), "__qualname__", "") for task in asyncio.all_tasks()]
    parts = ("AIOKafka", "Sender.", "MessageAccumulator.", "Fetcher.", "Coordinator.")
    return [name for name in names if name.startswith(parts)]


async def test_both_live_through_a_killed_broker_and_end_without_one(own: OwnServers):
    # In a loop of its own: tasks that other tests' clients start meanwhile are none of its business.
    await asyncio.to_thread(asyncio.run, live_through(own))


async def live_through(own: OwnServers) -> None:
    kafka = KafkaSettings(
        bootstrap=own.running.kafka, partitions=2, publish_deadline_seconds=1.0, connect_deadline_seconds=60.0
    )
    await ensure_topics(kafka)
    topic = kafka.name_of(FACTS)
    metrics, clock = Metrics("test"), SystemClock()
    producer = RecordProducer(kafka, clock, metrics)
    directory = Directory(kafka, clock=clock, metrics=metrics)
    await producer.start()
    await directory.start()
    assert await producer.send(topic, b"x", key=b"C1")

    own.kill_broker()

    with pytest.raises(Retryable):
        await producer.send(topic, b"x", key=b"C1")
    answers = await producer.send_all([Outgoing(topic, b"C%d" % number, b"x") for number in range(50)])
    assert all(isinstance(answer, Retryable) for answer in answers)
    assert not producer.healthy
    with pytest.raises(Unauthorised):
        directory.authenticate("Bearer ax_gate_00")

    await own.start()

    # Nobody sends: a process that is not ready gets no requests, and must come back all the same.
    await eventually(lambda: producer.healthy, 30)
    assert isinstance(await producer.send(topic, b"x", key=b"C1", deadline_seconds=30), Position)
    key, _ = await Access(kafka, producer).issue("gate")
    await eventually(lambda: knows(directory, key), 30)

    own.kill_broker()
    waiting = asyncio.ensure_future(producer.send(topic, b"x", key=b"C1", deadline_seconds=60))
    await eventually(lambda: len(producer._link.waiting) == 1)

    async with asyncio.timeout(10):
        await producer.stop(1.0)
        with pytest.raises(Retryable):
            await waiting
        await directory.stop()
    assert left_over() == []


def knows(directory: Directory, key: str) -> bool:
    try:
        directory.authenticate(key)
    except Unauthorised:
        return False
    return True
