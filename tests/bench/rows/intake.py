"""I1: single events through the door, against the same requests answered by a bare app (F2)."""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import Iterator
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


async def i1(place: Place) -> Row:
    """One event of 2.8 KB a request, 64 connections."""
    kafka = place.kafka()
    await make_topics(kafka)
    url = await place.database("intake")
    environment = place.environment(kafka, url)
    key = await place.key(environment)

    async def value() -> Sample:
        async with place.service("intake", environment) as (port, process):
            return await _load(port, process, key, expected={202})

    async def floor() -> Sample:
        port = any_free()
        server = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.bench.floors.f2", kafka.bootstrap,
            kafka.name_of(topics.FACTS), str(port), cwd=ROOT,
        )  # fmt: skip
        try:
            await _until_listens(port)
            return await _load(port, psutil.Process(server.pid), key, expected={202})
        finally:
            server.terminate()
            await server.wait()

    return Row(
        name="I1",
        what="POST /v1/events, one event of 2.8 KB, 64 connections",
        unit="requests/s",
        target="at least 0.4 of F2",
        value=value,
        floor=floor,
    )


async def _load(port: int, process: psutil.Process, key: str, *, expected: set[int]) -> Sample:
    await drive(port, _requests(500, key), connections=CONNECTIONS)
    before = process.cpu_times()
    seconds, statuses, latencies = await drive(port, _requests(REQUESTS, key), connections=CONNECTIONS)
    after = process.cpu_times()
    assert set(statuses) == expected, statuses
    cpu = after.user + after.system - before.user - before.system
    latencies.sort()
    return Sample(
        REQUESTS / seconds,
        {
            "p50_ms": round(latencies[len(latencies) // 2] * 1000, 2),
            "p99_ms": round(latencies[int(len(latencies) * 0.99)] * 1000, 2),
            "cpu_us_per_request": round(cpu / REQUESTS * 1e6, 1),
            "rss_mib": round(process.memory_info().rss / 2**20),
        },
    )


def _requests(count: int, key: str) -> Iterator[bytes]:
    """Events that differ in id, compound and time only; made before they are needed."""
    now = datetime.now(UTC)
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
    bodies = [
        post(
            "/v1/events",
            msgspec.json.encode(
                {
                    "specversion": "1.0",
                    "id": str(uuid.uuid4()),
                    "source": "urn:anxing:bench",
                    "type": "anxing.inspection.recorded.v1",
                    "subject": f"B{number % 500:06d}",
                    "time": now,
                    "datacontenttype": "application/json",
                    "data": {"kind": "routine", "checks": checks},
                }
            ),
            "application/cloudevents+json",
            bearer=key,
        )
        for number in range(count)
    ]
    return iter(bodies)


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
