"""One unit of work committed: judged before, written by the writer, counted and told afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from shared.runtime.consume.claimer import Claimer
from shared.runtime.consume.kinds import Halted, Stale
from shared.runtime.consume.limits import RejectHistory
from shared.runtime.consume.ports import Prepared
from shared.runtime.consume.writer import Work, Writer
from shared.runtime.logs import get_logger
from shared.runtime.metrics import Metrics
from shared.runtime.ownership import Ownership
from shared.runtime.records import Partition
from shared.runtime.tail import Tail

log = get_logger()


class Commits:
    """Writes what is still ours to write, and parks no more than the limits allow."""

    def __init__(
        self,
        name: str,
        *,
        ownership: Ownership,
        writer: Writer,
        claimer: Claimer,
        on_committed: Callable[[Work], None],
        metrics: Metrics,
    ) -> None:
        """`on_committed` must not wait."""
        self._name = name
        self._ownership = ownership
        self._writer = writer
        self._claimer = claimer
        self._on_committed = on_committed
        self._metrics = metrics
        self._now = asyncio.get_running_loop().time

    async def write(self, work: Work, prepared: Prepared) -> None:
        """One transaction. Raises Stale, Fenced, InDoubt, Halted, and what the port's `write` raises."""
        for advance in prepared.advances:
            if self._ownership.claims.get(advance.partition) is not work.claims[advance.partition]:
                raise Stale
        histories = self._judge(work, prepared)
        started = self._now()
        await self._writer.write(work, prepared)
        self._metrics.batch_seconds.labels(self._name).observe(self._now() - started)
        self._claimer.histories.update(histories)
        for advance in prepared.advances:
            claim = work.claims[advance.partition]
            self._claimer.committed[advance.partition] = Tail(claim.incarnation, claim.out_seq)
        await self.told(work, prepared)

    async def told(self, work: Work, prepared: Prepared) -> None:
        """Count what is committed and tell whoever waits for it."""
        self._metrics.batches.labels(self._name, "committed").inc()
        if work.starts is not None:
            self._metrics.consumed.labels(self._name).inc(len(work.records))
            self._metrics.batch_records.labels(self._name).observe(len(work.records))
        for item in prepared.parked:
            self._metrics.parked.labels(self._name, item.code).inc()
        self._on_committed(work)
        try:
            await work.port.committed(prepared)
        except Exception:
            # It is committed, whatever a wake-up does.
            log.exception("committed_failed", consumer=self._name)

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
