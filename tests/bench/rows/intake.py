"""I1 and I2: events through the door, singly and in batches, against the same in a bare app (F2)."""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import msgspec
import psutil
from shared.embedded.ports import any_free
from shared.events import topics

from tests.bench.harness import Row, Sample
from tests.bench.place import ROOT, Place, make_topics
from tests.bench.wire import drive, post

CONNECTIONS = 64
REQUESTS = 15_000
CHECKS = 20
BATCH_EVENTS = 100
BATCH_CONNECTIONS = 8
BATCHES = 200
_ID = str(uuid.UUID(int=0))
_SUBJECT = "B000000"

# So many requests with that key, one after the other.
Requests = Callable[[int, str], Iterator[bytes]]


async def i1(place: Place) -> Row:
    """One event of 2.8 KB a request, 64 connections."""
    return await _row(
        place,
        name="I1",
        what=f"POST /v1/events, one event of 2.8 KB, {CONNECTIONS} connections",
        unit="requests/s",
        requests=singles,
        count=REQUESTS,
        events=1,
        connections=CONNECTIONS,
    )


async def i2(place: Place) -> Row:
    """Batches of 100 such events; the floor sends each body in 100 parts."""
    return await _row(
        place,
        name="I2",
        what=f"POST /v1/events, batches of {BATCH_EVENTS} events of 2.8 KB, {BATCH_CONNECTIONS} connections",
        unit="events/s",
        requests=batches,
        count=BATCHES,
        events=BATCH_EVENTS,
        connections=BATCH_CONNECTIONS,
    )


async def _row(
    place: Place,
    *,
    name: str,
    what: str,
    unit: str,
    requests: Requests,
    count: int,
    events: int,
    connections: int,
) -> Row:
    kafka = place.kafka()
    await make_topics(kafka)
    url = await place.database("intake")
    environment = place.environment(kafka, url)
    key = await place.key(environment)

    async def load(port: int, process: psutil.Process) -> Sample:
        await drive(port, requests(max(1, count // 30), key), connections=connections)
        ready = iter(list(requests(count, key)))
        before = process.cpu_times()
        seconds, statuses, latencies = await drive(port, ready, connections=connections)
        after = process.cpu_times()
        assert set(statuses) == {202}, statuses
        cpu = after.user + after.system - before.user - before.system
        return Sample(
            count * events / seconds,
            {
                "p50_ms": milliseconds(latencies, 0.5),
                "p99_ms": milliseconds(latencies, 0.99),
                "cpu_us_per_event": round(cpu / count / events * 1e6, 1),
                "rss_mib": rss_mib(process),
            },
        )

    async def value() -> Sample:
        async with place.service("intake", environment) as (port, process):
            return await load(port, process)

    async def floor() -> Sample:
        async with _bare_app(kafka.bootstrap, kafka.name_of(topics.FACTS), events) as (port, process):
            return await load(port, process)

    return Row(name=name, what=what, unit=unit, target="at least 0.4 of F2", value=value, floor=floor)


def milliseconds(seconds: list[float], share: float) -> float:
    """The percentile of latencies, 0.0 of none."""
    if not seconds:
        return 0.0
    return round(sorted(seconds)[min(len(seconds) - 1, int(len(seconds) * share))] * 1000, 2)


def rss_mib(process: psutil.Process) -> int:
    return round(process.memory_info().rss / 2**20)


def singles(count: int, key: str) -> Iterator[bytes]:
    """Events that differ in id and compound only."""
    for body in _bodies(count):
        yield post("/v1/events", body, "application/cloudevents+json", bearer=key)


def batches(count: int, key: str) -> Iterator[bytes]:
    """Batches of them."""
    for _ in range(count):
        body = b"[" + b",".join(_bodies(BATCH_EVENTS)) + b"]"
        yield post("/v1/events", body, "application/cloudevents-batch+json", bearer=key)


def _bodies(count: int) -> Iterator[bytes]:
    checks = [
        {
            "item": "B2",
            "checkpoint": f"lamp-{number}",
            "result": "pass",
            "note": "照明正常" * 4,
            "evidence": ["0" * 64] if number < 3 else [],
        }
        for number in range(CHECKS)
    ]
    event = msgspec.json.encode(
        {
            "specversion": "1.0",
            "id": _ID,
            "source": "urn:anxing:bench",
            "type": "anxing.inspection.recorded.v1",
            "subject": _SUBJECT,
            "time": datetime.now(UTC),
            "datacontenttype": "application/json",
            "data": {"kind": "routine", "checks": checks},
        }
    )
    # Written by hand from here on: an encoder in the load generator would be measured too.
    head, _, rest = event.partition(_ID.encode())
    middle, _, tail = rest.partition(_SUBJECT.encode())
    for number in range(count):
        yield b"%b%b%bB%06d%b" % (head, str(uuid.uuid4()).encode(), middle, number % 500, tail)


@asynccontextmanager
async def _bare_app(bootstrap: str, topic: str, sends: int) -> AsyncIterator[tuple[int, psutil.Process]]:
    port = any_free()
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.floors.f2", bootstrap, topic, str(port), str(sends)), cwd=ROOT
    )
    try:
        await _until_listens(port)
        yield port, psutil.Process(server.pid)
    finally:
        server.terminate()
        await server.wait()


async def _until_listens(port: int) -> None:
    for _ in range(200):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
    raise RuntimeError(f"nothing listens on {port}")
