"""What was told of each compound last, and how far: the outcomes topic, read apart from any group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec
from shared.events.topics import OUTCOMES
from shared.runtime.records import Partition, Record
from shared.runtime.settings import KafkaSettings
from shared.runtime.tail import Tail, read_last, read_tails, tail_of

from scoring.store.invariants import UNASSIGNED


class _Event(msgspec.Struct):
    type: str
    subject: str
    data: dict[str, Any]


class Told(NamedTuple):
    """What one outcome says of a compound; `version` 0 when it says none."""

    compound: str
    version: int


@dataclass(slots=True)
class Published:
    """The last outcomes of each partition, by incarnation; `last` is the highest position seen."""

    told: dict[tuple[int, int], dict[str, int]] = field(default_factory=dict)
    last: dict[int, Tail] = field(default_factory=dict)
    records: int = 0

    def take(self, record: Record) -> None:
        """One record of the topic; what is no outcome is left aside."""
        tail = tail_of(record)
        if tail is None or record.value is None:
            return
        self.records += 1
        self.last[record.partition] = max(tail, self.last.get(record.partition, tail))
        told = _told(record.value)
        if told is not None:
            versions = self.told.setdefault((record.partition, tail.incarnation), {})
            versions[told.compound] = max(told.version, versions.get(told.compound, 0))


async def read_published(kafka: KafkaSettings, count: int) -> Published:
    """The last `count` outcomes of each partition; raises KafkaError or TimeoutError."""
    found = Published()
    await read_last(kafka, _partitions(kafka), count, found.take)
    return found


async def read_positions(kafka: KafkaSettings) -> Mapping[int, Tail]:
    """How far each partition is published now; raises KafkaError or TimeoutError."""
    tails = await read_tails(kafka, _partitions(kafka))
    return {partition.partition: tail for partition, tail in tails.items()}


def _partitions(kafka: KafkaSettings) -> list[Partition]:
    return [Partition(kafka.name_of(OUTCOMES), number) for number in range(kafka.partitions)]


def _told(value: bytes) -> Told | None:
    event = msgspec.json.decode(value, type=_Event)
    if event.type == UNASSIGNED:
        return None
    version = event.data.get("version", 0)
    return Told(event.subject, version if isinstance(version, int) else 0)
