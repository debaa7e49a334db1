"""A producer of the simulated broker: in order per partition, and honest about what it does not know.

What is not acknowledged was never stored, was stored, or is stored later, then perhaps behind records that
were sent after it by another producer. A part that is stored is always the first part: an idempotent producer
leaves no holes.
"""

import asyncio
from collections.abc import Sequence

from shared.runtime.errors import Retryable
from shared.runtime.producer import Answer, Outgoing, Position
from shared.runtime.records import Partition

from tests.simulator.broker import Broker
from tests.simulator.loop import Actor

DEADLINE_SECONDS = 5.0


class SimulatedProducer:
    """`shared.runtime.producer.RecordProducer` of one process, as far as relays use it."""

    def __init__(self, broker: Broker, process: Actor) -> None:
        self._broker = broker
        self._process = process
        # Per partition: nothing of this producer is stored before what it has sent earlier.
        self._busy_until: dict[Partition, float] = {}

    async def send_all(
        self, records: Sequence[Outgoing], *, deadline_seconds: float | None = None
    ) -> list[Answer]:
        """See the original; answers in the order of the records."""
        assert deadline_seconds is None
        answers: list[Answer | None] = [None] * len(records)
        by_partition: dict[Partition, list[int]] = {}
        for place, record in enumerate(records):
            # A topic whose order nobody needs has one partition here.
            by_partition.setdefault(Partition(record.topic, record.partition or 0), []).append(place)
        left = len(by_partition)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def acknowledged(places: Sequence[int], offsets: Sequence[int]) -> None:
            nonlocal left
            for place, offset in zip(places, offsets, strict=False):
                answers[place] = Position(records[place].partition or 0, offset)
            left -= len(offsets) == len(places)
            if left == 0 and not done.done():
                done.set_result(None)

        for partition, places in by_partition.items():
            self._send(partition, [records[place] for place in places], places, acknowledged)
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                await done
        except TimeoutError:
            # Whoever sends on does so with another producer.
            self._busy_until.clear()
        late = Retryable("not acknowledged in time")
        return [late if answer is None else answer for answer in answers]

    def _send(self, partition: Partition, records: list[Outgoing], places: list[int], acknowledged) -> None:
        broker, weather, chance = self._broker, self._broker.weather, self._broker.weather.chance
        now = broker.now
        at = max(now + weather.delay() + broker.late_seconds, self._busy_until.get(partition, 0.0))
        kept = heard = len(records)
        if weather.strikes(weather.publish, "publishes in doubt"):
            kept = chance.randint(0, len(records))
            heard = min(chance.choice([0, 0, kept]), len(records) - 1)
            at += chance.choice([0.0, 0.0, 1.0, 8.0])
        self._busy_until[partition] = at
        broker.later(at - now, self._store, partition, records[:kept], places, heard, acknowledged)

    def _store(
        self, partition: Partition, records: list[Outgoing], places: list[int], heard: int, acknowledged
    ) -> None:
        broker = self._broker
        if not broker.up:
            # It waits with the producer, which may be dead when the broker is back.
            if not self._process.dead:
                broker.later(0.5, self._store, partition, records, places, heard, acknowledged)
            return
        if self._process.dead and broker.weather.chance.random() < 0.5:
            return
        offsets = [
            broker.append(partition, record.key, record.value, tuple(record.headers)) for record in records
        ]
        if heard:
            delay = broker.weather.delay()
            broker.loop.later(self._process, delay, acknowledged, places, offsets[:heard])
