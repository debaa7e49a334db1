"""The event log port on Kafka: records keyed as the contracts say, acknowledged or not known to be stored."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from shared.events.envelope import CONTENT_TYPE
from shared.events.topics import TOPICS, partition_for, partitions_of
from shared.runtime.errors import Rejected, Retryable
from shared.runtime.logs import get_logger
from shared.runtime.producer import Outgoing, Position, RecordProducer
from shared.runtime.settings import KafkaSettings

from intake.topics.circuit import Circuit

log = get_logger()

# A list, because that is what aiokafka measures; nobody changes it.
HEADERS: Final = [("content-type", CONTENT_TYPE.encode())]
# Compounds whose partition is remembered: murmur2 in Python costs more than all the rest of a send.
REMEMBERED_KEYS: Final = 65_536


class PublishedEvents:
    """Publishes through the process's producer, as long as the circuit is closed."""

    def __init__(
        self, producer: RecordProducer, circuit: Circuit, kafka: KafkaSettings, publish_seconds: float
    ) -> None:
        self._producer = producer
        self._circuit = circuit
        self._publish_seconds = publish_seconds
        counts = {kafka.name_of(topic): partitions_of(topic, kafka.partitions) for topic in TOPICS}

        @lru_cache(REMEMBERED_KEYS)
        def place(topic: str, key: str) -> int:
            return partition_for(key.encode(), counts[topic])

        self.partition_of = place

    async def append_all(self, records: Sequence[tuple[str, str, bytes, int]]) -> Sequence[int | None]:
        """See `ports.EventLog`."""
        if not self._circuit.closed:
            return [None] * len(records)
        answers = await self._producer.send_all(
            [
                Outgoing(topic, key.encode(), value, HEADERS, partition)
                for topic, key, value, partition in records
            ],
            deadline_seconds=self._publish_seconds,
        )
        return [self._offset(answer) for answer in answers]

    def _offset(self, answer: Position | Retryable | Rejected) -> int | None:
        if isinstance(answer, Position):
            return answer.offset
        if isinstance(answer, Retryable):
            self._circuit.trip()
        else:
            # Events are bounded far below what a topic takes.
            log.error("record_refused", code=answer.code)
        return None
