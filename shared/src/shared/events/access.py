"""Who may do what, and that time passes: topic `anxing.access.v1`, compacted by key.

Every record carries its full state, because compaction keeps only the newest of a key: a revocation
repeats what it ends, so that what was captured while allowed can still be judged.
"""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import NAMESPACE_URL, uuid5

from msgspec import Meta

from shared.events.envelope import Instant
from shared.events.fields import EntityId, Name, Sent, Sha256

Role = Literal[
    "officer",
    "station_chief",
    "sub_bureau",
    "registrar",
    "admin",
    "operator",
    "integrator",
    "console",
    "construction_bureau",
    "community",
    "committee",
    "developer",
    "company",
    "guard",
    "building_head",
]
Right = Literal["backfill"]
Roles = Annotated[tuple[Role, ...], Meta(max_length=15)]
Ids = Annotated[tuple[EntityId, ...], Meta(max_length=10_000)]


class AccessScope(Sent, frozen=True, kw_only=True):
    """Which compounds are meant: all, or the union of the lists."""

    everything: bool = False
    compounds: Ids = ()
    communities: Ids = ()
    stations: Ids = ()


class FormerRights(Sent, frozen=True, kw_only=True):
    """What a key could do until it was changed; what was recorded before is judged by it for some days."""

    until: Instant
    roles: Roles
    scope: AccessScope
    event_types: Annotated[tuple[Name, ...], Meta(max_length=100)] = ()
    organisation: EntityId | None = None


class CredentialIssued(Sent, frozen=True, kw_only=True):
    """A key `ax_<credential_id>_<secret>`; only the SHA-256 of its secret travels.

    Empty `event_types`: whatever its roles may send. `may_act_for`: roles of the persons in whose
    name it may speak (the console's key). `valid_to` None: until revoked. `former`: oldest first.
    """

    credential_id: EntityId
    secret_sha256: Sha256
    actor_id: Name
    roles: Roles
    scope: AccessScope
    event_types: Annotated[tuple[Name, ...], Meta(max_length=100)] = ()
    organisation: EntityId | None = None
    device_id: Name | None = None
    rights: Annotated[tuple[Right, ...], Meta(max_length=10)] = ()
    may_act_for: Roles = ()
    valid_from: Instant
    valid_to: Instant | None = None
    former: Annotated[tuple[FormerRights, ...], Meta(max_length=20)] = ()


class CredentialRevoked(Sent, frozen=True, kw_only=True):
    """The end of a credential, with what it was."""

    credential_id: EntityId
    revoked_at: Instant
    credential: CredentialIssued


class PersonGranted(Sent, frozen=True, kw_only=True):
    """What a person who signs in with OpenID Connect may do; the subject is UUIDv5 of the two ids."""

    issuer: Name
    subject: Name
    actor_id: Name
    roles: Roles
    scope: AccessScope
    organisation: EntityId | None = None
    valid_from: Instant
    valid_to: Instant | None = None


class PersonRevoked(Sent, frozen=True, kw_only=True):
    """The end of a person's rights, with what they were."""

    issuer: Name
    subject: Name
    revoked_at: Instant
    person: PersonGranted


class ClockObserved(Sent, frozen=True, kw_only=True):
    """Intake saw this time; tells a quiet system that days pass."""

    observed_at: Instant


def person_id(issuer: str, subject: str) -> str:
    """The id of a person: UUIDv5 of the two ids of OpenID Connect (contracts.md, Events)."""
    return str(uuid5(NAMESPACE_URL, f"{issuer}|{subject}"))
