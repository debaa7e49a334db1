"""N1: deliveries per core-second of the worker, draining one endpoint, against bare posts (F5)."""

from __future__ import annotations

import asyncio
import sys
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aiohttp
import asyncpg
import psutil
from shared.embedded.ports import any_free
from shared.events import outcomes, topics
from shared.events.encode import encode_event
from shared.runtime.clock import SystemClock
from shared.runtime.metrics import Metrics
from shared.runtime.producer import Outgoing, RecordProducer

from tests.bench.harness import Row, Sample
from tests.bench.place import ROOT, Place, make_topics, run_floor, run_to_end
from tests.bench.rows.stock import until

DELIVERIES = 10_000
BODY_BYTES = 700  # about what a notice of `score.updated` weighs
RECIPIENT = "company:P01"


async def n1(place: Place) -> Row:
    """Drain a backlog of one endpoint."""
    kafka = place.kafka()
    await make_topics(kafka)
    url = await place.database("notify")
    intake = place.environment(kafka, await place.database("intake"))
    key = await place.key(intake)
    environment = place.environment(
        kafka,
        url,
        ANXING_NOTIFY__ENCRYPTION_KEY=(await run_to_end(["notify", "keygen"], intake)).decode().strip(),
        ANXING_NOTIFY__ALLOWED_NETWORKS='["127.0.0.0/8"]',
        ANXING_NOTIFY__FILES_DIRECTORY=str(place.work),
    )
    sequence = 0

    async def value() -> Sample:
        nonlocal sequence
        async with (
            _receiver() as target,
            place.service("notify", environment) as (port, process),
            aiohttp.ClientSession(
                f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {key}"}, raise_for_status=True
            ) as notify,
        ):
            endpoint = await _post(
                notify, "/v1/endpoints", {"recipient": RECIPIENT, "channel": "webhook", "target": target}
            )
            place_of = f"/v1/endpoints/{endpoint['id']}"
            await _suspend(url)
            producer = RecordProducer(kafka, SystemClock(), Metrics("bench"))
            await producer.start()
            records = [
                Outgoing(kafka.name_of(topics.OUTCOMES), b"B000001", body, headers, 0)
                for body, headers in _outcomes(sequence)
            ]
            for start in range(0, DELIVERIES, 500):
                await producer.send_all(records[start : start + 500], deadline_seconds=30)
            await producer.stop()
            sequence += DELIVERIES
            await until(lambda: _parked(notify, place_of), "the backlog was not parked")
            await _patch(notify, place_of, {"enabled": True})
            before, began = process.cpu_times(), time.perf_counter()
            await _post(notify, f"{place_of}/release", {})
            await until(lambda: _drained(notify), "the backlog was not drained", seconds=0.2)
            after, seconds = process.cpu_times(), time.perf_counter() - began
            await _patch(notify, place_of, {"enabled": False})
            return _sample(after.user + after.system - before.user - before.system, seconds, process)

    async def floor() -> Sample:
        async with _receiver() as target:
            return await _floor(place, target)

    return Row(
        name="N1",
        what=f"deliveries per worker core-second, draining {DELIVERIES:,} to one endpoint",
        unit="deliveries/core-s",
        target="at least 0.4 of F5 and 3,600",
        value=value,
        floor=floor,
    )


async def _floor(place: Place, target: str) -> Sample:
    done = await run_floor("f5", target, place.postgres, DELIVERIES, BODY_BYTES)
    return Sample(done["deliveries"] / done["cpu_seconds"], done)


def _sample(cpu: float, seconds: float, process: psutil.Process) -> Sample:
    return Sample(
        DELIVERIES / cpu,
        {
            "deliveries": DELIVERIES,
            "seconds": round(seconds, 2),
            "cpu_us_per_delivery": round(cpu / DELIVERIES * 1e6, 1),
            "rss_mib": round(process.memory_info().rss / 2**20),
        },
    )


def _outcomes(after: int) -> Iterator[tuple[bytes, list[tuple[str, bytes]]]]:
    now = datetime.now(UTC)
    for number in range(after + 1, after + DELIVERIES + 1):
        outcome = uuid.uuid4()
        data = outcomes.OutcomeScoreUpdated(
            relations=outcomes.Relations(company="P01"),
            historical=False,
            day=now.date(),
            score_milli=91_250,
            previous=92_000,
            star=5,
            previous_star=5,
            rated=True,
            categories={"A": 20_000, "B": 15_000, "C": 18_250, "D": 20_000, "E": 10_000, "F": 8_000},
            version=number,
            rubric="shangyu-v1",
            cause="fact",
        )
        body = encode_event(
            id=str(outcome),
            source="urn:anxing:scoring",
            type="anxing.outcome.score.updated.v1",
            subject="B000001",
            time=now,
            data=data,
        )
        yield (
            body,
            [
                ("content-type", b"application/cloudevents+json"),
                ("incarnation", b"1"),
                ("partition-sequence", str(number).encode()),
                ("cause-id", str(outcome).encode()),
            ],
        )


@asynccontextmanager
async def _receiver() -> AsyncIterator[str]:
    """A receiver that answers 200 at the least cost, as a process of its own."""
    port = any_free()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.wire", str(port), cwd=ROOT
    )
    try:
        await until(lambda: _listens(port), "the receiver does not listen", seconds=0.05)
        yield f"http://127.0.0.1:{port}/hook"
    finally:
        process.terminate()
        await process.wait()


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def _suspend(url: str) -> None:
    """As after days of failure: what arrives is parked, and can be released."""
    connection = await asyncpg.connect(url)
    await connection.execute("UPDATE lane SET state = 'suspended' WHERE state = 'active'")
    await connection.close()


async def _parked(notify: aiohttp.ClientSession, place_of: str) -> bool:
    return bool((await _get(notify, place_of))["health"]["parked"] >= DELIVERIES)


async def _drained(notify: aiohttp.ClientSession) -> bool:
    progress = await _get(notify, "/v1/progress")
    return not (progress["due"] or progress["in_flight"] or progress["waiting"])


async def _get(notify: aiohttp.ClientSession, path: str) -> dict[str, Any]:
    async with notify.get(path) as answer:
        body: dict[str, Any] = await answer.json()
        return body


async def _post(notify: aiohttp.ClientSession, path: str, body: dict[str, Any]) -> dict[str, Any]:
    async with notify.post(path, json=body) as answer:
        made: dict[str, Any] = await answer.json()
        return made


async def _patch(notify: aiohttp.ClientSession, path: str, body: dict[str, Any]) -> None:
    async with notify.patch(path, json=body) as answer:
        await answer.read()
