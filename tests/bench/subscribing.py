"""The subscriber as the product builds it, with a handler that only counts: the other side of F4."""

from __future__ import annotations

import asyncio
import json
import sys
import time
import uuid
from collections.abc import Sequence

import shared.runtime.consume  # noqa: F401 - the broker's module needs it loaded first
import uvloop
from aiokafka import ConsumerRebalanceListener
from shared.runtime.broker import Fetched, batch_subscriber, build_broker
from shared.runtime.settings import KafkaSettings


class _Listener(ConsumerRebalanceListener):
    def on_partitions_revoked(self, revoked: object) -> None:
        """Nothing is owned."""

    def on_partitions_assigned(self, assigned: object) -> None:
        """Nothing is claimed."""


async def main(bootstrap: str, topic: str, batch_records_max: int, total: int) -> None:
    settings = KafkaSettings(bootstrap=bootstrap)
    seen, started, cpu = 0, 0.0, 0.0
    done = asyncio.Event()

    async def count(fetched: Sequence[Fetched]) -> None:
        nonlocal seen, started, cpu
        if not started:
            started, cpu = time.perf_counter(), time.process_time()
        seen += len(fetched)
        if seen >= total:
            done.set()

    broker = build_broker(settings, "bench")
    batch_subscriber(
        broker,
        topic,
        group=f"subscriber-{uuid.uuid4().hex}",
        listener=_Listener(),
        handler=count,
        max_records=batch_records_max,
        session_timeout_ms=settings.session_timeout_ms,
    )
    await broker.start()
    await done.wait()
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    await broker.stop()
    print(json.dumps({"events": seen, "seconds": seconds, "cpu_seconds": cpu}))


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
