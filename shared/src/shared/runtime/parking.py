"""Records that can never work: kept with bytes, place and reason, and announced on the parked topic."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from shared.runtime.cursor import Connection
from shared.runtime.database import Database
from shared.runtime.errors import Rejected, Retryable
from shared.runtime.logs import get_logger
from shared.runtime.metrics import Metrics
from shared.runtime.outbox.loop import RelayLoop
from shared.runtime.producer import Outgoing, Position, RecordProducer
from shared.runtime.records import Partition, Record

log = get_logger()

DDL = """
CREATE TABLE parked (
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    code text NOT NULL,
    detail text NOT NULL,
    key bytea,
    value bytea,
    headers jsonb NOT NULL,
    timestamp_ms bigint NOT NULL,
    parked_at timestamptz NOT NULL DEFAULT now(),
    published_at timestamptz,
    resolved_at timestamptz,
    PRIMARY KEY (topic, partition, "offset")
);
CREATE INDEX parked_unpublished ON parked (parked_at) WHERE published_at IS NULL;
CREATE INDEX parked_open ON parked (topic, code) WHERE resolved_at IS NULL
"""
"""Executed by the first migration of a service.

Whoever repairs or discards a row sets `resolved_at`, or takes the row away and keeps a hash of the value.
"""


@dataclass(frozen=True, slots=True)
class ParkedRecord:
    """A record with the reason why it is parked: a stable code, and a detail without personal data."""

    record: Record
    code: str
    detail: str


# Announced by one process at a time; the number is ours alone (see the other relay of this kind).
RELAY_LOCK = 0x616E785F7061726B
ROUND_ROWS_MAX = 500
# Reasons end up in logs and headers; a library's message can be a page long.
DETAIL_CHARS_MAX = 500

_WRITE = """
INSERT INTO parked (topic, partition, "offset", code, detail, key, value, headers, timestamp_ms)
SELECT * FROM unnest($1::text[], $2::integer[], $3::bigint[], $4::text[], $5::text[], $6::bytea[],
                     $7::bytea[], $8::jsonb[], $9::bigint[])
ON CONFLICT (topic, partition, "offset") DO UPDATE
SET code = excluded.code, detail = excluded.detail, parked_at = now(), published_at = NULL, resolved_at = NULL
"""

_UNPUBLISHED = """
SELECT topic, partition, "offset", code, detail, key, value, headers, parked_at
FROM parked WHERE published_at IS NULL
ORDER BY parked_at, topic, partition, "offset" LIMIT $1
"""

_PUBLISHED = """
UPDATE parked p SET published_at = now()
FROM unnest($1::text[], $2::integer[], $3::bigint[]) AS w (topic, partition, "offset")
WHERE p.topic = w.topic AND p.partition = w.partition AND p."offset" = w."offset"
"""

_RECENT = """
SELECT "offset" FROM parked
WHERE topic = $1 AND partition = $2 AND "offset" >= $3 AND "offset" < $4 AND resolved_at IS NULL
"""

_FIND = """
SELECT key, value, headers, timestamp_ms, code, detail FROM parked
WHERE topic = $1 AND partition = $2 AND "offset" = $3 AND resolved_at IS NULL
"""


async def write(tx: Connection, parked: Sequence[ParkedRecord]) -> None:
    """Park records inside the cursor transaction; a record parked again after a repair starts anew."""
    if not parked:
        return
    rows = [
        (
            item.record.topic,
            item.record.partition,
            item.record.offset,
            item.code,
            # NUL is the one character that a text column refuses.
            item.detail.replace("\0", " ")[:DETAIL_CHARS_MAX],
            item.record.key,
            item.record.value,
            _headers_to_json(item.record.headers),
            item.record.timestamp_ms,
        )
        for item in parked
    ]
    await tx.execute(_WRITE, *zip(*rows, strict=True))


async def recent(connection: Connection, partition: Partition, start: int, end: int) -> set[int]:
    """Offsets in [start, end) of a partition that are parked and not resolved."""
    return {row[0] for row in await connection.fetch(_RECENT, *partition, start, end)}


async def find(connection: Connection, partition: Partition, offset: int) -> ParkedRecord | None:
    """The record that is parked at a place, as it was published; None when nothing waits there."""
    row = await connection.fetchrow(_FIND, *partition, offset)
    if row is None:
        return None
    headers = tuple(_headers_from_json(row["headers"]))
    record = Record(*partition, offset, row["key"], row["value"], headers, row["timestamp_ms"])
    return ParkedRecord(record, row["code"], row["detail"])


class ParkedRelay:
    """Announces parked records on the parked topic: raw value unchanged, place and reason in headers."""

    def __init__(self, *, topic: str, producer: RecordProducer, database: Database, metrics: Metrics) -> None:
        """`topic` is the full name of the parked topic."""
        self._topic = topic
        self._producer = producer
        self._database = database
        self._service = metrics.service
        self._relayed = metrics.relayed.labels("parked")
        self._loop = RelayLoop("parked", self._round)

    def wake(self) -> None:
        """Look now; called after a commit that parked something."""
        self._loop.wake()

    async def start(self) -> None:
        """Begin in the background; an outage of either server is waited out."""
        self._loop.start()

    async def stop(self) -> None:
        """Finish the round in hand, or give it up soon: it is done again at the next start."""
        await self._loop.stop()

    async def _round(self) -> bool:
        async with self._database.transaction() as tx:
            if not await tx.fetchval("SELECT pg_try_advisory_xact_lock($1)", RELAY_LOCK):
                return False
            rows = await tx.fetch(_UNPUBLISHED, ROUND_ROWS_MAX)
            if not rows:
                return False
            answers = await self._producer.send_all([self._outgoing(row) for row in rows])
            done = [
                row for row, answer in zip(rows, answers, strict=True) if not isinstance(answer, Retryable)
            ]
            if done:
                await tx.execute(_PUBLISHED, *zip(*(row[:3] for row in done), strict=True))
        self._relayed.inc(sum(isinstance(answer, Position) for answer in answers))
        for row, answer in zip(rows, answers, strict=True):
            if isinstance(answer, Rejected):
                # No topic takes it; the row stays, and it must not hold up the others for ever.
                log.error("parked_not_announced", topic=row[0], partition=row[1], offset=row[2])
        if len(done) < len(rows):
            raise next(answer for answer in answers if isinstance(answer, Retryable))
        return True

    def _outgoing(self, row: asyncpg.Record) -> Outgoing:
        reason = {
            "parked-service": self._service,
            "parked-topic": row["topic"],
            "parked-partition": str(row["partition"]),
            "parked-offset": str(row["offset"]),
            "parked-code": row["code"],
            "parked-detail": row["detail"],
            "parked-at": row["parked_at"].isoformat(),
        }
        headers = [*_headers_from_json(row["headers"]), *((k, v.encode()) for k, v in reason.items())]
        return Outgoing(self._topic, row["key"] or b"", row["value"], headers)


def _headers_to_json(headers: Sequence[tuple[str, bytes]]) -> str:
    # Header values are bytes of any kind, and a name may come twice: pairs, with the value in base 64.
    return json.dumps(
        [[name.replace("\0", " "), base64.b64encode(value or b"").decode()] for name, value in headers]
    )


def _headers_from_json(stored: str) -> list[tuple[str, bytes]]:
    return [(name, base64.b64decode(value)) for name, value in json.loads(stored)]
