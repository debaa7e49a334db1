"""Where compounds belong: the registry topic in memory, followed as it grows."""

from __future__ import annotations

from datetime import date
from sys import intern
from zoneinfo import ZoneInfo

from shared.events.catalogue import TYPE_OF
from shared.events.envelope import decode_envelope
from shared.events.errors import Malformed
from shared.events.registry import CompoundRegistered
from shared.events.topics import REGISTRY
from shared.runtime.clock import Clock
from shared.runtime.follower import TopicFollower
from shared.runtime.settings import KafkaSettings

from intake.domain.places import Placement, Registration, Whereabouts, first_seen

COMPOUND = TYPE_OF[CompoundRegistered]


class RegistryView:
    """The whereabouts of every compound, by all its registrations as far as they have come into force."""

    def __init__(self, kafka: KafkaSettings, clock: Clock, zone: ZoneInfo) -> None:
        self._clock = clock
        self._zone = zone
        self._places: dict[str, Whereabouts] = {}
        # Compounds that will be elsewhere on a day to come.
        self._moving: set[str] = set()
        self._looked_on = date.min
        self._follower = TopicFollower(
            kafka,
            REGISTRY,
            self.apply,
            client_id="anxing-intake-registry",
            idle=self.let_time_pass,
        )

    @property
    def ready(self) -> bool:
        """The topic was read to the end seen at the start, and is being followed."""
        return self._follower.ready

    def of(self, compound: str) -> Whereabouts | None:
        """See `ports.Places`."""
        return self._places.get(compound)

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
        compound = envelope.subject
        placement = Placement(intern(data.community_id), intern(data.station_id))
        known = Registration(data.effective_from, envelope.receivedtime or envelope.time, placement)
        places = self._places.get(compound)
        self._keep(
            compound, first_seen(known, self._zone) if places is None else places.after(known, self._zone)
        )

    def _keep(self, compound: str, places: Whereabouts) -> None:
        if places.ahead:
            places = places.advanced(self._clock.now(), self._zone)
        self._places[compound] = places
        if places.ahead:
            self._moving.add(compound)
        else:
            self._moving.discard(compound)

    def let_time_pass(self) -> None:
        """Bring into force what was registered for a day that has begun."""
        # Days begin at midnight: there is nothing to look at in between.
        today = self._clock.today(self._zone)
        if self._moving and today != self._looked_on:
            for compound in tuple(self._moving):
                self._keep(compound, self._places[compound])
        self._looked_on = today
