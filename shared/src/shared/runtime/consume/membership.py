"""Membership in the group that reads a topic: how a consumer meets Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from typing import Protocol

from aiokafka import ConsumerRebalanceListener
from faststream.kafka import KafkaBroker

from shared.runtime.away import KAFKA_AWAY, connect_patiently, kafka_away
from shared.runtime.broker import Handler, KafkaLog, batch_subscriber, build_broker
from shared.runtime.closing import close_consumer
from shared.runtime.consume.log import Log
from shared.runtime.peek import first_at
from shared.runtime.records import Partition
from shared.runtime.settings import KafkaSettings
from shared.runtime.tail import Tail, read_tails

LEAVE_SECONDS = 2.0


class Membership(Log, Protocol):
    """One member of a consumer group, from joining to leaving, and the log as this member sees it."""

    async def join(self, listener: ConsumerRebalanceListener, handler: Handler) -> None:
        """Join the group; `handler` gets one fetch after the other. StartupError when Kafka stays away."""
        ...

    async def leave(self) -> None:
        """Leave the group, so that others may take over at once; soon, also while Kafka is away."""
        ...

    def failure(self) -> BaseException | None:
        """Why nothing moves any more although nobody has left; None while all is well. Never waits."""
        ...

    async def tails(self, partitions: Collection[Partition]) -> Mapping[Partition, Tail]:
        """The newest position published for each input partition; where there is none, it is missing.

        Raises KafkaError or TimeoutError.
        """
        ...


class KafkaMembership(KafkaLog):
    """A member by FastStream and aiokafka."""

    def __init__(
        self,
        settings: KafkaSettings,
        service: str,
        *,
        topic: str,
        group: str,
        output: str | None,
        max_records: int,
    ) -> None:
        """Names are full ones; `output` is the topic of the outbox rows, None where there are none."""
        super().__init__()
        self._settings = settings
        self._service = service
        self._topic = topic
        self._group = group
        self._output = output
        self._max_records = max_records
        self._broker: KafkaBroker | None = None

    async def join(self, listener: ConsumerRebalanceListener, handler: Handler) -> None:
        try:
            self._broker = await connect_patiently(
                lambda: self._connect(listener, handler),
                to=f"Kafka {self._settings.bootstrap}",
                away=KAFKA_AWAY,
                deadline_seconds=self._settings.connect_deadline_seconds,
            )
        except KAFKA_AWAY as error:
            raise kafka_away(self._settings) from error

    async def leave(self) -> None:
        """See `Membership`; while Kafka is away, the session ends by itself."""
        broker, self._broker = self._broker, None
        if broker is None:
            return
        consumer = self._consumer
        leaving = asyncio.ensure_future(broker.stop())
        _, late = await asyncio.wait([leaving], timeout=LEAVE_SECONDS)
        if late:
            leaving.cancel()
            await asyncio.wait([leaving])
            if consumer is not None:
                await close_consumer(consumer, 0.0)

    async def first_at(self, partition: Partition, offset: int, *, seconds: float) -> int | None:
        return await first_at(self._settings, partition, offset, seconds=seconds)

    async def tails(self, partitions: Collection[Partition]) -> Mapping[Partition, Tail]:
        if self._output is None:
            return {}
        outputs = [Partition(self._output, partition.partition) for partition in partitions]
        tails = await read_tails(self._settings, outputs)
        return {Partition(self._topic, output.partition): tail for output, tail in tails.items()}

    async def _connect(self, listener: ConsumerRebalanceListener, handler: Handler) -> KafkaBroker:
        broker = build_broker(self._settings, self._service)
        subscriber = batch_subscriber(
            broker,
            self._topic,
            group=self._group,
            listener=listener,
            handler=handler,
            max_records=self._max_records,
            session_timeout_ms=self._settings.session_timeout_ms,
        )
        self.attach(subscriber)
        try:
            await broker.start()
        except BaseException:
            await broker.stop()
            raise
        return broker
