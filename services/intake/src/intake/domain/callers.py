"""Who is at the door, and which compounds that key reaches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from intake.domain.offers import Family, Offer
from intake.domain.roles import acting_role
from intake.domain.verdicts import Fault, Grounds, Refusal


class Placement(NamedTuple):
    """Where a compound belongs, by its newest registration."""

    community: str
    station: str


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


@dataclass(frozen=True, slots=True)
class Caller:
    """The key that sends, with everything that its events are stamped with or judged by.

    Empty `event_types`: whatever its roles may send. `organisation` is empty where the key has none.
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
    # Acting role and stamp by event type: what a key may send does not change while it is valid.
    acting: dict[str, str | None] = field(default_factory=dict, compare=False, repr=False)
    stamps: dict[str, bytes] = field(default_factory=dict, compare=False, repr=False)

    @property
    def belongs_to(self) -> str:
        """What counts as its organisation when corrections are judged: that, else the actor alone."""
        return self.organisation or f"actor:{self.actor}"

    def role_for(self, kind: str) -> str | None:
        """The first of its roles that may send events of that kind."""
        try:
            return self.acting[kind]
        except KeyError:
            role = self.acting[kind] = acting_role(self.roles, kind)
            return role


NO_ROLE = Refusal(
    Grounds.FORBIDDEN,
    "role_not_allowed",
    "None of the roles of this key may send events of this type.",
    (Fault("/type", "role_not_allowed"),),
)
TYPE_NOT_ALLOWED = Refusal(
    Grounds.FORBIDDEN,
    "type_not_allowed",
    "This key may not send events of this type.",
    (Fault("/type", "type_not_allowed"),),
)
AFTER_EXPIRY = Refusal(
    Grounds.FORBIDDEN,
    "after_expiry",
    "The key has expired: only what happened before may still be sent, for a few days.",
    (Fault("/time", "after_expiry"),),
)
OUT_OF_SCOPE = Refusal(
    Grounds.FORBIDDEN,
    "out_of_scope",
    "This key does not reach what the event is about.",
    (Fault("/subject", "out_of_scope"),),
)


# An expired key may still bring, for this long, what was captured while it was valid.
EXPIRED_KEY_GRACE = timedelta(days=7)


def permit(caller: Caller, offer: Offer, placements: Mapping[str, Placement]) -> Refusal | None:
    """Why this caller may not send this event, or None when it may.

    Access events and entities without a place need a key that reaches everything; a compound is
    registered by whoever reaches the place it is registered for.
    """
    if caller.valid_to is not None and offer.occurred_at >= caller.valid_to:
        return AFTER_EXPIRY
    if caller.event_types and offer.type not in caller.event_types:
        return TYPE_NOT_ALLOWED
    if caller.role_for(offer.kind) is None:
        return NO_ROLE
    reach = caller.reach
    if reach.everything:
        return None
    if offer.family is Family.FACT:
        covered = reach.covers(offer.subject, placements.get(offer.subject))
    else:
        covered = offer.place is not None and reach.covers(offer.subject, Placement(*offer.place))
    return None if covered else OUT_OF_SCOPE
