"""What comes from Kafka, as plain values: a partition, and a record with the bytes as they were published."""

from __future__ import annotations

from typing import NamedTuple

import msgspec


class Partition(NamedTuple):
    """A partition by the topic's full name on the broker (`KafkaSettings.name_of`) and its number."""

    topic: str
    partition: int


class Record(msgspec.Struct, frozen=True, gc=False):
    """One Kafka record; key, value and headers are the raw bytes as they were published."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    timestamp_ms: int

    @property
    def source(self) -> Partition:
        """The partition this record lies in."""
        return Partition(self.topic, self.partition)

    def header(self, name: str) -> bytes | None:
        """The first header of this name, or None."""
        for key, value in self.headers:
            if key == name:
                return value
        return None
