"""The topics, what keys them, and the partition a key belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic: `key` says in words what its records are keyed by.

    `per_compound` topics have N partitions (12, 24 or 64, chosen once) and the same number for the
    same compound; the others have 1. `retention_days` None: for ever.
    """

    name: str
    key: str
    per_compound: bool
    retention_days: int | None
    compacted: bool = False


FACTS: Final = Topic("anxing.facts.v1", "subject", per_compound=True, retention_days=None)
REGISTRY: Final = Topic("anxing.registry.v1", "kind:id", per_compound=False, retention_days=None)
ACCESS: Final = Topic(
    "anxing.access.v1",
    "credential:id, person:issuer|subject or clock",
    per_compound=False,
    retention_days=None,
    compacted=True,
)
OUTCOMES: Final = Topic("anxing.outcomes.v1", "subject", per_compound=True, retention_days=30)
DELIVERIES: Final = Topic("anxing.deliveries.v1", "subject", per_compound=True, retention_days=90)
PARKED: Final = Topic("anxing.parked.v1", "key of the parked record", per_compound=False, retention_days=90)

TOPICS: Final = (FACTS, REGISTRY, ACCESS, OUTCOMES, DELIVERIES, PARKED)


def partitions_of(topic: Topic, n: int) -> int:
    """How many partitions `topic` has in an installation of `n`."""
    return n if topic.per_compound else 1


def partition_for(key: bytes, n: int) -> int:
    """The partition of `key` among `n`, exactly as Kafka's default partitioner places it."""
    return (murmur2(key) & 0x7FFFFFFF) % n


def murmur2(data: bytes) -> int:
    """Unsigned 32-bit murmur2 with Kafka's seed (org.apache.kafka.common.utils.Utils.murmur2)."""
    length = len(data)
    m = 0x5BD1E995
    h = 0x9747B28C ^ length
    whole = length & ~3
    for i in range(0, whole, 4):
        k = int.from_bytes(data[i : i + 4], "little") * m & 0xFFFFFFFF
        k = (k ^ k >> 24) * m & 0xFFFFFFFF
        h = (h * m & 0xFFFFFFFF) ^ k
    if whole < length:
        h = (h ^ int.from_bytes(data[whole:], "little")) * m & 0xFFFFFFFF
    h = (h ^ h >> 13) * m & 0xFFFFFFFF
    return h ^ h >> 15
