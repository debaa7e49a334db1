"""F5: bare delivery. aiohttp POST with an HMAC to the receiver, COPY of an attempt row in batches."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import sys
import time
import uuid

import aiohttp
import asyncpg
import uvloop

CONCURRENT = 50
BATCH = 500


async def main(receiver: str, url: str, total: int, body_bytes: int) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(
        "DROP TABLE IF EXISTS floor_attempt;"
        "CREATE TABLE floor_attempt (id uuid PRIMARY KEY, status int, seconds float8,"
        " at timestamptz DEFAULT now())"
    )
    body, secret = b"x" * body_bytes, b"k" * 32
    attempts: list[tuple[uuid.UUID, int, float]] = []
    left = iter(range(total))
    cpu, started = time.process_time(), time.perf_counter()

    async def deliver(session: aiohttp.ClientSession) -> None:
        for _ in left:
            delivery, stamp = uuid.uuid4(), str(int(time.time()))
            mac = hmac.new(secret, f"{delivery}.{stamp}.".encode() + body, hashlib.sha256).hexdigest()
            headers = {"webhook-id": str(delivery), "webhook-timestamp": stamp, "webhook-signature": mac}
            before = time.perf_counter()
            async with session.post(receiver, data=body, headers=headers) as answer:
                await answer.read()
            attempts.append((delivery, answer.status, time.perf_counter() - before))

    async def store(finished: asyncio.Event) -> None:
        while not finished.is_set() or attempts:
            if len(attempts) < BATCH and not finished.is_set():
                await asyncio.sleep(0.005)
                continue
            rows, attempts[:] = attempts[:BATCH], attempts[BATCH:]
            await connection.copy_records_to_table(
                "floor_attempt", records=rows, columns=["id", "status", "seconds"]
            )

    finished = asyncio.Event()
    storing = asyncio.create_task(store(finished))
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=CONCURRENT), timeout=aiohttp.ClientTimeout(total=15)
    ) as session:
        await asyncio.gather(*(deliver(session) for _ in range(CONCURRENT)))
    finished.set()
    await storing
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    await connection.close()
    print(json.dumps({"deliveries": total, "seconds": seconds, "cpu_seconds": cpu}))


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
