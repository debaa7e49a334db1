"""What a service gives the consumer (absorber, side work) and what it is given (batches, claims)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import asyncpg

from shared.runtime.cursor import Advance, Before, Claim
from shared.runtime.parking import ParkedRecord
from shared.runtime.records import Partition, Record


@dataclass(frozen=True, slots=True)
class Batch:
    """Records of claimed partitions only, in order of offset per partition, each delivered once per claim.

    `claims` holds every partition of the batch. Their `next_offset` and sequences belong to the last commit,
    not to this batch: the batch before this one may still be being written.
    """

    records: Sequence[Record]
    claims: Mapping[Partition, Claim]
    # Where the cursor of each partition must stand when this batch is written.
    starts: Mapping[Partition, int] = field(default_factory=dict)

    def ends(self) -> dict[Partition, int]:
        """Partition -> offset after its last record: the `next_offset` of the advances."""
        ends = {(record.topic, record.partition): record.offset + 1 for record in self.records}
        return {Partition(*place): end for place, end in ends.items()}


class Prepared(Protocol):
    """What one batch, or one piece of side work, will write."""

    @property
    def advances(self) -> Sequence[Advance]:
        """One per partition touched, no partition twice."""

    @property
    def parked(self) -> Sequence[ParkedRecord]:
        """Rejected records; the consumer writes them in the same transaction."""


P = TypeVar("P", bound=Prepared)


class Absorber(Protocol[P]):
    """What a service does with records.

    Calls of `prepare` never overlap, nor do calls of `write`; `prepare` of the next batch runs while the one
    before is written.
    """

    async def prepare(self, batch: Batch) -> P:
        """Decode, load and fold; reads only. Rejected records go into `parked`.

        May raise Retryable, or a connection error of asyncpg: the batch is tried again later. Anything else
        is a bug: the batch is tried again, then bisected until one record is left, and that one is parked.
        It must build on what earlier calls prepared, whether or not that is committed yet.
        """

    async def write(self, tx: asyncpg.Connection, prepared: P, before: Mapping[Partition, Before]) -> None:
        """Write inside the cursor transaction, after the cursors were advanced. Raises as `prepare`."""

    def forget(self, partitions: Collection[Partition]) -> None:
        """Drop what is kept in memory of these partitions: claimed anew, fenced, or a write failed.

        All that was prepared for them and not reported by `committed` is void.
        """

    async def committed(self, prepared: P) -> None:
        """The transaction is committed: wake the relay, count. Must not raise and should not wait."""


class SideWork(Protocol[P]):
    """Work that is not a record, done by a partition's owner in the same kind of transaction.

    It goes through the same pipe as batches, in order with them. When it is prepared, everything before it is
    committed: what it reads in the tables holds.
    """

    async def prepare(self, claims: Mapping[Partition, Claim]) -> P | None:
        """Prepare one chunk for claimed partitions, or None when nothing is due. Raises as an absorber's.

        Called each second, on `Consumer.wake()`, and again at once after a chunk was prepared.
        Advances carry `next_offset` None: the cursor stays where the batches before have moved it.
        """

    async def write(self, tx: asyncpg.Connection, prepared: P, before: Mapping[Partition, Before]) -> None:
        """Write inside the cursor transaction, after the cursors were advanced."""

    async def committed(self, prepared: P) -> None:
        """The transaction is committed."""
