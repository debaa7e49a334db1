"""The engine of a consumer: one task that claims, lets batches flow, and mends what failed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from shared.runtime.backoff import Backoff
from shared.runtime.consume.claimer import Claimer
from shared.runtime.consume.commits import Commits
from shared.runtime.consume.inbox import Inbox
from shared.runtime.consume.kinds import Fenced, Halted, Stale, is_away
from shared.runtime.consume.log import Log
from shared.runtime.consume.ports import Absorber, Batch, Prepared, SideWork
from shared.runtime.consume.recovery import Recovery
from shared.runtime.consume.turns import SideTurns
from shared.runtime.consume.writer import InDoubt, Work, Writer
from shared.runtime.errors import Retryable
from shared.runtime.logs import get_logger
from shared.runtime.metrics import Metrics
from shared.runtime.ownership import Ownership
from shared.runtime.records import Partition

log = get_logger()


class _Failed(Exception):  # noqa: N818 - names what happened
    """A bug while this was prepared or written."""

    def __init__(self, work: Work) -> None:
        super().__init__("failed")
        self.work = work


class Engine:
    """Everything that changes claims, caches or cursors happens in `run`, one thing after the other.

    The only overlap is the wanted one: a batch is prepared while what came before is written.
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
        self._ownership = ownership
        self._writer = writer
        self._claimer = claimer
        self._absorber = absorber
        self._side_work = side_work
        self._nudge = nudge
        self._on_committed = on_committed
        self._metrics = metrics
        self._now = asyncio.get_running_loop().time
        self._turns = SideTurns(self._now, exists=side_work is not None)
        self._backoff = Backoff(first_seconds=0.1, cap_seconds=5.0)
        self._recovery = Recovery(
            name,
            log=log,
            ownership=ownership,
            writer=writer,
            claimer=claimer,
            absorber=absorber,
            hold_off_seconds=hold_off_seconds,
        )
        self._commits = Commits(
            name,
            ownership=ownership,
            writer=writer,
            claimer=claimer,
            on_committed=self._committed,
            metrics=metrics,
        )
        self._stopping = False
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
            await self._recovery.establish(
                self._commits.write,
                self._commits.told,
                interrupted=lambda: self._stopping or bool(self._ownership.unclaimed()),
            )
            if self.away:
                await self._writer.ping()
                self.away = False
                log.info("consumer_works", consumer=self._name)
            self.inbox.open(self._ownership.claims)
            await self._flow()
        except Exception as error:  # noqa: BLE001 - sorted by `_recover`, which raises what nothing mends
            self._recovery.distrust_memory()
            self.inbox.close()
            await self._recover(error)
        finally:
            self.inbox.close()

    async def _flow(self) -> None:
        """Prepare the next while the last is written, until there is something else to do."""
        writing: asyncio.Task[None] | None = None
        try:
            while (work := await self._next(writing)) is not None:
                if work.starts is None and writing is not None:
                    # Side work finds what to do in the tables, and must not find what is being done.
                    last, writing = writing, None
                    await last
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
            self.inbox.read_again(partition, await self._claimer.look(partition, expected))

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
            await self._commits.write(work, prepared)
        except (Fenced, Stale, InDoubt, Halted):
            raise
        except Exception as error:
            if is_away(error):
                raise
            raise _Failed(work) from error

    def _committed(self, work: Work) -> None:
        self._backoff.reset()
        if work.starts is None:
            self._turns.worked()
        else:
            self._on_committed(work.ends)

    async def _recover(self, error: Exception) -> None:
        """Note what has to be put right before anything flows; what nothing can put right is raised."""
        if isinstance(error, Fenced):
            self._count("fenced")
            log.warning("fenced", consumer=self._name, partitions=sorted(p[1] for p in error.partitions))
            self._recovery.fenced(error.partitions)
        elif isinstance(error, Stale):
            self._count("stale")
        elif isinstance(error, InDoubt):
            self._count("in_doubt")
            self._recovery.in_doubt(error)
        elif isinstance(error, _Failed):
            self._note_bug(error)
        elif is_away(error):
            await self._wait_out(error)
        else:
            raise error

    def _note_bug(self, failure: _Failed) -> None:
        self._count("failed")
        work, bug = failure.work, failure.__cause__
        if work.starts is None:
            pause = self._turns.failed()
            log.error("side_work_failed", consumer=self._name, seconds_paused=pause, exc_info=bug)
        else:
            log.error("batch_failed", consumer=self._name, records=len(work.records), exc_info=bug)
            self._recovery.failed(work)

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
