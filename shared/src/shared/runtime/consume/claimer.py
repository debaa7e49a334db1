"""Claims partitions: fence the former owner, compare cursor, log and output, and only then own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

import asyncpg

from shared.runtime import cursor, parking
from shared.runtime.away import KAFKA_AWAY
from shared.runtime.consume.kinds import Halted
from shared.runtime.consume.limits import ParkingLimits, RejectHistory
from shared.runtime.consume.log import Bounds, Log
from shared.runtime.consume.writer import Writer
from shared.runtime.cursor import Claim
from shared.runtime.logs import get_logger
from shared.runtime.metrics import Metrics
from shared.runtime.records import Partition
from shared.runtime.tail import Tail, incarnation_after

log = get_logger()

LOCK_TIMEOUT_MS = 2000
# Each try ends a backend that was in the way; a row that stays locked after these is locked by an operator.
LOCK_TRIES = 3
LOCKED_HOLD_OFF_SECONDS = 10.0
BOUNDS_SECONDS = 10.0
ALONE_SECONDS = 2.0
UNREACHED_HOLD_OFF_SECONDS = 2.0
# After a change of leaders the end of a log is told late.
BOUNDS_LOOKS = 4
BOUNDS_PAUSE_SECONDS = 0.5

ReadTails = Callable[[Collection[Partition]], Awaitable[Mapping[Partition, Tail]]]


class Claimer:
    """Turns assigned partitions into claims; one at a time, on the writer's connection."""

    def __init__(
        self,
        name: str,
        *,
        log: Log,
        writer: Writer,
        read_tails: ReadTails | None,
        expires: bool,
        limits: ParkingLimits,
        metrics: Metrics,
    ) -> None:
        """`read_tails` takes input partitions and answers for their outputs.

        `expires`: the topic drops old records, so that what was never read may begin late.
        """
        self._name = name
        self._log = log
        self._writer = writer
        self._read_tails = read_tails
        self._expires = expires
        self._limits = limits
        self._metrics = metrics
        self.ends: dict[Partition, int] = {}
        self.histories: dict[Partition, RejectHistory] = {}
        # The newest positions that this process has seen committed: a database that does not know of them has
        # gone back, also while they are still on their way to the topic.
        self.committed: dict[Partition, Tail] = {}

    async def claim(
        self,
        partitions: Sequence[Partition],
        *,
        hold_off: Callable[[Partition, float], None],
    ) -> list[Claim]:
        """Claim these; those that cannot be had now are held off, the others are answered.

        Raises Halted when a cursor lies outside its log, and what database and Kafka raise when away.
        """
        claims: list[Claim] = []
        for partition in partitions:
            claim = await self._fence(partition)
            if claim is None:
                hold_off(partition, LOCKED_HOLD_OFF_SECONDS)
            else:
                claims.append(claim)
        bounds = await self._bounds([c.partition for c in claims])
        for late in [c for c in claims if c.partition not in bounds]:
            hold_off(late.partition, UNREACHED_HOLD_OFF_SECONDS)
        claims = [c for c in claims if c.partition in bounds]
        tails = await self._read_tails([c.partition for c in claims]) if self._read_tails and claims else {}
        fitting: list[Claim] = []
        for fresh in claims:
            if await self._fit(fresh, bounds[fresh.partition], tails.get(fresh.partition)):
                fitting.append(fresh)
            else:
                hold_off(fresh.partition, UNREACHED_HOLD_OFF_SECONDS)
        return fitting

    async def check(self, partition: Partition, next_offset: int) -> None:
        """Look at a log whose records do not begin where reading should go on; Halted when it is outside."""
        for _ in range(BOUNDS_LOOKS):
            bounds = (await self._log.bounds([partition], seconds=BOUNDS_SECONDS))[partition]
            if bounds.start <= next_offset <= bounds.end:
                return
            await asyncio.sleep(BOUNDS_PAUSE_SECONDS)
        raise outside(partition, next_offset, bounds)

    async def look(self, partition: Partition, next_offset: int) -> int | None:
        """Where the first record from `next_offset` on lies; Halted when that is outside the log."""
        await self.check(partition, next_offset)
        return await self._log.first_at(partition, next_offset, seconds=BOUNDS_SECONDS)

    async def _fence(self, partition: Partition) -> Claim | None:
        connection = self._writer.connection
        for _ in range(LOCK_TRIES):
            try:
                return await cursor.claim(
                    connection, partition, self._writer.owner, lock_timeout_ms=LOCK_TIMEOUT_MS
                )
            except asyncpg.LockNotAvailableError:
                # Frozen inside a transaction, most likely: it would hold the partition for ever.
                ended = await cursor.terminate_owner(connection, partition)
                log.warning("cursor_locked", consumer=self._name, partition=partition, owner_terminated=ended)
                if ended:
                    self._metrics.backends_terminated.labels(self._name).inc()
        return None

    async def _bounds(self, partitions: Collection[Partition]) -> Mapping[Partition, Bounds]:
        if not partitions:
            return {}
        try:
            return await self._log.bounds(partitions, seconds=BOUNDS_SECONDS)
        except KAFKA_AWAY:
            if len(partitions) == 1:
                raise
        # One partition without a leader must not hold up the others.
        found: dict[Partition, Bounds] = {}
        failure: Exception | None = None
        for partition in partitions:
            try:
                found.update(await self._log.bounds([partition], seconds=ALONE_SECONDS))
            except KAFKA_AWAY as error:
                failure = error
        if not found and failure is not None:
            raise failure
        return found

    async def _fit(self, claim: Claim, bounds: Bounds, tail: Tail | None) -> bool:
        """Make the cursor fit the log and the output; False when somebody else has claimed meanwhile."""
        next_offset = claim.next_offset
        if next_offset == 0 and bounds.start > 0 and self._expires:
            # Nothing was ever read, and the oldest records are gone as their topic promises.
            next_offset = bounds.start
        if not bounds.start <= next_offset <= bounds.end:
            await self.check(claim.partition, next_offset)
        before = claim.incarnation
        seen = max(filter(None, (tail, self.committed.get(claim.partition))), default=None)
        incarnation = incarnation_after(seen, incarnation=before, out_seq=claim.out_seq)
        if (next_offset, incarnation) != (claim.next_offset, before):
            moved = await cursor.move(
                self._writer.connection, claim, next_offset=next_offset, incarnation=incarnation
            )
            if not moved:
                # Whoever claimed it since has published what this claim does not know of: nothing went back.
                return False
        if incarnation != before:
            self._metrics.incarnations.labels(self._name).inc()
            log.error(
                "database_went_back",
                consumer=self._name,
                partition=claim.partition,
                incarnation=incarnation,
                out_seq=claim.out_seq,
                published=tail,
                seen=seen,
            )
        self.ends[claim.partition] = bounds.end
        self.histories[claim.partition] = await self._history(claim)
        return True

    async def _history(self, claim: Claim) -> RejectHistory:
        # From the table, so that a restart does not begin the count anew: a process that is started again
        # and again would drain the topic by and by.
        history = RejectHistory(self._limits)
        start = max(0, claim.next_offset - self._limits.window)
        parked = await parking.recent(self._writer.connection, claim.partition, start, claim.next_offset)
        for offset in range(start, claim.next_offset):
            history.add(rejected=offset in parked)
        return history


def outside(partition: Partition, next_offset: int, bounds: Bounds) -> Halted:
    """What to say when the log does not hold the record to go on with."""
    lost = (
        "records were deleted unread"
        if next_offset < bounds.start
        else "the topic was truncated or made anew"
    )
    return Halted(
        f"Cursor {next_offset} of {partition.topic}/{partition.partition} lies outside the log "
        f"[{bounds.start}, {bounds.end}]: {lost}. Restore the topic, or rebuild from what is left; "
        "the cursor is never reset by itself."
    )
