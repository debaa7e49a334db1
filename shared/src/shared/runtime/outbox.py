"""The outbox: an announcement is a row of the transaction that decided it; relays publish the rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import asyncpg

from shared.runtime.cursor import Before
from shared.runtime.records import Partition

DDL = """
CREATE TABLE outbox (
    partition integer NOT NULL,
    seq bigint NOT NULL,
    incarnation integer NOT NULL,
    topic text NOT NULL,
    key text NOT NULL,
    value bytea NOT NULL,
    headers jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (partition, seq)
)
"""
"""Executed by the first migration of a service whose output follows its input partitions (scoring)."""

UNORDERED_DDL = """
CREATE TABLE outbox_unordered (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text NOT NULL,
    key text NOT NULL,
    value bytea NOT NULL,
    headers jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
)
"""
"""Executed by the first migration of a service that announces without sequence (notify's deliveries)."""


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One event to publish to the partition of the same number as the input partition it comes from.

    `topic` is the full name (`KafkaSettings.name_of`), `key` the Kafka key, `value` the CloudEvent.
    """

    partition: int
    topic: str
    key: str
    value: bytes
    cause_id: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UnorderedRow:
    """One event to publish by key, in no promised order and at least once."""

    topic: str
    key: str
    value: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


async def append(
    tx: asyncpg.Connection, rows: Sequence[OutboxRow], before: Mapping[Partition, Before]
) -> None:
    """Append rows inside the cursor transaction, numbered per partition in the order given.

    The first row of a partition gets `before.out_seq + 1`; `Advance.outbox_rows` counts exactly these rows.
    """
    raise NotImplementedError


async def append_unordered(tx: asyncpg.Connection, rows: Sequence[UnorderedRow]) -> None:
    """Append rows without sequence inside any transaction."""
    raise NotImplementedError
