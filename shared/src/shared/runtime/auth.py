"""Who is calling: every key and person of the access topic in memory, followed as it grows.

No database, no call to another service: a key issued or revoked anywhere works or stops everywhere within
moments, and a process that has started can judge keys even while Kafka is away.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.events.access import (
    AccessScope,
    ClockObserved,
    CredentialIssued,
    CredentialRevoked,
    PersonGranted,
    PersonRevoked,
    Role,
    person_id,
)
from shared.events.catalogue import CATALOGUE
from shared.events.envelope import decode_envelope
from shared.events.errors import Malformed
from shared.events.topics import ACCESS
from shared.runtime.clock import Clock
from shared.runtime.follower import TopicFollower
from shared.runtime.keys import issue_key, split_header
from shared.runtime.metrics import Metrics
from shared.runtime.settings import KafkaSettings

__all__ = ["Directory", "Principal", "Scope", "Unauthorised", "issue_key"]

# Compared with when the id is unknown, so that an unknown id takes as long as a wrong secret.
NO_HASH = hashlib.sha256(b"").hexdigest()


class Unauthorised(Exception):  # noqa: N818 - it is the answer, 401, by its name
    """No key, or none that works; `code` is one of missing, malformed, unknown, revoked, expired, early."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Scope:
    """Which compounds a caller may touch or see: all, or the union of the lists."""

    everything: bool = False
    compounds: frozenset[str] = frozenset()
    communities: frozenset[str] = frozenset()
    stations: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Former:
    """What a key could do until it was changed."""

    until: datetime
    roles: tuple[Role, ...]
    organisation: str | None
    scope: Scope
    event_types: frozenset[str]


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller with what it may do; empty `event_types` means whatever its roles may.

    `may_act_for`: roles of the persons in whose name it may speak. `former`: oldest first.
    """

    credential_id: str
    actor_id: str
    roles: tuple[Role, ...]
    organisation: str | None
    device_id: str | None
    scope: Scope
    event_types: frozenset[str]
    rights: frozenset[str]
    may_act_for: frozenset[Role]
    valid_from: datetime
    valid_to: datetime | None
    former: tuple[Former, ...] = ()

    def allows_role(self, *roles: Role) -> bool:
        """Has at least one of these roles."""
        return any(role in self.roles for role in roles)


@dataclass(frozen=True, slots=True)
class _Credential:
    secret_sha256: str
    principal: Principal
    revoked: bool


class Directory:
    """All credentials and persons, as far as the access topic has been read."""

    def __init__(self, settings: KafkaSettings, *, clock: Clock, metrics: Metrics) -> None:
        self._clock = clock
        self._metrics = metrics
        self._credentials: dict[str, _Credential] = {}
        self._persons: dict[str, Principal] = {}
        self._follower = TopicFollower(
            settings, ACCESS, self.apply, client_id=f"anxing-{metrics.service}-access"
        )
        self.newest_received: datetime | None = None
        """The largest `receivedtime` or observed clock seen on the topic: how far time has come for sure."""

    @property
    def ready(self) -> bool:
        """The topic was read to the end seen at the start, and is being followed."""
        return self._follower.ready

    async def start(self) -> None:
        """Read the topic to its end and go on following it; StartupError when it cannot be read in time."""
        await self._follower.start()

    async def stop(self) -> None:
        """Stop following the topic."""
        await self._follower.stop()

    def authenticate(self, authorization: str | None, *, grace: timedelta = timedelta(0)) -> Principal:
        """The caller of a request, from its `Authorization` header.

        Within `grace` an expired key still works: who grants it judges each event by the time at which it
        happened. Raises Unauthorised; never tells whether id or secret was wrong.
        """
        if not authorization:
            raise Unauthorised("missing")
        key = split_header(authorization)
        if key is None:
            raise Unauthorised("malformed")
        credential_id, secret = key
        credential = self._credentials.get(credential_id)
        expected = NO_HASH if credential is None else credential.secret_sha256
        given = hashlib.sha256(secret.encode()).hexdigest()
        if not hmac.compare_digest(given, expected) or credential is None:
            raise Unauthorised("unknown")
        if credential.revoked:
            raise Unauthorised("revoked")
        principal, now = credential.principal, self._clock.now()
        if now < principal.valid_from:
            raise Unauthorised("early")
        if principal.valid_to is not None and now >= principal.valid_to + grace:
            raise Unauthorised("expired")
        return principal

    def person(self, issuer: str, subject: str) -> Principal | None:
        """What a signed-in person may do now; None when nothing."""
        return self.person_by_id(person_id(issuer, subject))

    def person_by_id(self, person: str) -> Principal | None:
        """The same by the person's id (`shared.events.access.person_id`)."""
        principal, now = self._persons.get(person), self._clock.now()
        if principal is None or now < principal.valid_from:
            return None
        return principal if principal.valid_to is None or now < principal.valid_to else None

    def apply(self, value: bytes | None) -> None:
        """Take in one record of the topic; what is no known access event is counted and left aside."""
        if value is None:
            return
        try:
            envelope = decode_envelope(value)
            event_type = CATALOGUE.get(envelope.type)
            if event_type is None or event_type.topic is not ACCESS:
                self._metrics.auth_ignored.inc()
                return
            data = event_type.decode(envelope.data)
        except Malformed:
            self._metrics.auth_ignored.inc()
            return
        self._saw(envelope.receivedtime)
        if isinstance(data, ClockObserved):
            self._saw(data.observed_at)
        elif isinstance(data, CredentialIssued):
            self._credentials[data.credential_id] = _credential(data, revoked=False)
        elif isinstance(data, CredentialRevoked):
            self._credentials[data.credential_id] = _credential(data.credential, revoked=True)
        elif isinstance(data, PersonGranted):
            self._persons[person_id(data.issuer, data.subject)] = _principal_of_person(data)
        elif isinstance(data, PersonRevoked):
            self._persons.pop(person_id(data.issuer, data.subject), None)
        self._metrics.auth_entries.labels("credential").set(len(self._credentials))
        self._metrics.auth_entries.labels("person").set(len(self._persons))

    def _saw(self, instant: datetime | None) -> None:
        if instant is not None and (self.newest_received is None or instant > self.newest_received):
            self.newest_received = instant


def _credential(issued: CredentialIssued, *, revoked: bool) -> _Credential:
    return _Credential(
        secret_sha256=issued.secret_sha256,
        principal=Principal(
            credential_id=issued.credential_id,
            actor_id=issued.actor_id,
            roles=issued.roles,
            organisation=issued.organisation,
            device_id=issued.device_id,
            scope=_scope(issued.scope),
            event_types=frozenset(issued.event_types),
            rights=frozenset(issued.rights),
            may_act_for=frozenset(issued.may_act_for),
            valid_from=issued.valid_from,
            valid_to=issued.valid_to,
            former=tuple(
                Former(was.until, was.roles, was.organisation, _scope(was.scope), frozenset(was.event_types))
                for was in issued.former
            ),
        ),
        revoked=revoked,
    )


def _principal_of_person(granted: PersonGranted) -> Principal:
    return Principal(
        credential_id="",
        actor_id=granted.actor_id,
        roles=granted.roles,
        organisation=granted.organisation,
        device_id=None,
        scope=_scope(granted.scope),
        event_types=frozenset(),
        rights=frozenset(),
        may_act_for=frozenset(),
        valid_from=granted.valid_from,
        valid_to=granted.valid_to,
    )


def _scope(scope: AccessScope) -> Scope:
    return Scope(
        everything=scope.everything,
        compounds=frozenset(scope.compounds),
        communities=frozenset(scope.communities),
        stations=frozenset(scope.stations),
    )
