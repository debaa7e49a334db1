"""Where the logs of our topics end, for whoever wants to know how far behind we are."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition
from shared.events.topics import Topic, partitions_of
from shared.runtime.away import KAFKA_AWAY
from shared.runtime.settings import KafkaSettings

from notify.ports import Unavailable

DEADLINE_SECONDS = 5.0


class LogEnds:
    """Asks the broker, with a consumer that belongs to no group; connects at the first question."""

    def __init__(self, settings: KafkaSettings, topics: Sequence[Topic]) -> None:
        self._settings = settings
        self._partitions = [
            TopicPartition(settings.name_of(topic), number)
            for topic in topics
            for number in range(partitions_of(topic, settings.partitions))
        ]
        self._consumer: AIOKafkaConsumer | None = None
        self._lock = asyncio.Lock()

    async def read(self) -> dict[tuple[str, int], int]:
        """(topic, partition) -> offset after the last record; Unavailable while the broker is away."""
        async with self._lock:
            try:
                async with asyncio.timeout(DEADLINE_SECONDS):
                    consumer = await self._connected()
                    ends = await consumer.end_offsets(self._partitions)
            except KAFKA_AWAY as error:
                await self.stop()
                raise Unavailable from error
        return {(partition.topic, partition.partition): end for partition, end in ends.items()}

    async def stop(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()

    async def _connected(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            consumer = AIOKafkaConsumer(
                bootstrap_servers=self._settings.bootstrap,
                client_id="anxing-notify-ends",
                group_id=None,
                enable_auto_commit=False,
                metadata_max_age_ms=30_000,
            )
            self._consumer = consumer
            await consumer.start()
        return self._consumer
