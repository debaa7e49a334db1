"""Rows of the outbox, and how they are written inside the transaction that decided them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

import msgspec

from shared.runtime.cursor import Before, Connection
from shared.runtime.link import REQUEST_BYTES_MAX
from shared.runtime.records import Partition

# What the producer takes, less key and headers.
VALUE_BYTES_MAX = REQUEST_BYTES_MAX - 16_384

DDL = """
CREATE TABLE outbox (
    partition integer NOT NULL,
    seq bigint NOT NULL,
    incarnation integer NOT NULL,
    topic text NOT NULL,
    key text NOT NULL,
    value bytea NOT NULL,
    headers json NOT NULL,
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


NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class OutboxRow(NamedTuple):
    """One event to publish to the partition of the same number as the input partition it comes from.

    `topic` is the full name (`KafkaSettings.name_of`), `key` the Kafka key, `value` the CloudEvent.
    """

    partition: int
    topic: str
    key: str
    value: bytes
    cause_id: str
    headers: Mapping[str, str] = NO_HEADERS


@dataclass(frozen=True, slots=True)
class UnorderedRow:
    """One event to publish by key, in no promised order and at least once."""

    topic: str
    key: str
    value: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


_APPEND = """
INSERT INTO outbox (partition, seq, incarnation, topic, key, value, headers)
SELECT * FROM unnest($1::integer[], $2::bigint[], $3::integer[], $4::text[], $5::text[], $6::bytea[],
                     $7::json[])
"""
_COLUMNS = ("partition", "seq", "incarnation", "topic", "key", "value", "headers")
# A COPY has a cost of its own, and then half the cost of an INSERT a row.
COPY_FROM_ROWS = 100

_APPEND_UNORDERED = """
INSERT INTO outbox_unordered (topic, key, value, headers)
SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[], $4::jsonb[])
"""


async def append(tx: Connection, rows: Sequence[OutboxRow], before: Mapping[Partition, Before]) -> None:
    """Append rows inside the cursor transaction, numbered per partition in the order given.

    The first row of a partition gets `before.out_seq + 1`; `Advance.outbox_rows` counts exactly these rows.
    Raises ValueError for a row that no topic would take: better a failed batch than a relay that is stuck.
    """
    if not rows:
        return
    starts = {place.partition: values for place, values in before.items()}
    next_seq = {number: values.out_seq + 1 for number, values in starts.items()}
    columns: list[tuple[int, int, int, str, str, bytes, str]] = []
    for partition, topic, key, value, cause_id, more in rows:
        _check_size(value)
        seq = next_seq[partition]
        next_seq[partition] = seq + 1
        headers = _to_json({**more, "cause-id": cause_id})
        columns.append((partition, seq, starts[partition].incarnation, topic, key, value, headers))
    if len(columns) < COPY_FROM_ROWS:
        await tx.execute(_APPEND, *zip(*columns, strict=True))
    else:
        await tx.copy_records_to_table("outbox", records=columns, columns=_COLUMNS)


async def append_unordered(tx: Connection, rows: Sequence[UnorderedRow]) -> None:
    """Append rows without sequence inside any transaction; raises ValueError as `append` does."""
    if not rows:
        return
    for row in rows:
        _check_size(row.value)
    columns = [(row.topic, row.key, row.value, _to_json(row.headers)) for row in rows]
    await tx.execute(_APPEND_UNORDERED, *zip(*columns, strict=True))


def _to_json(headers: Mapping[str, str]) -> str:
    return msgspec.json.encode(headers).decode()


def _check_size(value: bytes) -> None:
    if len(value) > VALUE_BYTES_MAX:
        raise ValueError(f"an outbox value of {len(value)} bytes is larger than {VALUE_BYTES_MAX}")
