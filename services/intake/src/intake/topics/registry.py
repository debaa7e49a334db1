"""Where compounds belong: the registry topic in memory, followed as it grows."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date
from sys import intern
from typing import NamedTuple
from zoneinfo import ZoneInfo

from aiokafka import AIOKafkaConsumer, TopicPartition
from shared.events.catalogue import TYPE_OF
from shared.events.envelope import decode_envelope
from shared.events.errors import Malformed
from shared.events.registry import CompoundRegistered
from shared.events.topics import REGISTRY
from shared.runtime.away import KAFKA_AWAY
from shared.runtime.clock import Clock
from shared.runtime.errors import StartupError
from shared.runtime.logs import get_logger
from shared.runtime.settings import KafkaSettings

from intake.domain.callers import Placement

log = get_logger()

COMPOUND = TYPE_OF[CompoundRegistered]
RECONNECT_SECONDS = 1.0
POLL_MS = 500


class _Registration(NamedTuple):
    """One registration of a compound; the largest in force today places it."""

    effective_from: date
    received: float
    placement: Placement


class RegistryView:
    """The placement of every compound, by its newest registration in force today."""

    def __init__(self, kafka: KafkaSettings, clock: Clock, zone: ZoneInfo) -> None:
        self._kafka = kafka
        self._clock = clock
        self._zone = zone
        self._partition = TopicPartition(kafka.name_of(REGISTRY), 0)
        self._next_offset = 0
        self._today = date.min
        self._in_force: dict[str, _Registration] = {}
        self._placements: dict[str, Placement] = {}
        # Registrations of days to come.
        self._ahead: list[tuple[str, _Registration]] = []
        self._caught_up = asyncio.Event()
        self._following: asyncio.Task[None] | None = None

    @property
    def ready(self) -> bool:
        """The topic was read to the end seen at the start, and is being followed."""
        return self._caught_up.is_set() and self._following is not None and not self._following.done()

    def known(self) -> Mapping[str, Placement]:
        """See `ports.Placements`."""
        return self._placements

    async def start(self) -> None:
        """Read the topic to its end and go on following it; StartupError when it cannot be read in time."""
        self._following = asyncio.create_task(self._follow(), name="registry view")
        try:
            async with asyncio.timeout(self._kafka.connect_deadline_seconds):
                await self._caught_up.wait()
        except TimeoutError as error:
            await self.stop()
            raise StartupError(
                f"The topic {self._partition.topic} at {self._kafka.bootstrap} cannot be read: start Kafka, "
                "correct ANXING_KAFKA__BOOTSTRAP, or run `anxing topics`."
            ) from error

    async def stop(self) -> None:
        if self._following is not None:
            self._following.cancel()
            await asyncio.wait([self._following])

    def apply(self, value: bytes | None) -> None:
        """Take in one record of the topic; whatever is no registration of a compound is left aside."""
        try:
            envelope = decode_envelope(value or b"")
            if envelope.type != COMPOUND.name:
                return
            data: CompoundRegistered = COMPOUND.decode(envelope.data)
        except Malformed:
            return
        received = (envelope.receivedtime or envelope.time).timestamp()
        placement = Placement(intern(data.community_id), intern(data.station_id))
        self._ahead.append((envelope.subject, _Registration(data.effective_from, received, placement)))
        self._bring_into_force()

    def _bring_into_force(self) -> None:
        self._today = self._clock.today(self._zone)
        ahead: list[tuple[str, _Registration]] = []
        for compound, registration in self._ahead:
            current = self._in_force.get(compound)
            # The first counts before its day too, as in scoring.
            if current is not None and registration.effective_from > self._today:
                ahead.append((compound, registration))
            elif current is None or current.effective_from > self._today or registration[:2] > current[:2]:
                self._in_force[compound] = registration
                self._placements[compound] = registration.placement
        self._ahead = ahead

    async def _follow(self) -> None:
        while True:
            consumer = AIOKafkaConsumer(
                bootstrap_servers=self._kafka.bootstrap,
                client_id="anxing-intake-registry",
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                metadata_max_age_ms=30_000,
            )
            try:
                await consumer.start()
                await self._read(consumer)
            except KAFKA_AWAY as error:
                log.warning("registry_topic_unreadable", error=type(error).__name__)
            finally:
                await consumer.stop()
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _read(self, consumer: AIOKafkaConsumer) -> None:
        consumer.assign([self._partition])
        consumer.seek(self._partition, self._next_offset)
        end = (await consumer.end_offsets([self._partition]))[self._partition]
        while True:
            if not self._caught_up.is_set() and await consumer.position(self._partition) >= end:
                self._caught_up.set()
            batches = await consumer.getmany(timeout_ms=POLL_MS)
            for records in batches.values():
                for record in records:
                    self.apply(record.value)
                    self._next_offset = record.offset + 1
            if self._ahead and self._clock.today(self._zone) != self._today:
                self._bring_into_force()
