"""Whether a caller may send an event: now, or by what was allowed when it was recorded."""

from __future__ import annotations

from datetime import datetime

from intake.domain.callers import GRACE, Caller
from intake.domain.offers import Family, Offer
from intake.domain.places import Placement, Whereabouts
from intake.domain.verdicts import Fault, Grounds, Refusal

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
    "The key has expired: only what was recorded before may still be sent, for seven days.",
    (Fault("/time", "after_expiry"),),
)
OUT_OF_SCOPE = Refusal(
    Grounds.FORBIDDEN,
    "out_of_scope",
    "This key does not reach what the event is about.",
    (Fault("/subject", "out_of_scope"),),
)
GRACE_OVER = Refusal(
    Grounds.FORBIDDEN,
    "grace_over",
    "This was allowed when it was recorded, but that ended more than seven days ago.",
    (Fault("/time", "grace_over"),),
)


def permit(
    caller: Caller, offer: Offer, places: Whereabouts | None, received_at: datetime
) -> Caller | Refusal:
    """As whom this caller may send this event, or why it may not.

    What is allowed now is allowed, whenever it happened. What is not, is judged by the roles, types and scope
    that the key had and by the place that the compound had when the event was recorded: allowed then, it may
    come until seven days after that ended. `places`: of the compound that a fact is about.
    """
    if caller.valid_to is not None and offer.recorded_at >= caller.valid_to:
        return AFTER_EXPIRY
    refusal = _refusal(caller, offer, None if places is None else places.now)
    if refusal is None:
        return caller
    return _permit_then(caller, offer, places, received_at) or refusal


def _permit_then(
    caller: Caller, offer: Offer, places: Whereabouts | None, received_at: datetime
) -> Caller | Refusal | None:
    """The same by what was so when it was recorded; None when it was not allowed then either."""
    was, lay = caller.at(offer.recorded_at), None if places is None else places.at(offer.recorded_at)
    sender = caller if was is None else was[1]
    placement = None if places is None else places.now if lay is None else lay.placement
    if (was is None and lay is None) or _refusal(sender, offer, placement) is not None:
        return None
    # It ended with the first change that took it away; one that took nothing away ended nothing.
    ended = min(until for until in (was and was[0], lay and lay.until) if until is not None)
    if was is not None and lay is not None:
        if _refusal(caller, offer, lay.placement) is None:
            ended = lay.until
        elif places is not None and _refusal(sender, offer, places.now) is None:
            ended = was[0]
    return sender if received_at < ended + GRACE else GRACE_OVER


def _refusal(caller: Caller, offer: Offer, placement: Placement | None) -> Refusal | None:
    """Why a caller may not send an event about a compound that is placed there, or None.

    Access events and entities without a place need a key that reaches everything; a compound is registered
    by whoever reaches the place it is registered for.
    """
    if caller.event_types and offer.type not in caller.event_types:
        return TYPE_NOT_ALLOWED
    if caller.role_for(offer.kind) is None:
        return NO_ROLE
    if caller.reaches_everything:
        return None
    if offer.family is not Family.FACT:
        if offer.place is None:
            return OUT_OF_SCOPE
        placement = Placement(*offer.place)
    return None if caller.covers(offer.subject, placement) else OUT_OF_SCOPE
