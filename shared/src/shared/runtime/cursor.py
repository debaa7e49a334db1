"""The input cursor: how far a partition is read, committed together with what was done about it.

One row per input partition. `epoch` fences: whoever claims a partition raises it, and every later advance
compares it, so that a former owner can commit nothing. `ledger_seq` and `out_seq` are dense per partition
because the row stays locked until the transaction ends: order of numbers is order of commits.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.runtime.records import Partition

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
