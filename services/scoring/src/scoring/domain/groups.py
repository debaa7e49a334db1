"""Facts that are judged together because they name one thing: a dispute, a hazard, a veto.

Packed, a group that is over leaves only a mark of its id; a later fact of it raises `Forgotten`.
"""

from collections.abc import Callable
from typing import Any, Generic, TypeVar
from zlib import crc32

from scoring.domain.facts import Day
from scoring.domain.shelf import ORIGIN, Forgotten, Plain, pack_id, unpack_id

Event = TypeVar("Event", bound=tuple[Any, ...])


class Groups(Generic[Event]):
    """Events (tuples that begin with day, instant, id) by the id of what they are about, in order."""

    __slots__ = ("_forgotten", "_packed", "events")

    def __init__(self) -> None:
        self.events: dict[str, list[Event]] = {}
        self._forgotten: set[int] = set()
        self._packed: dict[str, tuple[Plain, Day]] = {}

    def of(self, name: str) -> list[Event]:
        """The events of one group, in order; raises Forgotten when they were left out."""
        found = self.events.get(name)
        if found is not None:
            return found
        if self._forgotten and _mark(name) in self._forgotten:
            raise Forgotten
        return []

    def add(self, name: str, event: Event) -> None:
        events = self.of(name)
        events.append(event)
        events.sort()
        self.events[name] = events
        self._packed.pop(name, None)

    def remove(self, name: str, event: Event) -> None:
        events = self.of(name)
        if event in events:
            events.remove(event)
            self._packed.pop(name, None)
            if not events:
                del self.events[name]

    def pack(self, day: Day, over_on: Callable[[list[Event]], Day]) -> Plain:
        """The groups that matter on `day`, and marks of the others; `over_on`: the day a group ends."""
        kept: list[Plain] = []
        forgotten = set(self._forgotten)
        for name, events in sorted(self.events.items()):
            packed = self._packed.get(name)
            if packed is None:
                plain = (name, *[_plain(event) for event in events])
                packed = self._packed[name] = (plain, over_on(events))
            if packed[1] <= day:
                forgotten.add(_mark(name))
            else:
                kept.append(packed[0])
        return (tuple(kept), tuple(sorted(forgotten)))

    @classmethod
    def unpack(cls, plain: Plain, make: Callable[..., Event]) -> "Groups[Event]":
        """The groups that `pack` packed; `make` makes an event of parts, the last ones empty by default."""
        groups = cls()
        kept, forgotten = plain
        for name, *events in kept:
            groups.events[name] = [
                make(day + ORIGIN, instant, unpack_id(event_id), *rest)
                for day, instant, event_id, *rest in events
            ]
        groups._forgotten = set(forgotten)
        return groups


def _plain(event: tuple[Any, ...]) -> Plain:
    """An event without its last parts where they are empty."""
    day, instant, event_id, *rest = event
    while rest and not rest[-1]:
        del rest[-1]
    return (day - ORIGIN, instant, pack_id(event_id), *rest)


def _mark(name: str) -> int:
    return crc32(name.encode())
