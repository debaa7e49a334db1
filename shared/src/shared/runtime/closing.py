"""Ending aiokafka clients within a deadline: by themselves they may wait for ever or leave tasks behind."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Collection
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.client import AIOKafkaClient

# A consumer has nothing to flush; leaving its group takes one request.
CONSUMER_SECONDS = 2.0


async def close_producer(producer: AIOKafkaProducer, deadline_seconds: float) -> None:
    """Flush and close; at the deadline, batches that were not acknowledged are dropped with their tasks."""
    parts = (producer, producer._sender, producer._message_accumulator)  # noqa: SLF001
    await _close(producer.stop(), producer.client, parts, deadline_seconds)


async def close_consumer(consumer: AIOKafkaConsumer, deadline_seconds: float = CONSUMER_SECONDS) -> None:
    """Leave the group, if there is one, and close."""
    parts = (consumer, consumer._fetcher, consumer._coordinator)  # noqa: SLF001
    await _close(consumer.stop(), consumer._client, parts, deadline_seconds)  # noqa: SLF001


def forget(future: asyncio.Future[Any]) -> None:
    """Take note of a result that nobody asks for any more, so that it is not reported as lost."""
    if not future.cancelled():
        future.exception()


async def _close(
    stop: Awaitable[None],
    client: AIOKafkaClient,
    parts: Collection[object],
    deadline_seconds: float,
) -> None:
    # A producer waits for its batches without end; a consumer's end is broken off by a fetch that is
    # cancelled meanwhile. What is left over runs a method of one of the parts, and is ended here.
    closing = asyncio.ensure_future(stop)
    await asyncio.wait([closing], timeout=deadline_seconds)
    closing.cancel()
    left = [task for task in asyncio.all_tasks() if _runs_method_of(task, (*parts, client))]
    for task in left:
        task.cancel()
    await asyncio.wait([closing, *left], timeout=deadline_seconds + 1.0)
    await client.close()
    closing.add_done_callback(forget)


def _runs_method_of(task: asyncio.Task[Any], parts: Collection[object]) -> bool:
    frame = getattr(task.get_coro(), "cr_frame", None)
    owner = None if frame is None else frame.f_locals.get("self")
    # A client that never started has no parts yet: None must not match what is no method at all.
    return owner is not None and any(owner is part for part in parts)
