"""Facts that are judged together because they name one thing: a dispute, a hazard, a veto.

Packed, a group that is over leaves only a mark of its id; a later fact of it raises `Forgotten`. Of a packed
book only those groups are opened that somebody asks for.
"""

from array import array
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar
from zlib import crc32

from scoring.domain.arrays import UNSIGNED, from_bytes, to_bytes
from scoring.domain.facts import NEVER, Day
from scoring.domain.shelf import ORIGIN, Forgotten, Plain, pack_id, unpack_id

Event = TypeVar("Event", bound=tuple[Any, ...])


class Groups(Generic[Event]):
    """Events (tuples that begin with day, instant, id) by the id of what they are about, in order."""

    __slots__ = ("_events", "_forgotten", "_make", "_packed")

    def __init__(self, make: Callable[..., Event]) -> None:
        """`make` makes an event of its parts, the last ones empty by default."""
        self._make = make
        self._events: dict[str, list[Event]] = {}
        self._packed: dict[str, Plain] = {}
        self._forgotten: array[int] = array(UNSIGNED)

    @property
    def events(self) -> Mapping[str, list[Event]]:
        """The events of every group."""
        for name in self._packed.keys() - self._events.keys():
            self._open(name)
        return self._events

    def of(self, name: str) -> list[Event]:
        """The events of one group, in order; raises Forgotten when they were left out."""
        found = self._events.get(name)
        if found is not None:
            return found
        if name in self._packed:
            return self._open(name)
        if self._forgotten and _mark(name) in self._forgotten:
            raise Forgotten
        return []

    def add(self, name: str, event: Event) -> None:
        events = self.of(name)
        events.append(event)
        events.sort()
        self._events[name] = events
        self._packed.pop(name, None)

    def remove(self, name: str, event: Event) -> None:
        events = self.of(name)
        if event in events:
            events.remove(event)
            self._packed.pop(name, None)
            if not events:
                del self._events[name]

    def pack(self, day: Day, over_on: Callable[[list[Event]], Day]) -> Plain:
        """The groups that matter on `day`, and marks of the others; `over_on`: the day a group ends."""
        packed = self._packed
        for name, events in self._events.items():
            if name not in packed:
                over = over_on(events)
                packed[name] = (None if over >= NEVER else over - ORIGIN, *map(_plain, events))
        settled = day - ORIGIN
        gone = {name for name, (ends, *_) in packed.items() if ends is not None and ends <= settled}
        kept = {name: plain for name, plain in packed.items() if name not in gone}
        marks = self._forgotten
        if gone:
            marks = array(UNSIGNED, sorted({*marks, *map(_mark, gone)}))
        return (kept, to_bytes(marks)) if kept or marks else ()

    @classmethod
    def unpack(cls, plain: Plain, make: Callable[..., Event]) -> "Groups[Event]":
        """The groups that `pack` packed."""
        groups = cls(make)
        if plain:
            kept, forgotten = plain
            groups._packed = dict(kept)
            groups._forgotten = from_bytes(forgotten, UNSIGNED)
        return groups

    def _open(self, name: str) -> list[Event]:
        _, *events = self._packed[name]
        opened = self._events[name] = [
            self._make(day + ORIGIN, instant, unpack_id(event_id), *rest)
            for day, instant, event_id, *rest in events
        ]
        return opened


def _plain(event: tuple[Any, ...]) -> Plain:
    """An event without its last parts where they are empty."""
    day, instant, event_id, *rest = event
    while rest and not rest[-1]:
        del rest[-1]
    return (day - ORIGIN, instant, pack_id(event_id), *rest)


def _mark(name: str) -> int:
    return crc32(name.encode())
