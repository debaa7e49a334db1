"""Whose notices a caller may see and whose endpoints change: its own organisation's, or all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shared.events.access import Role
from shared.runtime.auth import Principal
from shared.runtime.problems import FieldError, Problem

from notify.domain.organisations import Kind, Recipient, recipient_of

# They run the installation; everybody else speaks for an organisation.
SEES_ALL: Final[tuple[Role, ...]] = ("admin", "operator", "console")

_KINDS: Final[Mapping[Role, Kind]] = {
    "officer": Kind.STATION,
    "station_chief": Kind.STATION,
    "sub_bureau": Kind.SUB_BUREAU,
    "construction_bureau": Kind.CONSTRUCTION_BUREAU,
    "community": Kind.COMMUNITY,
    "committee": Kind.COMMITTEE,
    "developer": Kind.DEVELOPER,
    "company": Kind.COMPANY,
    "guard": Kind.COMPANY,
    "building_head": Kind.COMPANY,
}


def sees_all(principal: Principal) -> bool:
    """Whether the caller runs the installation."""
    return principal.allows_role(*SEES_ALL)


def own(principal: Principal) -> list[str]:
    """The recipients that the caller speaks for."""
    organisation = principal.organisation
    if organisation is None:
        return []
    kinds = dict.fromkeys(_KINDS[role] for role in principal.roles if role in _KINDS)
    return [Recipient(kind, organisation).id for kind in kinds]


def visible(principal: Principal, asked: str | None) -> list[str] | None:
    """The recipients a list is about: the one asked for, else those of the caller; None for all.

    Raises 403 for somebody else's, and for a caller who speaks for nobody.
    """
    if asked is not None:
        may_touch(principal, asked)
        return [asked]
    if sees_all(principal):
        return None
    recipients = own(principal)
    if not recipients:
        raise Problem(403, "no_recipient", "This key speaks for no organisation that receives notices.")
    return recipients


def may_touch(principal: Principal, recipient: str) -> None:
    """Raises 403 unless the recipient is the caller's own, or the caller runs the installation."""
    if not sees_all(principal) and recipient not in own(principal):
        raise Problem(403, "foreign_recipient", "This key does not speak for that recipient.")


def parse_recipient(text: str, pointer: str) -> Recipient:
    """The recipient with that id; raises 422 with the place."""
    try:
        return recipient_of(text)
    except ValueError:
        raise invalid(pointer, "recipient", "A recipient is written kind:organisation.") from None


def invalid(pointer: str, code: str, detail: str) -> Problem:
    """422 with the one place that is to blame."""
    return Problem(422, "invalid_request", detail, errors=[FieldError(pointer, code)])
