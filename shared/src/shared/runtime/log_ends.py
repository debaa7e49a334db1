"""Where the logs of our topics end, for whoever wants to know how far behind a reader is."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.events.topics import Topic, partitions_of
from shared.runtime.away import KAFKA_AWAY
from shared.runtime.closing import close_consumer
from shared.runtime.errors import Retryable
from shared.runtime.records import Partition
from shared.runtime.settings import KafkaSettings

DEADLINE_SECONDS = 5.0


class LogEnds:
    """Asks the broker, with a consumer that belongs to no group; connects at the first question."""

    def __init__(self, settings: KafkaSettings, topics: Sequence[Topic], *, client_id: str) -> None:
        self._settings = settings
        self._client_id = client_id
        self._partitions = [
            TopicPartition(settings.name_of(topic), number)
            for topic in topics
            for number in range(partitions_of(topic, settings.partitions))
        ]
        self._consumer: AIOKafkaConsumer | None = None
        self._lock = asyncio.Lock()

    async def read(self) -> dict[Partition, int]:
        """Partition -> offset after its last record; Retryable while the broker is away."""
        async with self._lock:
            try:
                async with asyncio.timeout(DEADLINE_SECONDS):
                    consumer = await self._connected()
                    ends = await consumer.end_offsets(self._partitions)
            except KAFKA_AWAY as error:
                await self.stop()
                raise Retryable("the broker does not tell where its logs end") from error
        return {Partition(place.topic, place.partition): end for place, end in ends.items()}

    async def stop(self) -> None:
        """Close the connection, if there is one."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await close_consumer(consumer)

    async def _connected(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            self._consumer = AIOKafkaConsumer(
                bootstrap_servers=self._settings.bootstrap,
                client_id=self._client_id,
                group_id=None,
                enable_auto_commit=False,
                metadata_max_age_ms=30_000,
            )
            await self._consumer.start()
        return self._consumer
