"""Two years of an invented district, from its registry to yesterday evening, as events ready to post."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from shared.demo.amends import corrected, repeated, tell_early, tell_vetoes, tell_withdrawals
from shared.demo.calls import tell_calls, tell_disputes
from shared.demo.district import District, registrations
from shared.demo.event import Event
from shared.demo.routine import tell_routine
from shared.demo.visits import tell_visits


@dataclass(frozen=True, slots=True)
class Story:
    """In the order of posting: registry, facts by their time, registry of those who register late."""

    registry: tuple[Event, ...]
    facts: tuple[Event, ...]
    late_registry: tuple[Event, ...]

    def __iter__(self) -> Iterator[Event]:
        yield from self.registry
        yield from self.facts
        yield from self.late_registry

    @property
    def identities(self) -> frozenset[tuple[str, str]]:
        """(`source`, `id`) of every event; repeats count once."""
        return frozenset(event.identity for event in self)


def tell(district: District) -> Story:
    """The whole story of a district; nothing in it is later than the beginning of `today`."""
    calls = list(tell_calls(district))
    told = [
        *corrected(district, calls),
        *tell_disputes(district, calls),
        *tell_visits(district),
        *tell_routine(district),
        *tell_withdrawals(district, calls),
        *tell_vetoes(district),
        *tell_early(district),
    ]
    # What would happen after today began has not happened yet: an open hazard stays open.
    past = sorted((event for event in told if event.time < district.end), key=lambda event: event.time)
    return Story(
        registry=tuple(registrations(district)),
        facts=tuple(repeated(district.rng("repeats"), past, district.plan.repeats)),
        late_registry=tuple(registrations(district, late=True)),
    )
