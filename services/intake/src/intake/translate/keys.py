"""What becomes of a key: when it ends, what it may do from now on, and which key follows it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
from shared.events.access import CredentialIssued, FormerRights

from intake.domain.callers import GRACE

FORMER_MAX = 20


def ended(issued: CredentialIssued, at: datetime) -> CredentialIssued:
    """The key with another end; what it was used for before is not touched."""
    return msgspec.structs.replace(issued, valid_to=at)


def changed(issued: CredentialIssued, now: datetime, **rights: Any) -> CredentialIssued:
    """The same secret with other `roles`, `scope`, `event_types` or `organisation` from now on.

    What it could do until now stays in its record for as long as it may still bring what it recorded then;
    ValueError when it was changed too often within that time.
    """
    was = FormerRights(
        until=now,
        roles=issued.roles,
        scope=issued.scope,
        event_types=issued.event_types,
        organisation=issued.organisation,
    )
    former = (*(past for past in issued.former if past.until + GRACE > now), was)
    if len(former) > FORMER_MAX:
        raise ValueError(f"changed more than {FORMER_MAX} times within {GRACE.days} days")
    return msgspec.structs.replace(issued, former=former, **rights)


def next_id(credential_id: str) -> str:
    """The id of the key that follows another: phone, phone.2, phone.3."""
    name, _, number = credential_id.rpartition(".")
    if name and number.isascii() and number.isdecimal():
        return f"{name}.{int(number) + 1}"
    return f"{credential_id}.2"


def lasting_as_long(issued: CredentialIssued, now: datetime) -> datetime | None:
    """The end of a key of now that lasts as long as that one does; None without end."""
    return (
        None if issued.valid_to is None else now + max(issued.valid_to - issued.valid_from, timedelta(days=1))
    )
