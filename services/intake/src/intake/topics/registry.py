"""Where compounds belong: the registry topic in memory, followed as it grows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from sys import intern
from typing import NamedTuple
from zoneinfo import ZoneInfo

from shared.events.catalogue import TYPE_OF
from shared.events.envelope import decode_envelope
from shared.events.errors import Malformed
from shared.events.registry import CompoundRegistered
from shared.events.topics import REGISTRY
from shared.runtime.clock import Clock
from shared.runtime.follower import TopicFollower
from shared.runtime.settings import KafkaSettings

from intake.domain.callers import Placement

COMPOUND = TYPE_OF[CompoundRegistered]


class _Registration(NamedTuple):
    """One registration of a compound; the largest in force today places it."""

    effective_from: date
    received: float
    placement: Placement


class RegistryView:
    """The placement of every compound, by its newest registration in force today."""

    def __init__(self, kafka: KafkaSettings, clock: Clock, zone: ZoneInfo) -> None:
        self._clock = clock
        self._zone = zone
        self._today = date.min
        self._in_force: dict[str, _Registration] = {}
        self._placements: dict[str, Placement] = {}
        # Registrations of days to come.
        self._ahead: list[tuple[str, _Registration]] = []
        self._follower = TopicFollower(
            kafka,
            REGISTRY,
            self.apply,
            client_id="anxing-intake-registry",
            idle=self._day_may_have_changed,
        )

    @property
    def ready(self) -> bool:
        """The topic was read to the end seen at the start, and is being followed."""
        return self._follower.ready

    def known(self) -> Mapping[str, Placement]:
        """See `ports.Placements`."""
        return self._placements

    async def start(self) -> None:
        """Read the topic to its end and go on following it; StartupError when it cannot be read in time."""
        await self._follower.start()

    async def stop(self) -> None:
        """Stop following the topic."""
        await self._follower.stop()

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

    def _day_may_have_changed(self) -> None:
        if self._ahead and self._clock.today(self._zone) != self._today:
            self._bring_into_force()
