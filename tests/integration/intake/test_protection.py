"""The door against slow, large and frequent senders, and its end under load, over real sockets."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from aiokafka import TopicPartition
from intake.metrics import IntakeMetrics
from intake.topics.circuit import Circuit
from intake.topics.publishing import PublishedEvents
from intake.topics.time import TimeSignal
from shared.events.topics import FACTS
from shared.runtime.clock import SystemClock
from shared.runtime.metrics import Metrics
from shared.runtime.producer import RecordProducer

from tests.eventually import eventually
from tests.integration.intake.house import SINGLE, House, Replica, bearer, incident

SECONDS_MAX = 20


async def opened(replica: Replica) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    url = replica.client.base_url
    return await asyncio.open_connection(url.host, url.port)


def head(key: str, *framing: str) -> bytes:
    headers = {"host": "x", **bearer(key), **SINGLE}
    lines = ["POST /v1/events HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), *framing]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


async def answer(reader: asyncio.StreamReader) -> tuple[int, str]:
    """Status, and the code of the problem."""
    async with asyncio.timeout(SECONDS_MAX):
        text = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        size = int(text.partition("content-length: ")[2].partition("\r\n")[0])
        problem = json.loads(await reader.readexactly(size))
    return int(text.split()[1]), problem["type"].rpartition(":")[2]


@pytest.fixture(scope="module")
async def hasty(house: House, key: str):
    """A replica that waits for nobody."""
    waits = {"FIRST_BYTE_SECONDS": "0.3", "STALL_SECONDS": "0.3", "BODY_SECONDS": "1"}
    async with house.replica(**{f"ANXING_DOOR__{name}": value for name, value in waits.items()}) as replica:
        await replica.knows(key)
        yield replica


@pytest.mark.parametrize("framing", ["content-length: 1000", "transfer-encoding: chunked"])
@pytest.mark.parametrize("pieces", [0, 1, 10_000])
async def test_a_slow_body_is_not_waited_for(hasty: Replica, key: str, framing: str, pieces: int):
    """Not for its first byte, not over a pause, and not for the whole of one that drips for ever."""
    reader, writer = await opened(hasty)
    writer.write(head(key, framing))

    async def drip() -> None:
        for _ in range(pieces):
            writer.write(b"{" if "length" in framing else b"1\r\n{\r\n")
            await asyncio.sleep(0.05)

    dripping = asyncio.create_task(drip())
    assert await answer(reader) == (408, "body_too_slow")
    dripping.cancel()
    writer.close()


async def test_a_large_body_is_refused_by_its_head(intake: Replica, key: str):
    reader, writer = await opened(intake)
    writer.write(head(key, "content-length: 1048577", "expect: 100-continue"))
    assert await answer(reader) == (413, "body_too_large")
    writer.close()


async def test_many_large_bodies_without_a_length_are_bounded(house: House, key: str):
    async with house.replica(ANXING_DOOR__BYTES_MAX=str(3 * 1024 * 1024)) as replica:
        await replica.knows(key)
        waiting = [await opened(replica) for _ in range(3)]
        for _, writer in waiting:
            writer.write(head(key, "transfer-encoding: chunked"))
        await eventually(lambda: under_way(replica, 3))
        # No byte of the fourth is read.
        assert (await replica.post(incident(), key)).json()["type"].endswith(":busy")
        for _, writer in waiting:
            writer.close()
        await eventually(lambda: under_way(replica, 0))
        assert (await replica.post(incident(), key)).status_code == 202


async def under_way(replica: Replica, requests: int) -> bool:
    text = (await replica.get("/metrics")).text
    return f"anxing_intake_requests_under_way {requests}.0" in text


async def test_a_device_that_sends_too_often_waits_and_the_others_do_not(house: House, key: str):
    fast = {"ANXING_DOOR__DEVICE_BURST": "5", "ANXING_DOOR__DEVICE_RESERVE": "10"}
    async with house.replica(**fast, ANXING_DOOR__DEVICE_PER_SECOND="0.01") as replica:
        loud = await replica.knows(await house.key("guard", device_id="D0007"))
        statuses = [(await replica.post(incident(), loud)).status_code for _ in range(20)]
        assert statuses.count(429) == 5
        assert statuses[-1] == 429
        refused = await replica.post(incident(), loud)
        assert int(refused.headers["retry-after"]) >= 90
        others = [(await replica.post(incident(), key)).status_code for _ in range(30)]
        assert set(others) == {202}


async def test_ended_under_load_nothing_answered_is_missing(house: House, key: str):
    answered: dict[str, int] = {}

    async def post(replica: Replica) -> None:
        while True:
            event = incident()
            try:
                response = await replica.post(event, key)
            except httpx.TransportError:
                # Its end: a connection that is cut says nothing.
                return
            answered[event["id"]] = response.status_code

    async with house.replica() as replica:
        await replica.knows(key)
        posting = [asyncio.create_task(post(replica)) for _ in range(32)]
        await eventually(lambda: len(answered) > 300)
        replica.process.terminate()
        async with asyncio.timeout(SECONDS_MAX):
            assert await replica.process.wait() == 0
            await asyncio.gather(*posting)
    assert set(answered.values()) == {202}
    assert answered.keys() <= {event["id"] for event in await house.events()}


async def test_a_broken_producer_costs_one_refusal_and_no_restart(house: House):
    """The sequence number that a failed batch takes along: the broker refuses all that comes after it."""
    plumbing, clock = Metrics("test"), SystemClock()
    metrics = IntakeMetrics(plumbing)
    producer = RecordProducer(house.kafka, clock, plumbing)
    await producer.start()
    circuit = Circuit(TimeSignal(producer, house.kafka, clock, 60.0).publish, metrics)
    log = PublishedEvents(producer, circuit, house.kafka, publish_seconds=4.5)
    topic = house.kafka.name_of(FACTS)
    one: Any = [(topic, "C1", b"{}", 0)]
    (before,) = await log.append_all(one)
    assert before is not None

    manager = producer._link._producer._txn_manager
    manager.increment_sequence_number(TopicPartition(topic, 0), 7)
    assert await log.append_all(one) == [None]
    assert not circuit.closed
    assert await log.append_all(one) == [None]
    await eventually(lambda: circuit.closed)
    assert await log.append_all(one) == [before + 1]
    assert plumbing.producer_rebuilds._value.get() == 1
    await circuit.stop()
    await producer.stop()
