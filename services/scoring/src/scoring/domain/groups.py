"""Facts that are judged together because they name one thing: a dispute, a hazard, a veto.

Packed, a group that is over leaves only a mark of its id; a later fact of it raises `Forgotten`.
"""

from collections.abc import Callable
from typing import Any, Generic, TypeVar
from zlib import crc32

from scoring.domain.facts import Day
from scoring.domain.shelf import Forgotten, Plain

Event = TypeVar("Event", bound=tuple[Any, ...])


class Groups(Generic[Event]):
    """Events (tuples that begin with day, instant, id) by the id of what they are about, in order."""

    __slots__ = ("_forgotten", "events")

    def __init__(self) -> None:
        self.events: dict[str, list[Event]] = {}
        self._forgotten: set[int] = set()

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

    def remove(self, name: str, event: Event) -> None:
        events = self.of(name)
        if event in events:
            events.remove(event)
            if not events:
                del self.events[name]

    def pack(self, origin: Day, over: Callable[[list[Event]], bool]) -> Plain:
        """The groups that are not `over`, days counted from `origin`, and marks of all others."""
        kept: list[Plain] = []
        forgotten = set(self._forgotten)
        for name, events in self.events.items():
            if over(events):
                forgotten.add(_mark(name))
            else:
                kept.append((name, *(part for event in events for part in (event[0] - origin, *event[1:]))))
        return (tuple(kept), tuple(sorted(forgotten)))

    @classmethod
    def unpack(cls, plain: Plain, origin: Day, make: Callable[..., Event], width: int) -> "Groups[Event]":
        groups = cls()
        kept, forgotten = plain
        for name, *parts in kept:
            groups.events[name] = [
                make(parts[at] + origin, *parts[at + 1 : at + width]) for at in range(0, len(parts), width)
            ]
        groups._forgotten = set(forgotten)
        return groups


def _mark(name: str) -> int:
    return crc32(name.encode())
