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
from tests.bench.wire import Outcome, arrive, drive

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
            _only({202}, calm)
            lasted, strained = await _open(port, key, 2 * peak)
            _only({202, 503}, strained)
            accepted = [each.seconds for each in strained if each.status == 202]
            refused = [each.seconds for each in strained if each.status == 503]
            return Sample(
                milliseconds([each.seconds for each in calm], 0.99),
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


def _only(statuses: set[int], outcomes: list[Outcome]) -> None:
    found = Counter(each.status for each in outcomes)
    assert found.keys() <= statuses, found


async def _open(port: int, key: str, per_second: float) -> tuple[float, list[Outcome]]:
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
                stopping = asyncio.Event()
                load = asyncio.create_task(
                    arrive(
                        *(port, _endless(key)),
                        per_second=POSTS_PER_SECOND,
                        seconds=AWAY_SECONDS + BACK_SECONDS_MAX,
                        connections=OPEN_CONNECTIONS,
                        stopping=stopping,
                    )
                )
                await asyncio.sleep(2)
                killed = time.perf_counter()
                os.kill(servers.marks["kafka"].pid, signal.SIGKILL)
                await asyncio.sleep(AWAY_SECONDS)
                await asyncio.to_thread(servers.revive)
                back = time.perf_counter()
                ready = await _until_ready(port)
                await asyncio.sleep(2)
                stopping.set()
                _, outcomes = await load
                return _told(outcomes, killed, back, ready, rss_mib(process))

    return Row(
        name="I4",
        what=f"Kafka killed under {POSTS_PER_SECOND} requests/s: from then to the first 503",
        unit="s",
        target="at most 5 s; later ones p99 at most 10 ms, ready again within 5 s",
        value=value,
        runs=3,
    )


def _told(outcomes: list[Outcome], killed: float, back: float, ready: float, rss: int) -> Sample:
    _only({202, 503}, outcomes)
    refused = [each for each in outcomes if each.status == 503]
    first = min(each.due + each.seconds for each in refused if each.due + each.seconds > killed)
    again = min(each.due + each.seconds for each in outcomes if each.status == 202 and each.due > back)
    return Sample(
        round(first - killed, 3),
        {
            "longest_wait_s": round(max(each.seconds for each in refused), 2),
            "later_p99_ms": milliseconds([each.seconds for each in refused if first < each.due < back], 0.99),
            "ready_after_s": round(ready - back, 2),
            "taken_again_after_s": round(again - back, 2),
            "refused": len(refused),
            "stored": len(outcomes) - len(refused),
            "rss_mib": rss,
        },
    )


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
