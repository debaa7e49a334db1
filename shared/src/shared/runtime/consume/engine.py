"""The engine of a consumer: one task that claims, lets batches flow, and mends what failed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import Any

from shared.runtime import cursor
from shared.runtime.backoff import Backoff
from shared.runtime.consume.claimer import Claimer
from shared.runtime.consume.inbox import Inbox
from shared.runtime.consume.isolation import Isolation
from shared.runtime.consume.kinds import Fenced, Halted, Stale, is_away
from shared.runtime.consume.limits import RejectHistory
from shared.runtime.consume.log import Log
from shared.runtime.consume.ports import Absorber, Batch, Prepared, SideWork
from shared.runtime.consume.turns import SideTurns
from shared.runtime.consume.writer import InDoubt, Work, Writer
from shared.runtime.errors import Retryable
from shared.runtime.logs import get_logger
from shared.runtime.metrics import Metrics
from shared.runtime.ownership import Ownership
from shared.runtime.records import Partition

log = get_logger()

MEMBER_SECONDS = 5.0


class _Failed(Exception):  # noqa: N818 - names what happened
    """A bug while this was prepared or written."""

    def __init__(self, work: Work) -> None:
        super().__init__("failed")
        self.work = work


class Engine:
    """Everything that changes claims, caches or cursors happens in `run`, one thing after the other.

    The only overlap is the wanted one: a batch is prepared while the one before is written.
    """

    def __init__(
        self,
        name: str,
        *,
        log: Log,
        ownership: Ownership,
        writer: Writer,
        claimer: Claimer,
        absorber: Absorber[Any],
        side_work: SideWork[Any] | None,
        nudge: asyncio.Event,
        on_committed: Callable[[Mapping[Partition, int]], None],
        hold_off_seconds: float,
        metrics: Metrics,
    ) -> None:
        """`nudge` is set by whoever has news; `on_committed` gets the new cursors and must not wait."""
        self._name = name
        self._log = log
        self._ownership = ownership
        self._writer = writer
        self._claimer = claimer
        self._absorber = absorber
        self._side_work = side_work
        self._nudge = nudge
        self._on_committed = on_committed
        self._hold_off_seconds = hold_off_seconds
        self._metrics = metrics
        self._now = asyncio.get_running_loop().time
        self._turns = SideTurns(self._now, exists=side_work is not None)
        self._backoff = Backoff(first_seconds=0.1, cap_seconds=5.0)
        self._stopping = False
        # What memory holds may differ from what is committed: forget it, read the cursors again.
        self._dirty: set[Partition] = set()
        self._cached: set[Partition] = set()
        self._unconfirmed: dict[Partition, int] = {}
        self._failed_batch: Batch | None = None
        self._in_doubt: InDoubt | None = None
        self.inbox = Inbox(log, nudge.set)
        self.away = True

    def wake(self) -> None:
        """Side work may be due."""
        self._turns.wake()
        self._nudge.set()

    def stop(self) -> None:
        """Finish the write in hand and return from `run`."""
        self._stopping = True
        self._nudge.set()

    async def run(self) -> None:
        """Work until stopped; raises Halted when this must not go on, and nothing that waiting can mend."""
        try:
            while not self._stopping:
                await self._go_on()
        finally:
            self.inbox.close()
            await self._writer.close()

    async def _go_on(self) -> None:
        try:
            await self._establish()
            self.inbox.open(self._ownership.claims)
            await self._flow()
        except Exception as error:  # noqa: BLE001 - sorted by `_recover`, which raises what nothing mends
            # Whatever was prepared and not committed is in memory only: forget it.
            self._dirty.update(self._ownership.claims, self._cached)
            self.inbox.close()
            await self._recover(error)
        finally:
            self.inbox.close()

    # -- before batches flow --

    async def _establish(self) -> None:
        """Connected, everything assigned claimed, memory and cursors in agreement."""
        if not self._writer.alive:
            await self._reconnect()
        elif self.away:
            await self._writer.connection.execute("SELECT 1")
        await self._confirm()
        await self._read_again()
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
        if self._in_doubt is not None:
            doubt, self._in_doubt = self._in_doubt, None
            await self._resolve(doubt)
        if self.away:
            self.away = False
            log.info("consumer_works", consumer=self._name)
        batch, self._failed_batch = self._failed_batch, None
        if batch is not None:
            isolation = Isolation(
                self._name,
                self._absorber,
                self._ownership.claims,
                self._write_plain,
                lambda: self._writer.connection.execute("SELECT 1"),
                lambda: self._stopping or bool(self._ownership.unclaimed()),
            )
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
            for partition in offsets:
                self._ownership.hold_off(partition, self._hold_off_seconds)
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

    async def _resolve(self, doubt: InDoubt) -> None:
        """Moved means done: read after the claim, so nothing of the lost connection is still under way."""
        ends = doubt.work.ends
        stored = await cursor.read(self._writer.connection, list(ends))
        if ends and all(p in stored and stored[p].next_offset >= end for p, end in ends.items()):
            log.warning("commit_had_happened", consumer=self._name)
            await self._after_commit(doubt.work, doubt.prepared)
        elif ends:
            log.warning("commit_had_not_happened", consumer=self._name)

    # -- while batches flow --

    async def _flow(self) -> None:
        """Prepare the next while the last is written, until there is something else to do."""
        writing: asyncio.Task[None] | None = None
        try:
            while (work := await self._next(writing)) is not None:
                prepared = await self._prepare(work)
                if prepared is None:
                    continue
                if writing is not None:
                    last, writing = writing, None
                    await last
                writing = asyncio.create_task(self._write(work, prepared))
                writing.add_done_callback(lambda _: self._nudge.set())
        except asyncio.CancelledError:
            if writing is not None:
                writing.cancel()
            raise
        finally:
            # A failed write tells more than a failed prepare of what was built upon it.
            if writing is not None:
                await writing

    async def _next(self, writing: asyncio.Task[None] | None) -> Work | None:
        """The next unit, as soon as there is one; None when the flow has to end."""
        while True:
            self._nudge.clear()
            if writing is not None and writing.done() and not writing.cancelled() and writing.exception():
                return None
            if self._stopping or self._ownership.unclaimed():
                return None
            if not self._writer.alive:
                raise Retryable("the writing connection is lost")
            for partition in list(self.inbox.suspects):
                await self._look(partition)
            if self._turns.comes_first(batch_waits=self.inbox.filled):
                self._turns.took(side=True)
                assert self._side_work is not None
                return Work(self._side_work, dict(self._ownership.claims))
            batch = self.inbox.take()
            if batch is not None:
                self._turns.took(side=False)
                return Work.of(batch, self._absorber)
            await self._wait()

    async def _wait(self) -> None:
        pauses = [s for s in (self._turns.seconds(), self._ownership.seconds_to_next()) if s is not None]
        try:
            async with asyncio.timeout(min(pauses) if pauses else None):
                await self._nudge.wait()
        except TimeoutError:
            pass

    async def _look(self, partition: Partition) -> None:
        expected = self.inbox.expected(partition)
        if expected is not None:
            await self._claimer.check(partition, expected)
        self.inbox.read_again(partition)

    async def _prepare(self, work: Work) -> Prepared | None:
        try:
            if work.starts is not None:
                batch = Batch(work.records, work.claims, work.starts)
                prepared: Prepared = await self._absorber.prepare(batch)
                return prepared
            if not work.claims:
                self._turns.idle()
                return None
            assert self._side_work is not None
            piece: Prepared | None = await self._side_work.prepare(work.claims)
        except Exception as error:
            if is_away(error):
                raise
            raise _Failed(work) from error
        if piece is None:
            self._turns.idle()
        else:
            self._turns.wake()
        return piece

    async def _write(self, work: Work, prepared: Prepared) -> None:
        try:
            await self._write_plain(work, prepared)
        except (Fenced, Stale, InDoubt, Halted):
            raise
        except Exception as error:
            if is_away(error):
                raise
            raise _Failed(work) from error

    async def _write_plain(self, work: Work, prepared: Prepared) -> None:
        for advance in prepared.advances:
            if self._ownership.claims.get(advance.partition) is not work.claims[advance.partition]:
                raise Stale
        histories = self._judge(work, prepared)
        started = self._now()
        await self._writer.write(work, prepared)
        self._metrics.batch_seconds.labels(self._name).observe(self._now() - started)
        self._claimer.histories.update(histories)
        await self._after_commit(work, prepared)

    def _judge(self, work: Work, prepared: Prepared) -> Mapping[Partition, RejectHistory]:
        """The reject histories after this batch; Halted, with nothing parked, when they say stop."""
        histories = {p: self._claimer.histories[p].copy() for p in work.counts}
        if not prepared.parked:
            for partition, count in work.counts.items():
                histories[partition].passed(count)
            return histories
        rejected = {(item.record.source, item.record.offset): item for item in prepared.parked}
        for record in work.records:
            item = rejected.get((record.source, record.offset))
            reason = histories[record.source].add(rejected=item is not None)
            if reason is not None and item is not None:
                raise Halted(
                    f"{self._name}: {reason} in {record.topic}/{record.partition}, the last for {item.code}. "
                    "A wrong deployment looks like this: correct it, or the producer, and start again.",
                    ends_process=False,
                )
        return histories

    async def _after_commit(self, work: Work, prepared: Prepared) -> None:
        self._backoff.reset()
        self._count("committed")
        if work.starts is None:
            self._turns.worked()
        else:
            self._metrics.consumed.labels(self._name).inc(len(work.records))
            self._metrics.batch_records.labels(self._name).observe(len(work.records))
            self._on_committed(work.ends)
        for item in prepared.parked:
            self._metrics.parked.labels(self._name, item.code).inc()
        try:
            await work.port.committed(prepared)
        except Exception:
            # It is committed, whatever a wake-up does.
            log.exception("committed_failed", consumer=self._name)

    # -- after a failure --

    async def _recover(self, error: Exception) -> None:
        """Note what the next `_establish` has to put right; what nothing can put right is raised."""
        if isinstance(error, Fenced):
            self._fence(error.partitions)
        elif isinstance(error, Stale):
            self._count("stale")
        elif isinstance(error, InDoubt):
            self._count("in_doubt")
            self._in_doubt = error
        elif isinstance(error, _Failed):
            self._note_bug(error)
        elif is_away(error):
            await self._wait_out(error)
        else:
            raise error

    def _fence(self, partitions: Collection[Partition]) -> None:
        self._count("fenced")
        log.warning("fenced", consumer=self._name, partitions=sorted(p.partition for p in partitions))
        for partition in partitions:
            self._ownership.hold_off(partition, self._hold_off_seconds)

    def _note_bug(self, failure: _Failed) -> None:
        self._count("failed")
        work, bug = failure.work, failure.__cause__
        if work.starts is None:
            pause = self._turns.failed()
            log.error("side_work_failed", consumer=self._name, seconds_paused=pause, exc_info=bug)
            return
        log.error("batch_failed", consumer=self._name, records=len(work.records), exc_info=bug)
        self._failed_batch = Batch(work.records, work.claims, work.starts)

    async def _wait_out(self, error: Exception) -> None:
        self._count("retried")
        if not self.away:
            self.away = True
            log.warning("consumer_waits", consumer=self._name, error=repr(error))
        await self._writer.check()
        until = self._now() + self._backoff.next_seconds()
        while not self._stopping and (left := until - self._now()) > 0:
            self._nudge.clear()
            try:
                async with asyncio.timeout(left):
                    await self._nudge.wait()
            except TimeoutError:
                return

    def _count(self, result: str) -> None:
        self._metrics.batches.labels(self._name, result).inc()
