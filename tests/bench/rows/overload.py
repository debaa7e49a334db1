"""I3 and I4: the door under more than it can carry, and while Kafka is gone."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from shared.embedded.ports import any_free
from shared.embedded.servers import Servers

from tests.bench.harness import Row, Sample
from tests.bench.place import Place, make_topics
from tests.bench.rows.intake import CONNECTIONS, milliseconds, rss_mib, singles
from tests.bench.wire import arrive, drive

PEAK_REQUESTS = 10_000
OPEN_SECONDS = 8.0
OPEN_CONNECTIONS = 2_000
POSTS_PER_SECOND = 200
AWAY_SECONDS = 10.0
BACK_SECONDS_MAX = 60.0


async def i3(place: Place) -> Row:
    """The peak in closed loop, then 60 % of it and twice of it in open loop."""
    kafka = place.kafka()
    await make_topics(kafka)
    url = await place.database("intake")
    environment = place.environment(kafka, url)
    key = await place.key(environment)

    async def value() -> Sample:
        async with place.service("intake", environment) as (port, process):
            await drive(port, singles(500, key), connections=CONNECTIONS)
            ready = iter(list(singles(PEAK_REQUESTS, key)))
            peak = PEAK_REQUESTS / (await drive(port, ready, connections=CONNECTIONS))[0]
            _, calm = await _open(port, key, 0.6 * peak)
            assert {status for status, _ in calm} == {202}, Counter(status for status, _ in calm)
            lasted, strained = await _open(port, key, 2 * peak)
            assert {status for status, _ in strained} <= {202, 503}, Counter(status for status, _ in strained)
            accepted = [seconds for status, seconds in strained if status == 202]
            refused = [seconds for status, seconds in strained if status == 503]
            return Sample(
                milliseconds([seconds for _, seconds in calm], 0.99),
                {
                    "peak": round(peak),
                    "kept": round(len(accepted) / lasted / peak, 3),
                    "accepted_p99_ms": milliseconds(accepted, 0.99),
                    "refused": len(refused),
                    "refused_p99_ms": milliseconds(refused, 0.99),
                    "rss_mib": rss_mib(process),
                },
            )

    return Row(
        name="I3",
        what="p99 at 60 % of the peak, open loop; at twice the peak what is kept of it, and refusals",
        unit="ms",
        target="at most 50 ms; kept at least 0.9, refusals p99 at most 50 ms",
        value=value,
        runs=3,
    )


async def _open(port: int, key: str, per_second: float) -> tuple[float, list[tuple[int, float]]]:
    return await arrive(
        port, _endless(key), per_second=per_second, seconds=OPEN_SECONDS, connections=OPEN_CONNECTIONS
    )


def _endless(key: str) -> Iterator[bytes]:
    while True:
        yield from singles(10_000, key)


async def i4(place: Place) -> Row:
    """Servers of its own, because Kafka is killed; light load in open loop all the while."""

    async def value() -> Sample:
        async with _doomed(place) as (servers, doomed):
            kafka = doomed.kafka()
            await make_topics(kafka)
            environment = doomed.environment(kafka, await doomed.database("intake"))
            key = await doomed.key(environment)
            async with doomed.service("intake", environment) as (port, process):
                load = asyncio.create_task(_load(port, key))
                await asyncio.sleep(2)
                killed = time.perf_counter()
                os.kill(servers.marks["kafka"].pid, signal.SIGKILL)
                await asyncio.sleep(AWAY_SECONDS)
                await asyncio.to_thread(servers.revive)
                back = time.perf_counter()
                ready = await _until_ready(port) - back
                await asyncio.sleep(2)
                load.cancel()
                return _told(await load, killed, back, ready, rss_mib(process))

    return Row(
        name="I4",
        what="Kafka killed under 200 requests/s: the longest wait for a first 503",
        unit="s",
        target="at most 5 s; later refusals p99 at most 10 ms, ready again within 5 s",
        value=value,
        runs=3,
    )


Post = tuple[float, float, int]


def _told(posts: list[Post], killed: float, back: float, ready: float, rss: int) -> Sample:
    """`posts` are (sent, answered, status), in any order."""
    away = sorted(post for post in posts if post[2] == 503)
    first = min(answered for _, answered, _ in away)
    later = [answered - sent for sent, answered, _ in away if first < sent < back]
    return Sample(
        max(answered - sent for sent, answered, _ in away),
        {
            "first_503_after_s": round(first - killed, 2),
            "later_p99_ms": milliseconds(later, 0.99),
            "ready_after_s": round(max(0.0, ready), 2),
            "taken_again_after_s": round(
                min(answered for sent, answered, status in posts if sent > first and status == 202) - back, 2
            ),
            "statuses": dict(Counter(status for *_, status in posts)),
            "rss_mib": rss,
        },
    )


async def _load(port: int, key: str) -> list[Post]:
    """Single events at a fixed rate, whatever becomes of them, until cancelled."""
    posts: list[Post] = []
    under_way: set[asyncio.Task[None]] = set()
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=200)
    requests = (request.partition(b"\r\n\r\n")[2] for request in _endless(key))
    headers = {"authorization": f"Bearer {key}", "content-type": "application/cloudevents+json"}
    async with httpx.AsyncClient(limits=limits, timeout=30, headers=headers) as client:

        async def send(body: bytes) -> None:
            sent = time.perf_counter()
            response = await client.post(f"http://127.0.0.1:{port}/v1/events", content=body)
            posts.append((sent, time.perf_counter(), response.status_code))

        try:
            while True:
                task = asyncio.create_task(send(next(requests)))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
                await asyncio.sleep(1 / POSTS_PER_SECOND)
        except asyncio.CancelledError:
            await asyncio.gather(*under_way)
            return posts


async def _until_ready(port: int) -> float:
    deadline = time.perf_counter() + BACK_SECONDS_MAX
    async with httpx.AsyncClient() as client:
        while time.perf_counter() < deadline:
            if (await client.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200:
                return time.perf_counter()
            await asyncio.sleep(0.02)
    raise RuntimeError(f"not ready again within {BACK_SECONDS_MAX} s")


@asynccontextmanager
async def _doomed(place: Place) -> AsyncIterator[tuple[Servers, Place]]:
    """Servers with fixed ports, so that Kafka comes back where it was."""
    with tempfile.TemporaryDirectory(prefix="anxing-bench-", dir=place.work) as folder:
        ports: dict[str, Any] = {"kafka_port": any_free(), "postgres_port": any_free()}
        servers = await asyncio.to_thread(lambda: Servers.start(Path(folder) / "data", **ports))
        try:
            yield servers, Place(servers.kafka, servers.postgres, Path(folder))
        finally:
            await asyncio.to_thread(servers.stop)
