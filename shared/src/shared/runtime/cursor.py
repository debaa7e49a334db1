"""The input cursor: how far a partition is read, committed together with what was done about it.

One row per input partition. `epoch` fences: whoever claims a partition raises it, and every later advance
compares it, so that a former owner can commit nothing. `ledger_seq` and `out_seq` are dense per partition
because the row stays locked until the transaction ends: order of numbers is order of commits.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from shared.runtime.records import Partition

# asyncpg's classes are generic in their stubs only.
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"

DDL = """
CREATE TABLE input_cursor (
    topic text NOT NULL,
    partition integer NOT NULL,
    epoch bigint NOT NULL DEFAULT 0,
    owner_pid integer,
    owner_started timestamptz,
    next_offset bigint NOT NULL DEFAULT 0,
    ledger_seq bigint NOT NULL DEFAULT 0,
    out_seq bigint NOT NULL DEFAULT 0,
    incarnation integer NOT NULL DEFAULT 1,
    closed_day date,
    PRIMARY KEY (topic, partition)
) WITH (fillfactor = 50)
"""
"""Executed by the first migration of a service; half-filled pages keep the frequent updates on their page."""


@dataclass(slots=True)
class Claim:
    """A partition owned by this process, with its cursor after the last commit of this owner."""

    partition: Partition
    epoch: int
    next_offset: int
    ledger_seq: int
    out_seq: int
    incarnation: int


@dataclass(frozen=True, slots=True)
class Advance:
    """How far one partition moves in a transaction, and how many numbers of each sequence it uses.

    `next_offset` None leaves the cursor where it is: side work moves sequences only.
    """

    partition: Partition
    next_offset: int | None
    ledger_rows: int = 0
    outbox_rows: int = 0


@dataclass(frozen=True, slots=True)
class Before:
    """Cursor values before a transaction's advance: its first new sequence is the value here + 1."""

    ledger_seq: int
    out_seq: int
    incarnation: int


class Owner(NamedTuple):
    """The backend that writes for an owner; the start tells it from a later one with the same pid."""

    pid: int
    started: datetime


class Step(NamedTuple):
    """One partition's compare-and-set: `old_offset` is what its claim says, `new_offset` where it moves."""

    partition: Partition
    epoch: int
    old_offset: int
    new_offset: int
    ledger_rows: int
    outbox_rows: int


_CLAIM = """
INSERT INTO input_cursor AS c (topic, partition, epoch, owner_pid, owner_started)
VALUES ($1, $2, 1, $3, $4)
ON CONFLICT (topic, partition) DO UPDATE
SET epoch = c.epoch + 1, owner_pid = excluded.owner_pid, owner_started = excluded.owner_started
RETURNING epoch, next_offset, ledger_seq, out_seq, incarnation
"""

_TERMINATE = """
SELECT pg_terminate_backend(a.pid)
FROM input_cursor c
JOIN pg_stat_activity a ON a.pid = c.owner_pid AND a.backend_start = c.owner_started
WHERE c.topic = $1 AND c.partition = $2 AND a.pid <> pg_backend_pid()
"""

# The lock is taken in order of the key, whatever order a batch came in, so that two owners that both believe
# in their claims cannot deadlock; the condition is checked again on the locked row.
_ADVANCE = """
WITH wanted AS (
    SELECT * FROM unnest($1::text[], $2::integer[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
                         $7::bigint[])
        AS w (topic, partition, epoch, old_offset, new_offset, ledger_rows, outbox_rows)
), held AS MATERIALIZED (
    SELECT c.topic, c.partition, c.ledger_seq, c.out_seq, c.incarnation,
           w.new_offset, w.ledger_rows, w.outbox_rows
    FROM input_cursor c
    JOIN wanted w ON c.topic = w.topic AND c.partition = w.partition
    WHERE c.epoch = w.epoch AND c.next_offset = w.old_offset
    ORDER BY c.topic, c.partition
    FOR UPDATE OF c
)
UPDATE input_cursor c
SET next_offset = h.new_offset,
    ledger_seq = h.ledger_seq + h.ledger_rows,
    out_seq = h.out_seq + h.outbox_rows
FROM held h
WHERE c.topic = h.topic AND c.partition = h.partition
RETURNING c.topic, c.partition, h.ledger_seq, h.out_seq, h.incarnation
"""

_READ = """
SELECT c.topic, c.partition, c.epoch, c.next_offset, c.ledger_seq, c.out_seq, c.incarnation
FROM input_cursor c
JOIN unnest($1::text[], $2::integer[]) AS w (topic, partition)
    ON c.topic = w.topic AND c.partition = w.partition
"""


async def whoami(connection: Connection) -> Owner:
    """The backend behind a connection, as `claim` records it."""
    row = await connection.fetchrow(
        "SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"
    )
    assert row is not None
    return Owner(row["pid"], row["backend_start"])


async def claim(
    connection: Connection, partition: Partition, owner: Owner, *, lock_timeout_ms: int = 2000
) -> Claim:
    """Raise the epoch of a partition and record its owner; one statement, so it cannot be left half done.

    A former owner can commit nothing from here on. Raises LockNotAvailableError when the row stays locked.
    """
    await connection.execute(f"SET lock_timeout = {int(lock_timeout_ms)}")
    try:
        row = await connection.fetchrow(_CLAIM, *partition, owner.pid, owner.started)
    finally:
        if not connection.is_closed():
            await connection.execute("SET lock_timeout = 0")
    assert row is not None
    return Claim(partition, *row.values())


async def terminate_owner(connection: Connection, partition: Partition) -> bool:
    """End the recorded owner's backend, if it is still that very one: its transaction is rolled back."""
    return bool(await connection.fetchval(_TERMINATE, *partition))


async def move(connection: Connection, claim: Claim, *, next_offset: int, incarnation: int) -> bool:
    """Correct a cursor just claimed, before anything is read under it; False when it was fenced meanwhile."""
    status: str = await connection.execute(
        "UPDATE input_cursor SET next_offset = $4, incarnation = $5"
        " WHERE topic = $1 AND partition = $2 AND epoch = $3",
        *claim.partition,
        claim.epoch,
        next_offset,
        incarnation,
    )
    if status != "UPDATE 1":
        return False
    claim.next_offset, claim.incarnation = next_offset, incarnation
    return True


async def advance(tx: Connection, steps: Sequence[Step]) -> dict[Partition, Before]:
    """Compare and set all cursors of a transaction at once; answers those that moved.

    A partition that is missing from the answer is fenced: roll back.
    """
    columns = list(zip(*((*step.partition, *step[1:]) for step in steps), strict=True))
    rows = await tx.fetch(_ADVANCE, *columns)
    return {Partition(row[0], row[1]): Before(row[2], row[3], row[4]) for row in rows}


async def read(connection: Connection, partitions: Collection[Partition]) -> dict[Partition, Claim]:
    """The cursors as they are now, by partition; those that no owner has claimed yet are missing."""
    topics, numbers = [p.topic for p in partitions], [p.partition for p in partitions]
    rows = await connection.fetch(_READ, topics, numbers)
    return {Partition(row[0], row[1]): Claim(Partition(row[0], row[1]), *row[2:]) for row in rows}
