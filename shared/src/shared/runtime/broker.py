"""The one place where FastStream and the consumer behind it are set up, and seen as a log by the engine."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaMessage
from faststream.kafka.subscriber.usecase import BatchSubscriber

from shared.runtime.consume.log import Bounds
from shared.runtime.records import Partition
from shared.runtime.settings import KafkaSettings

Fetched = ConsumerRecord[bytes | None, bytes | None]
Handler = Callable[[Sequence[Fetched]], Awaitable[None]]

POLL_MS = 1_000
# After a seek or a resume the next fetch waits for the one that is under way, at most this long.
FETCH_WAIT_MS = 100
# The library leaves the group when nobody polls for this long, and two members can loop over that for ever.
# Whether we get on is watched elsewhere.
POLL_INTERVAL_MAX_MS = 24 * 3_600_000
PARTITION_BYTES_MAX = 2 * 1024 * 1024
FETCH_BYTES_MAX = 16 * 1024 * 1024


def build_broker(settings: KafkaSettings, service: str, logger: logging.Logger | None = None) -> KafkaBroker:
    """A broker that only consumes; everything we publish goes through `RecordProducer`."""
    return KafkaBroker(
        settings.bootstrap,
        client_id=f"anxing-{service}",
        consumer_only=True,
        apply_types=False,
        logger=logger,
        graceful_timeout=2.0,
        # Leaders move at once after a restart of a broker; five minutes of old metadata are too long.
        metadata_max_age_ms=30_000,
        request_timeout_ms=max(10_000, settings.session_timeout_ms),
    )


def batch_subscriber(
    broker: KafkaBroker,
    topic: str,
    *,
    group: str,
    listener: ConsumerRebalanceListener,
    handler: Handler,
    max_records: int,
    session_timeout_ms: int,
) -> BatchSubscriber:
    """Raw fetches of a topic to `handler`, never acknowledged: positions are committed by the engine."""
    subscriber = broker.subscriber(
        topic,
        group_id=group,
        batch=True,
        max_records=max_records,
        fetch_max_wait_ms=FETCH_WAIT_MS,
        max_partition_fetch_bytes=PARTITION_BYTES_MAX,
        fetch_max_bytes=FETCH_BYTES_MAX,
        session_timeout_ms=session_timeout_ms,
        heartbeat_interval_ms=min(3000, session_timeout_ms // 3),
        rebalance_timeout_ms=max(session_timeout_ms, 10_000),
        max_poll_interval_ms=POLL_INTERVAL_MAX_MS,
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.MANUAL,
        # A `reply_to` header of any record would otherwise make us publish where it says.
        no_reply=True,
        listener=listener,
        parser=_parse,
        decoder=_decode,
    )
    subscriber(_passing(handler))
    subscriber.get_msg = partial(_poll, max_records)  # type: ignore[method-assign]  # see there
    return subscriber


async def _poll(max_records: int, consumer: AIOKafkaConsumer) -> tuple[Fetched, ...]:
    """The next records, as soon as there are any.

    FastStream's own sleeps after an empty poll as long as it polled, while news may be waiting.
    """
    fetched = await consumer.getmany(timeout_ms=POLL_MS, max_records=max_records)
    return tuple(chain.from_iterable(fetched.values()))


async def _parse(records: tuple[Fetched, ...]) -> KafkaMessage:
    # FastStream's own parser decodes every header as UTF-8: one odd byte would fail the whole fetch.
    return KafkaMessage(body=b"", raw_message=records, headers={}, consumer=_NO_CONSUMER)


async def _decode(message: KafkaMessage) -> Any:
    return message.raw_message


def _passing(handler: Handler) -> Callable[[Any], Awaitable[None]]:
    async def on_records(records: Sequence[Fetched]) -> None:
        await handler(records)

    return on_records


class _NoConsumer:
    """Stands where a message would commit by itself."""

    async def commit(self) -> None:
        raise AssertionError("positions are committed by the engine")

    def seek(self, partition: TopicPartition, offset: int) -> None:
        raise AssertionError(f"the engine seeks, not {partition} to {offset}")


_NO_CONSUMER = _NoConsumer()


class KafkaLog:
    """The log behind a subscriber, as far as its consumer tells of it (`shared.runtime.consume.log.Log`)."""

    def __init__(self) -> None:
        self._subscriber: BatchSubscriber | None = None

    def attach(self, subscriber: BatchSubscriber) -> None:
        """The subscriber whose consumer this is; it has one once it was started."""
        self._subscriber = subscriber

    @property
    def _consumer(self) -> AIOKafkaConsumer | None:
        return None if self._subscriber is None else self._subscriber.consumer

    def _required(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            raise IllegalStateError("the subscriber is not started")
        return self._consumer

    def _ours(self, partitions: Collection[Partition]) -> list[TopicPartition]:
        return [] if self._consumer is None else [p for p in map(_tp, partitions) if p in self._assignment()]

    def _assignment(self) -> frozenset[TopicPartition]:
        return frozenset() if self._consumer is None else self._consumer.assignment()

    def assigned(self) -> frozenset[Partition]:
        return frozenset(Partition(*item) for item in self._assignment())

    def seek(self, partition: Partition, offset: int) -> None:
        for item in self._ours((partition,)):
            self._required().seek(item, offset)

    def pause(self, partitions: Collection[Partition]) -> None:
        if ours := self._ours(partitions):
            self._required().pause(*ours)

    def resume(self, partitions: Collection[Partition]) -> None:
        if ours := self._ours(partitions):
            self._required().resume(*ours)

    async def position(self, partition: Partition) -> int | None:
        for item in self._ours((partition,)):
            try:
                position: int = await self._required().position(item)
            except IllegalStateError:
                return None
            return position
        return None

    def end(self, partition: Partition) -> int | None:
        for item in self._ours((partition,)):
            highwater: int | None = self._required().highwater(item)
            return highwater
        return None

    async def bounds(
        self, partitions: Collection[Partition], *, seconds: float
    ) -> Mapping[Partition, Bounds]:
        consumer, items = self._required(), [_tp(partition) for partition in partitions]
        async with asyncio.timeout(seconds):
            starts = await consumer.beginning_offsets(items)
            ends = await consumer.end_offsets(items)
        return {Partition(*item): Bounds(starts[item], ends[item]) for item in items}

    async def commit(self, offsets: Mapping[Partition, int], *, seconds: float) -> bool:
        try:
            # The library retries for ever what it takes for a passing error.
            async with asyncio.timeout(seconds):
                await self._required().commit({_tp(p): offset for p, offset in offsets.items()})
        except (CommitFailedError, IllegalStateError):
            return False
        return True

    def failure(self) -> BaseException | None:
        """Why a background task of the library has ended; None while they run. Without them nothing moves."""
        consumer = self._consumer
        if consumer is None:
            return None
        # No public way tells this without also taking errors that are meant for the poll.
        coordinator: Any = consumer._coordinator  # noqa: SLF001
        fetcher: Any = consumer._fetcher  # noqa: SLF001
        if coordinator is None or fetcher is None:
            return None
        for task in (coordinator._coordination_task, fetcher._fetch_task):  # noqa: SLF001
            if task.done():
                if task.cancelled():
                    return asyncio.CancelledError()
                error: BaseException | None = task.exception()
                return error or RuntimeError("a background task of the Kafka consumer ended")
        return None


def _tp(partition: Partition) -> TopicPartition:
    return TopicPartition(partition.topic, partition.partition)
