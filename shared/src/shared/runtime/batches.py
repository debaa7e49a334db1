"""Records whose partition is given, put together as the batches that the broker stores: one answer for many.

A record alone costs the library a future and a walk through its queue; in a batch it costs its bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder

from shared.runtime.link import REQUEST_BYTES_MAX, Acknowledgement

Headers = Sequence[tuple[str, bytes]]

# What a record takes besides key, value and headers, at most.
RECORD_BYTES_MAX = 128
HEADER_BYTES_MAX = 10
# With headers and a key as we make them.
SURELY_FITS_BYTES = REQUEST_BYTES_MAX // 2


class Outgoing(NamedTuple):
    """A record to be sent; without `partition` its place follows from the key by murmur2."""

    topic: str
    key: bytes
    value: bytes | None
    headers: Headers = ()
    partition: int | None = None

    @property
    def too_large(self) -> bool:
        """Whether no topic would take it."""
        if len(self.value or b"") < SURELY_FITS_BYTES:
            return False
        size = RECORD_BYTES_MAX + len(self.key) + len(self.value or b"")
        for name, value in self.headers:
            size += len(name) + len(value) + HEADER_BYTES_MAX
        return size > REQUEST_BYTES_MAX


class Share(NamedTuple):
    """A record's part in what is acknowledged together: its offset is `place` behind the first one's."""

    acknowledgement: Acknowledgement
    place: int = 0


class _Batch(NamedTuple):
    builder: BatchBuilder
    records: list[int]


def batches_of(producer: AIOKafkaProducer, records: Sequence[Outgoing]) -> list[list[_Batch]]:
    """Records of given partitions as batches in rounds: of each partition one batch a round, in order."""
    by_partition: dict[tuple[str, int | None], list[_Batch]] = {}
    for number, record in enumerate(records):
        found = by_partition.setdefault((record.topic, record.partition), [])
        if not found or not _fits(found[-1].builder, record):
            # The first record of a batch fits, however large it is.
            found.append(_Batch(producer.create_batch(), []))
            _fits(found[-1].builder, record)
        found[-1].records.append(number)
    rounds: list[list[_Batch]] = []
    for of_one in by_partition.values():
        for place, batch in enumerate(of_one):
            batch.builder.close()
            if place == len(rounds):
                rounds.append([])
            rounds[place].append(batch)
    return rounds


def _fits(builder: BatchBuilder, record: Outgoing) -> bool:
    """Put a record into a batch, unless that is full."""
    _, key, value, headers, _ = record
    return builder.append(key=key, value=value, timestamp=None, headers=list(headers)) is not None


async def enqueue(
    producer: AIOKafkaProducer, records: Sequence[Outgoing], note: Callable[[int, Share], None]
) -> None:
    """Hand all records over and `note` each share as soon as it is handed over; raises KafkaError.

    The second batch of a partition waits until the first is on its way, so partitions take turns.
    """
    for batches in batches_of(producer, records):
        for builder, numbers in batches:
            first = records[numbers[0]]
            sent: Acknowledgement = await producer.send_batch(builder, first.topic, partition=first.partition)
            for place, number in enumerate(numbers):
                note(number, Share(sent, place))
