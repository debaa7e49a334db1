"""A topic of one partition in memory."""

import pytest
from shared.events.topics import REGISTRY
from shared.runtime.clock import SystemClock
from shared.runtime.follower import TopicFollower
from shared.runtime.metrics import Metrics
from shared.runtime.producer import Outgoing, RecordProducer

from tests.eventually import eventually


@pytest.fixture
async def write(kafka):
    producer = RecordProducer(kafka, SystemClock(), Metrics("test"))
    await producer.start()

    async def send(*values: bytes | None) -> None:
        await producer.send_all(
            [Outgoing(kafka.name_of(REGISTRY), b"compound:C1", value) for value in values]
        )

    yield send
    await producer.stop()


async def test_values_arrive_in_order_and_once_before_and_after_the_start(kafka, write):
    seen: list[bytes | None] = []
    before = [b"%d" % number for number in range(2_000)]
    await write(*before)
    follower = TopicFollower(kafka, REGISTRY, seen.append, client_id="test")

    await follower.start()

    assert seen == before, "a start ends when what was there has been read"
    await write(b"more", None)
    await eventually(lambda: len(seen) == 2_002)
    assert seen[-2:] == [b"more", None]
    await follower.stop()
    assert not follower.ready


async def test_time_passes_without_records(kafka):
    ticks: list[int] = []
    follower = TopicFollower(kafka, REGISTRY, print, client_id="test", idle=lambda: ticks.append(1))
    await follower.start()

    await eventually(lambda: len(ticks) >= 2)

    await follower.stop()


async def test_a_bug_in_the_reader_is_not_hidden(kafka, write):
    def broken(value: bytes | None) -> None:
        if value == b"poison":
            raise ZeroDivisionError

    follower = TopicFollower(kafka, REGISTRY, broken, client_id="test")
    await follower.start()
    assert follower.ready

    await write(b"poison")
    await eventually(lambda: not follower.ready)

    again = TopicFollower(kafka, REGISTRY, broken, client_id="test")
    with pytest.raises(ZeroDivisionError):
        await again.start()
    assert not again.ready
