"""Before batches flow, and after each failure: connection, claims, memory and cursors are made to agree."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import Any

from shared.runtime import cursor
from shared.runtime.consume.claimer import Claimer
from shared.runtime.consume.isolation import Isolation
from shared.runtime.consume.kinds import Fenced
from shared.runtime.consume.log import Log
from shared.runtime.consume.ports import Absorber, Batch, Prepared
from shared.runtime.consume.writer import InDoubt, Work, Writer
from shared.runtime.logs import get_logger
from shared.runtime.ownership import Ownership
from shared.runtime.records import Partition

log = get_logger()

MEMBER_SECONDS = 5.0

Write = Callable[[Work, Any], Awaitable[None]]


class Recovery:
    """Remembers what went wrong and puts it right in `establish`, with nothing else in the pipe."""

    def __init__(
        self,
        name: str,
        *,
        log: Log,
        ownership: Ownership,
        writer: Writer,
        claimer: Claimer,
        absorber: Absorber[Any],
        hold_off_seconds: float,
    ) -> None:
        """`hold_off_seconds`: how long a partition that somebody else has claimed is left to the group."""
        self._name = name
        self._log = log
        self._ownership = ownership
        self._writer = writer
        self._claimer = claimer
        self._absorber = absorber
        self._hold_off_seconds = hold_off_seconds
        # Memory of these may differ from what is committed.
        self._dirty: set[Partition] = set()
        # The absorber may have something of these in memory.
        self._cached: set[Partition] = set()
        # Claims lost with their connection, to be confirmed by the group: partition -> cursor as known.
        self._unconfirmed: dict[Partition, int] = {}
        self._in_doubt: InDoubt | None = None
        self._failed: Batch | None = None

    def distrust_memory(self) -> None:
        """Whatever was prepared and not committed is void."""
        self._dirty.update(self._ownership.claims, self._cached)

    def fenced(self, partitions: Collection[Partition]) -> None:
        """Somebody else has claimed these."""
        for partition in partitions:
            self._ownership.hold_off(partition, self._hold_off_seconds)

    def in_doubt(self, doubt: InDoubt) -> None:
        """A commit whose answer was lost."""
        self._in_doubt = doubt

    def failed(self, work: Work) -> None:
        """A batch that met a bug, to be taken apart."""
        self._failed = Batch(work.records, work.claims, work.starts or {})

    async def establish(
        self,
        write: Write,
        committed: Callable[[Work, Prepared], Awaitable[None]],
        *,
        interrupted: Callable[[], bool],
    ) -> None:
        """Connected, everything assigned claimed, memory and cursors in agreement, the failed batch done.

        Raises Fenced, Halted, and what is raised while a server is away; then it has to be called again.
        """
        if not self._writer.alive:
            await self._reconnect()
        await self._confirm()
        await self._read_again()
        await self._claim()
        doubt, self._in_doubt = self._in_doubt, None
        if doubt is not None and await self._had_happened(doubt):
            await committed(doubt.work, doubt.prepared)
        batch, self._failed = self._failed, None
        if batch is not None:
            claims = self._ownership.claims
            isolation = Isolation(self._name, self._absorber, claims, write, self._writer.ping, interrupted)
            await isolation.run(batch)

    async def _reconnect(self) -> None:
        held = {partition: claim.next_offset for partition, claim in self._ownership.claims.items()}
        self._unconfirmed.update(held)
        self._dirty.update(held)
        self._ownership.void()
        await self._writer.connect()

    async def _confirm(self) -> None:
        """Ask the group before partitions are claimed a second time.

        A process that was frozen for long still believes in its partitions; the group knows better, and to
        claim them would only take them from their owner.
        """
        offsets = {p: o for p, o in self._unconfirmed.items() if p in self._ownership.assigned}
        if offsets and not await self._log.commit(offsets, seconds=MEMBER_SECONDS):
            self.fenced(offsets.keys())
        self._unconfirmed.clear()

    async def _read_again(self) -> None:
        if not self._dirty:
            return
        claims = self._ownership.claims
        self._absorber.forget(self._dirty | claims.keys())
        if claims:
            stored = await cursor.read(self._writer.connection, list(claims))
            lost = [p for p, claim in claims.items() if p not in stored or stored[p].epoch != claim.epoch]
            if lost:
                raise Fenced(lost)
            for partition, claim in claims.items():
                now = stored[partition]
                claim.next_offset, claim.ledger_seq = now.next_offset, now.ledger_seq
                claim.out_seq, claim.incarnation = now.out_seq, now.incarnation
        self._dirty.clear()

    async def _claim(self) -> None:
        wanted = self._ownership.unclaimed()
        if wanted:
            fresh = await self._claimer.claim(wanted, hold_off=self._ownership.hold_off)
            self._absorber.forget([claim.partition for claim in fresh])
            for claim in fresh:
                self._ownership.claimed(claim)
            log.info("claimed", consumer=self._name, partitions=[c.partition.partition for c in fresh])
        gone = self._cached - self._ownership.claims.keys()
        if gone:
            self._absorber.forget(gone)
        self._cached = set(self._ownership.claims)

    async def _had_happened(self, doubt: InDoubt) -> bool:
        """Moved means done: read after the claim, so nothing of the lost connection is still under way."""
        ends = doubt.work.ends
        if not ends:
            # Side work leaves no mark on the cursor; what is still to do is in its rows.
            return False
        stored = await cursor.read(self._writer.connection, list(ends))
        happened = all(p in stored and stored[p].next_offset >= end for p, end in ends.items())
        log.warning("commit_was_in_doubt", consumer=self._name, had_happened=happened)
        return happened
