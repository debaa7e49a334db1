"""Entries of one kind in the order of facts, of which a rule wants the latest, or those of a window of days.

An entry is a tuple that begins with (day, instant, id). Packed, the latest entry of the settled days is
kept without instant and id and all before it are left out: it is *blurred*. A fact of the very day of a
blurred entry, or the removal of that entry, raises `Forgotten`; one of an earlier day changes nothing any
more.
"""

from bisect import bisect_left, bisect_right, insort
from typing import Any, Generic, TypeVar

from scoring.domain.facts import NEVER, Day
from scoring.domain.shelf import ORIGIN, Forgotten, Plain, pack_id, unpack_id

Entry = TypeVar("Entry", bound=tuple[Any, ...])


class Timeline(Generic[Entry]):
    """Entries in order; see the module for what blurred means."""

    __slots__ = ("entries",)

    def __init__(self, entries: list[Entry] | None = None) -> None:
        self.entries: list[Entry] = [] if entries is None else entries

    def __len__(self) -> int:
        return len(self.entries)

    def add(self, entry: Entry) -> None:
        if self._matters(entry):
            insort(self.entries, entry)

    def remove(self, entry: Entry) -> None:
        if self._matters(entry):
            place = bisect_left(self.entries, entry)
            if place < len(self.entries) and self.entries[place] == entry:
                del self.entries[place]

    def _matters(self, entry: Entry) -> bool:
        entries = self.entries
        if not entries or entries[0][2] or entry[0] > entries[0][0]:
            return True
        if entry[0] == entries[0][0]:
            raise Forgotten
        return False

    def count_until(self, day: Day) -> int:
        """How many entries have a day up to `day`."""
        entries = self.entries
        if not entries or entries[-1][0] <= day:
            return len(entries)
        return bisect_right(entries, day, key=_day)

    def latest(self, day: Day) -> Entry | None:
        """The latest entry up to `day`."""
        count = self.count_until(day)
        return self.entries[count - 1] if count else None

    def window(self, day: Day, days: int) -> list[Entry]:
        """The entries whose age on `day` is less than `days`."""
        return self.entries[self.count_until(day - days) : self.count_until(day)]

    def next_after(self, day: Day) -> Day:
        """The first day after `day` that has an entry, NEVER without one."""
        count = self.count_until(day)
        return self.entries[count][0] if count < len(self.entries) else NEVER

    def pack_latest(self, day: Day) -> Plain:
        """The entries from the latest up to `day` on, that one blurred."""
        if len(self.entries) == 1 and self.entries[0][0] <= day:
            entry = self.entries[0]
            return (entry[0] - ORIGIN, 0, "", *entry[3:])
        count = self.count_until(day)
        kept: list[Any] = []
        if count:
            entry = self.entries[count - 1]
            kept += [entry[0] - ORIGIN, 0, "", *entry[3:]]
        for entry in self.entries[count:]:
            kept += _plain(entry)
        return tuple(kept)

    def pack_after(self, day: Day) -> Plain:
        """The entries after `day`."""
        return tuple(part for entry in self.entries[self.count_until(day) :] for part in _plain(entry))

    def pack_window(self, day: Day, days: int) -> Plain:
        """The entries that are in the window of `day` or later."""
        return self.pack_after(day - days)

    @classmethod
    def unpack(cls, plain: Plain, width: int) -> "Timeline[Entry]":
        """The timeline of entries of `width` parts that `pack_latest` or `pack_window` made."""
        entries = [
            (plain[at] + ORIGIN, plain[at + 1], unpack_id(plain[at + 2]), *plain[at + 3 : at + width])
            for at in range(0, len(plain), width)
        ]
        return cls(entries)  # type: ignore[arg-type]  # the caller names the width of its entries


def _plain(entry: tuple[Any, ...]) -> list[Any]:
    day, instant, name, *rest = entry
    return [day - ORIGIN, instant, pack_id(name), *rest]


def _day(entry: tuple[Any, ...]) -> Day:
    day: Day = entry[0]
    return day
