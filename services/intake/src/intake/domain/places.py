"""Where compounds belong, now and before: what the scopes of keys are judged by."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, tzinfo
from typing import NamedTuple

# Moves that are remembered of a compound; a year has none.
MOVES_MAX = 20


class Placement(NamedTuple):
    """Where a compound belongs, by one of its registrations."""

    community: str
    station: str


class Registration(NamedTuple):
    """One registration of a compound: from which day on it counts, when it became known, what it says."""

    effective_from: date
    received_at: datetime
    placement: Placement

    def begins(self, zone: tzinfo) -> datetime:
        """The beginning of its day."""
        return datetime.combine(self.effective_from, time.min, zone)


class FormerPlacement(NamedTuple):
    """Where a compound belonged from `since` (None: always) until `until`."""

    placement: Placement
    since: datetime | None
    until: datetime


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where a compound is and was, as the door knew it at each time.

    In force is the registration of the latest day that has come, of equal days the last received; the first
    counts before its day too, as in scoring. A registration changes nothing before it is known, whatever its
    day: what came in by the old one came in rightly. `ahead`: registrations of days to come.
    """

    in_force: Registration
    since: datetime | None = None
    former: tuple[FormerPlacement, ...] = ()
    ahead: tuple[Registration, ...] = ()

    @property
    def now(self) -> Placement:
        """Where it is."""
        return self.in_force.placement

    def at(self, instant: datetime) -> FormerPlacement | None:
        """Where it was at an instant; None when it is there still, or that is not remembered."""
        return next(
            (
                place
                for place in self.former
                if instant < place.until and (place.since is None or instant >= place.since)
            ),
            None,
        )

    def after(self, new: Registration, zone: tzinfo) -> Whereabouts:
        """The same once one more registration, the last received, is known."""
        passed = self.advanced(new.received_at, zone)
        if new.begins(zone) > new.received_at:
            return replace(passed, ahead=(*passed.ahead, new))
        return passed.following(new, new.received_at, zone)

    def advanced(self, now: datetime, zone: tzinfo) -> Whereabouts:
        """The same once the days up to `now` have come."""
        places = self
        for due in sorted(known for known in self.ahead if known.begins(zone) <= now):
            places = places.following(due, due.begins(zone), zone)
            places = replace(places, ahead=tuple(known for known in places.ahead if known is not due))
        return places

    def following(self, new: Registration, at: datetime, zone: tzinfo) -> Whereabouts:
        """The same once a registration whose day has come counts too, from an instant on."""
        has_come = self.in_force.begins(zone) <= at
        if has_come and new[:2] < self.in_force[:2]:
            return self
        if new.placement == self.now:
            return replace(self, in_force=new)
        past = FormerPlacement(self.now, self.since, at)
        return replace(self, in_force=new, since=at, former=(*self.former, past)[-MOVES_MAX:])


def first_seen(first: Registration, zone: tzinfo) -> Whereabouts:
    """The whereabouts of a compound of which one registration is known."""
    if first.begins(zone) > first.received_at:
        return Whereabouts(first, ahead=(first,))
    return Whereabouts(first)
