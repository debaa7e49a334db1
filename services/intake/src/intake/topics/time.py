"""Telling a quiet system that time passes, which is also the probe of the broker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from uuid import uuid4

from shared.events.access import ClockObserved
from shared.events.catalogue import TYPE_OF
from shared.events.encode import encode_event
from shared.events.topics import ACCESS
from shared.runtime.clock import Clock
from shared.runtime.errors import Retryable
from shared.runtime.producer import RecordProducer
from shared.runtime.settings import KafkaSettings

from intake.topics.publishing import HEADERS

SOURCE = "urn:anxing:intake"
KEY = "clock"
PROBE_SECONDS = 1.0


class TimeSignal:
    """Publishes `clock.observed`, every so often and whenever it is asked whether the broker answers."""

    def __init__(
        self, producer: RecordProducer, kafka: KafkaSettings, clock: Clock, period_seconds: float
    ) -> None:
        self._producer = producer
        self._topic = kafka.name_of(ACCESS)
        self._clock = clock
        self._period_seconds = period_seconds

    async def publish(self) -> bool:
        """Publish the time once; False when it was not acknowledged soon."""
        now = self._clock.now()
        value = encode_event(
            id=str(uuid4()),
            source=SOURCE,
            type=TYPE_OF[ClockObserved].name,
            subject=KEY,
            time=now,
            data=ClockObserved(observed_at=now),
            receivedtime=now,
        )
        try:
            await self._producer.send(
                self._topic, value, key=KEY.encode(), headers=HEADERS, deadline_seconds=PROBE_SECONDS
            )
        except Retryable:
            return False
        return True

    async def tick(self, on_silence: Callable[[], None]) -> None:
        """Publish for ever; `on_silence` is called whenever the broker did not answer."""
        while True:
            if not await self.publish():
                on_silence()
            await asyncio.sleep(self._period_seconds)
