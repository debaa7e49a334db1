"""The writing connection of a consumer, and the transaction that moves cursors and writes the rest."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

import asyncpg

from shared.runtime import cursor, parking
from shared.runtime.consume.kinds import Fenced, Stale, is_away
from shared.runtime.consume.ports import Absorber, Batch, Prepared, SideWork
from shared.runtime.cursor import Before, Claim, Owner, Step
from shared.runtime.database import Database
from shared.runtime.errors import Retryable
from shared.runtime.records import Partition, Record

PING_SECONDS = 2.0
_BROKEN = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


@dataclass(frozen=True, slots=True)
class Work:
    """One unit that goes through the pipe: a batch, or a piece of side work (`starts` None)."""

    port: Absorber[Any] | SideWork[Any]
    claims: Mapping[Partition, Claim]
    records: Sequence[Record] = ()
    starts: Mapping[Partition, int] | None = None
    ends: Mapping[Partition, int] = field(default_factory=dict)
    counts: Mapping[Partition, int] = field(default_factory=dict)

    @classmethod
    def of(cls, batch: Batch, port: Absorber[Any]) -> Work:
        """A batch as work: where each partition goes, and with how many records."""
        counts = Counter(map(attrgetter("topic", "partition"), batch.records))
        by_partition = {Partition(*place): count for place, count in counts.items()}
        return cls(port, batch.claims, batch.records, batch.starts, batch.ends(), by_partition)


class InDoubt(Exception):  # noqa: N818 - names what happened, as Fenced and Stale do
    """The connection was lost during COMMIT: only the cursor tells whether it happened."""

    def __init__(self, work: Work, prepared: Prepared) -> None:
        super().__init__("connection lost during commit")
        self.work = work
        self.prepared = prepared


class Writer:
    """One connection outside the pool; its backend is what a claim records and a later claim may end."""

    def __init__(self, name: str, database: Database, notify: Callable[[], None]) -> None:
        self._name = name
        self._database = database
        self._notify = notify
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._owner: Owner | None = None

    @property
    def alive(self) -> bool:
        """Connected, as far as this side has heard."""
        return self._connection is not None and not self._connection.is_closed()

    @property
    def connection(self) -> asyncpg.Connection[asyncpg.Record]:
        """The connection; Retryable when there is none."""
        if self._connection is None:
            raise Retryable("the writing connection is closed")
        return self._connection

    @property
    def owner(self) -> Owner:
        """The backend behind it."""
        if self._owner is None:
            raise Retryable("the writing connection is closed")
        return self._owner

    async def connect(self) -> None:
        """Connect anew; claims recorded for an earlier connection are void."""
        self.drop()
        connection = await self._database.dedicated(f"writer-{self._name}")
        connection.add_termination_listener(lambda *_: self._notify())
        self._connection = connection
        self._owner = await cursor.whoami(connection)

    async def ping(self) -> None:
        """Raise what the driver raises, or TimeoutError, when the server does not answer."""
        async with asyncio.timeout(PING_SECONDS):
            await self.connection.execute("SELECT 1")

    async def check(self) -> None:
        """Drop the connection unless it answers and is outside a transaction."""
        if self._connection is None:
            return
        try:
            await self.ping()
        except _BROKEN:
            self.drop()
        else:
            if self._connection.is_in_transaction():
                self.drop()

    def drop(self) -> None:
        """Cut the connection without a word."""
        if self._connection is not None:
            self._connection.terminate()
        self._connection = None
        self._owner = None

    async def close(self) -> None:
        """Take leave of the server."""
        if self._connection is not None:
            with contextlib.suppress(*_BROKEN):
                await self._connection.close(timeout=PING_SECONDS)
            self.drop()

    async def write(self, work: Work, prepared: Prepared) -> None:
        """Advance all cursors, write, commit; the claims then say what the cursors say.

        Raises Fenced, Stale or InDoubt, and what the port's `write` raises; except in doubt, nothing is
        written then.
        """
        connection, steps = self.connection, steps_of(work, prepared)
        transaction = connection.transaction()
        await transaction.start()
        try:
            before = await _advance(connection, steps)
            await work.port.write(connection, prepared, before)
            await parking.write(connection, prepared.parked)
        except BaseException:
            await self._roll_back(transaction)
            raise
        try:
            await transaction.commit()
        except _BROKEN as error:
            if is_away(error):
                self.drop()
                raise InDoubt(work, prepared) from error
            raise
        for step in steps:
            claim, values = work.claims[step.partition], before[step.partition]
            claim.next_offset = step.new_offset
            claim.ledger_seq = values.ledger_seq + step.ledger_rows
            claim.out_seq = values.out_seq + step.outbox_rows

    async def _roll_back(self, transaction: asyncpg.transaction.Transaction) -> None:
        try:
            async with asyncio.timeout(PING_SECONDS):
                await transaction.rollback()
        except _BROKEN:
            # Cutting the connection rolls back too.
            self.drop()


async def _advance(connection: cursor.Connection, steps: Sequence[Step]) -> dict[Partition, Before]:
    before = await cursor.advance(connection, steps)
    if len(before) < len(steps):
        raise Fenced([step.partition for step in steps if step.partition not in before])
    return before


def steps_of(work: Work, prepared: Prepared) -> list[Step]:
    """The compare-and-sets of a unit of work; AssertionError when its advances do not fit the batch."""
    ends = dict(work.ends)
    steps: list[Step] = []
    for advance in prepared.advances:
        claim = work.claims[advance.partition]
        new_offset = claim.next_offset
        if work.starts is not None:
            new_offset = ends.pop(advance.partition)
            if claim.next_offset != work.starts[advance.partition]:
                raise Stale
            assert advance.next_offset in {None, new_offset}, f"advance {advance} must be to {new_offset}"
        steps.append(
            Step(
                advance.partition,
                claim.epoch,
                claim.next_offset,
                new_offset,
                advance.ledger_rows,
                advance.outbox_rows,
            )
        )
    assert not ends, f"no advance for {sorted(ends)}"
    assert steps, "nothing to advance"
    return steps
