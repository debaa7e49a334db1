"""The queue of depth 1 before the engine: what may be absorbed waits here, the rest is dropped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from aiokafka import ConsumerRecord

from shared.runtime.consume.log import Log
from shared.runtime.consume.offsets import Reading, Verdict
from shared.runtime.consume.ports import Batch
from shared.runtime.cursor import Claim
from shared.runtime.records import Partition, Record

Fetched = ConsumerRecord[bytes | None, bytes | None]


class Inbox:
    """Open while the engine flows: then a fetch waits for the free place, and fetching waits with it.

    Closed, partitions are paused and what still comes is dropped at once, so that polling goes on and the
    member stays in the group; opening seeks every partition to where it stands.
    """

    def __init__(self, log: Log, notify: Callable[[], None]) -> None:
        self._log = log
        self._notify = notify
        self._claims: Mapping[Partition, Claim] = {}
        self._readings: dict[Partition, Reading] = {}
        self._batch: Batch | None = None
        self._freed = asyncio.Event()
        self._turn = 0
        self.suspects: set[Partition] = set()

    def open(self, claims: Mapping[Partition, Claim]) -> None:
        """Read these partitions on from their cursors."""
        self._turn += 1
        self._claims = dict(claims)
        self._readings = {partition: Reading(claim.next_offset) for partition, claim in claims.items()}
        for partition, reading in self._readings.items():
            self._log.seek(partition, reading.expected)
        self._log.resume(self._readings)

    def close(self) -> None:
        """Take nothing more, forget what waits, let a waiting fetch go."""
        self._turn += 1
        self._log.pause(self._log.assigned())
        self._claims = {}
        self._readings = {}
        self._batch = None
        self.suspects.clear()
        self._freed.set()

    def take(self) -> Batch | None:
        """The batch that waits, if any; makes room for the next."""
        batch, self._batch = self._batch, None
        if batch is not None:
            self._freed.set()
        return batch

    @property
    def filled(self) -> bool:
        """Whether a batch waits."""
        return self._batch is not None

    def expected(self, partition: Partition) -> int | None:
        """Where reading goes on, None for a partition that is not read."""
        reading = self._readings.get(partition)
        return None if reading is None else reading.expected

    def read_again(self, partition: Partition, begins: int | None) -> None:
        """After a look at the log: go back to where reading should go on; `begins`: its next record."""
        self.suspects.discard(partition)
        reading = self._readings.get(partition)
        if reading is not None:
            reading.begins = begins
            self._log.seek(partition, reading.expected)
            self._log.resume((partition,))

    async def offer(self, fetched: Sequence[Fetched]) -> None:
        """Called by the subscriber with one fetch; returns when it is queued or dropped."""
        turn = self._turn
        by_partition: dict[Partition, list[Fetched]] = {}
        for item in fetched:
            by_partition.setdefault(Partition(item.topic, item.partition), []).append(item)
        while turn == self._turn:
            if self._batch is not None:
                self._freed.clear()
                await self._freed.wait()
                continue
            # Does not really wait for partitions that are read: they were sought.
            positions = {p: await self._log.position(p) for p in by_partition if p in self._readings}
            if turn == self._turn and self._batch is None:
                self._admit(by_partition, positions)
                return

    def _admit(
        self, by_partition: Mapping[Partition, list[Fetched]], positions: Mapping[Partition, int | None]
    ) -> None:
        taken: list[Record] = []
        claims: dict[Partition, Claim] = {}
        starts: dict[Partition, int] = {}
        for partition, position in positions.items():
            reading, items = self._readings[partition], by_partition[partition]
            if partition in self.suspects:
                continue
            verdict = reading.judge(items[0].offset, items[-1].offset, position)
            if verdict is Verdict.TAKE:
                starts[partition] = reading.expected
                reading.taken(items[-1].offset)
                claims[partition] = self._claims[partition]
                taken.extend(
                    Record(i.topic, i.partition, i.offset, i.key, i.value, tuple(i.headers), i.timestamp)
                    for i in items
                )
            elif verdict is Verdict.LOOK:
                self._log.pause((partition,))
                self.suspects.add(partition)
        if taken:
            self._batch = Batch(taken, claims, starts)
        if taken or self.suspects:
            self._notify()
