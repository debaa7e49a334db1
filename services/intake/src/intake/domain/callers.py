"""Who is at the door: what a key, or a person behind one, may send and is stamped with."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from intake.domain.places import Placement
from intake.domain.roles import acting_role, highest_rank

# What was recorded while it was allowed may still be brought for this long (design: Credentials).
GRACE = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Reach:
    """The compounds of a key: all, or the union of the lists."""

    everything: bool = False
    compounds: frozenset[str] = frozenset()
    communities: frozenset[str] = frozenset()
    stations: frozenset[str] = frozenset()

    def covers(self, compound: str, placement: Placement | None) -> bool:
        """True when the compound is inside; one without a known placement only by its own id."""
        if self.everything or compound in self.compounds:
            return True
        return placement is not None and (
            placement.community in self.communities or placement.station in self.stations
        )


EVERYWHERE = Reach(everything=True)


@dataclass(frozen=True, slots=True)
class Caller:
    """The key that sends, with everything that its events are stamped with or judged by.

    Empty `event_types`: whatever its roles may send. `organisation` is empty where the key has none.
    `within` bounds a person by the reach of the key that speaks for them. `former` is what the key was
    before it was changed, oldest first, each until an instant.
    """

    credential: str
    actor: str
    roles: frozenset[str]
    reach: Reach
    organisation: str = ""
    device: str = ""
    event_types: frozenset[str] = frozenset()
    rights: frozenset[str] = frozenset()
    valid_to: datetime | None = None
    within: Reach = EVERYWHERE
    former: tuple[tuple[datetime, Caller], ...] = ()
    # Acting role and stamp by event type: what a key may send does not change while it is valid.
    acting: dict[str, str | None] = field(default_factory=dict, compare=False, repr=False)
    stamps: dict[str, bytes] = field(default_factory=dict, compare=False, repr=False)

    @property
    def belongs_to(self) -> str:
        """What counts as its organisation when corrections are judged: that, else the actor alone."""
        return self.organisation or f"actor:{self.actor}"

    @property
    def reaches_everything(self) -> bool:
        """True when no compound is outside."""
        return self.reach.everything and self.within.everything

    def covers(self, subject: str, placement: Placement | None) -> bool:
        """True when the compound, placed there, is inside."""
        return self.reach.covers(subject, placement) and self.within.covers(subject, placement)

    def role_for(self, kind: str) -> str | None:
        """The first of its roles that may send events of that kind."""
        try:
            return self.acting[kind]
        except KeyError:
            role = self.acting[kind] = acting_role(self.roles, kind)
            return role

    def rank_for(self, kind: str) -> int:
        """How high it stands when it corrects events of that kind: by the highest role that may send them."""
        return highest_rank(self.roles, kind)

    def at(self, instant: datetime) -> tuple[datetime, Caller] | None:
        """What it was at an instant, and until when; None when that is what it is."""
        return next(((until, was) for until, was in self.former if instant < until), None)
