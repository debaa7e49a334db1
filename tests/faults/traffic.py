"""Publishes a life at a steady rate, moves its days on, and measures in which seconds it could."""

import asyncio
import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition
from shared.events.access import ClockObserved
from shared.events.encode import encode_event
from shared.events.topics import ACCESS, Topic, partition_for, partitions_of
from shared.runtime.clock import SystemClock
from shared.runtime.errors import Retryable
from shared.runtime.metrics import Metrics
from shared.runtime.producer import Outgoing, Position, RecordProducer
from shared.runtime.settings import KafkaSettings

from tests.faults.life import ZONE, Life, Message
from tests.faults.moving_clock import MovingClock, set_ahead
from tests.properties.scoring_facts import FIRST

# Compounds are rated after 90 days.
FIRST_DAY = FIRST + 130
ROUND_SECONDS = 0.1
FACTS_PER_ROUND = 3
REGISTRY_EVERY_ROUNDS = 25
LATE_EVERY_SECONDS = 8.0
BURST = 400


class Traffic:
    """Facts, registrations and days of one run."""

    def __init__(self, kafka: KafkaSettings, folder: Path, seed: int, *, day_seconds: float) -> None:
        self._kafka = kafka
        self.clock_file = folder / "clock"
        noon = datetime.fromordinal(FIRST_DAY).replace(tzinfo=UTC) + timedelta(hours=4)
        self._ahead = noon - datetime.now(UTC)
        set_ahead(self.clock_file, self._ahead)
        self.clock = MovingClock(self.clock_file)
        self.life = Life(seed, self.clock.now, kafka.partitions)
        self._day_seconds = day_seconds
        self._producer = RecordProducer(kafka, SystemClock(), Metrics("traffic"))
        self._begin = time.monotonic()
        self._seconds: set[int] = set()
        self._bursts: list[list[str]] = []
        self.records = 0
        self.days = 0

    def today(self) -> int:
        """The day of the run as a number."""
        return self.clock.today(ZONE).toordinal()

    async def ends(self, topics: Sequence[Topic]) -> dict[tuple[str, int], int]:
        """The end of the log of each partition, as (full name, number)."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self._kafka.bootstrap, enable_auto_commit=False)
        await consumer.start()
        try:
            places = [
                TopicPartition(self._kafka.name_of(topic), number)
                for topic in topics
                for number in range(partitions_of(topic, self._kafka.partitions))
            ]
            found = await consumer.end_offsets(places)
            return {(place.topic, place.partition): end for place, end in found.items()}
        finally:
            await consumer.stop()

    @property
    def share(self) -> float:
        """Of the seconds since `live` began, those in which at least one record was stored."""
        return len(self._seconds) / max(1, round(time.monotonic() - self._begin))

    async def start(self) -> None:
        """Everybody who is there at the beginning is registered."""
        await self._producer.start()
        await self._publish(list(self.life.beginning()))
        await self._observe()

    async def stop(self) -> None:
        await self._producer.stop()

    def burst(self, partition: int) -> None:
        """Much at once in one partition, soon: batches become large."""
        n = self._kafka.partitions
        self._bursts.append([c for c in self.life.compounds if partition_for(c.encode(), n) == partition])

    async def live(self, until: asyncio.Event) -> None:
        """Publish until then."""
        self._begin = time.monotonic()
        self._seconds.clear()
        self.records = 0
        rounds = 0
        next_day, next_late = self._begin + self._day_seconds, self._begin + LATE_EVERY_SECONDS
        while not until.is_set():
            now = time.monotonic()
            rounds += 1
            messages = [one for _ in range(FACTS_PER_ROUND) for one in self.life.facts()]
            while self._bursts:
                compounds = self._bursts.pop()
                messages += [one for _ in range(BURST) for one in self.life.facts(compounds)]
            if rounds % REGISTRY_EVERY_ROUNDS == 0:
                messages.append(self.life.registry_change())
            if now >= next_late:
                next_late += LATE_EVERY_SECONDS
                if (late := self.life.late_one()) is not None:
                    messages.append(late)
            await self._publish(messages)
            if now >= next_day:
                next_day = max(next_day + self._day_seconds, now)
                await self.next_day()
            await asyncio.sleep(max(0.0, now + ROUND_SECONDS - time.monotonic()))

    async def next_day(self) -> None:
        """Time moves on by a day for everybody, and the topics prove it."""
        self._ahead += timedelta(days=1)
        self.days += 1
        set_ahead(self.clock_file, self._ahead)
        await self._observe()

    async def finish(self) -> None:
        """Register who still waits."""
        while (late := self.life.late_one()) is not None:
            await self._publish([late])

    async def _observe(self) -> None:
        now = self.clock.now()
        event = encode_event(
            id=str(uuid.uuid4()),
            source="urn:anxing:test",
            type="anxing.clock.observed.v1",
            subject="clock",
            time=now,
            data=ClockObserved(observed_at=now),
            receivedtime=now,
        )
        await self._publish([Message(ACCESS, "clock", event)])

    async def _publish(self, messages: Sequence[Message]) -> None:
        """Until they are stored: what was not answered is sent again, and may lie there twice."""
        left = [
            Outgoing(self._kafka.name_of(topic), key.encode(), value, [], partition)
            for topic, key, value, partition in messages
        ]
        while left:
            answers = await self._producer.send_all(left, deadline_seconds=3.0)
            stored = sum(isinstance(answer, Position) for answer in answers)
            if stored:
                self.records += stored
                self._seconds.add(int(time.monotonic() - self._begin))
            assert all(isinstance(answer, Position | Retryable) for answer in answers), answers
            left = [
                one for one, answer in zip(left, answers, strict=True) if not isinstance(answer, Position)
            ]
            if left:
                await asyncio.sleep(0.05)
