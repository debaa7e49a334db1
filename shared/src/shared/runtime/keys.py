"""The text form of keys, `ax_<id>_<secret>`: made once, shown once, found again in a header."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime

from shared.events.access import AccessScope, CredentialIssued, Role

KEY_PREFIX = "ax"
SECRET_BYTES = 32
# A key is under 150 characters; longer is no key, and is not hashed.
HEADER_CHARS_MAX = 300


def issue_key(
    *,
    credential_id: str,
    actor_id: str,
    roles: Iterable[Role],
    scope: AccessScope,
    valid_from: datetime,
    valid_to: datetime | None = None,
    organisation: str | None = None,
    device_id: str | None = None,
    event_types: Iterable[str] = (),
    rights: Iterable[str] = (),
    may_act_for: Iterable[Role] = (),
) -> tuple[str, CredentialIssued]:
    """A new key: its text, to be shown once, and the event that makes it known with its hash only."""
    secret = secrets.token_hex(SECRET_BYTES)
    issued = CredentialIssued(
        credential_id=credential_id,
        secret_sha256=hashlib.sha256(secret.encode()).hexdigest(),
        actor_id=actor_id,
        roles=tuple(roles),
        scope=scope,
        event_types=tuple(event_types),
        organisation=organisation,
        device_id=device_id,
        rights=tuple(rights),  # type: ignore[arg-type]  # checked where the event is decoded
        may_act_for=tuple(may_act_for),
        valid_from=valid_from,
        valid_to=valid_to,
    )
    return f"{KEY_PREFIX}_{credential_id}_{secret}", issued


def split_header(authorization: str) -> tuple[str, str] | None:
    """Id and secret of `Authorization: Bearer <key>`; None for anything else."""
    scheme, _, key = authorization.partition(" ")
    prefix, _, rest = key.partition("_")
    # The secret is hexadecimal, an id may hold underscores: the last one divides them.
    credential_id, _, secret = rest.rpartition("_")
    well_formed = scheme.lower() == "bearer" and prefix == KEY_PREFIX and credential_id and secret
    if not well_formed or len(authorization) > HEADER_CHARS_MAX or not authorization.isascii():
        return None
    return credential_id, secret
