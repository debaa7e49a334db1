"""What owners and operators change: endpoints come into being, are switched off and on, and released."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from shared.runtime.away import DATABASE_AWAY
from shared.runtime.database import Database
from shared.runtime.outbox import UnorderedRow, append_unordered

from notify.domain.organisations import Recipient
from notify.domain.signing import key_of, new_secret
from notify.ports import Unavailable
from notify.sealing import Sealer
from notify.store.ingest import DUE_CHANNEL
from notify.store.lane_statements import PARK, RELEASE_PARKED

RELEASED_AT_ONCE = 1_000

AnnounceResumed = Callable[[UUID, str, str, datetime], UnorderedRow]

_LANE = "SELECT state FROM lane WHERE endpoint_id = $1 FOR NO KEY UPDATE"

_SWITCH_OFF = """
UPDATE lane SET state = 'disabled', state_cause = $2, state_since = now(), next_due = 'infinity'
WHERE endpoint_id = $1
"""

# Who switches an endpoint on vouches for it: its past counts no more.
_SWITCH_ON = """
UPDATE lane SET state = 'active', state_cause = NULL, state_since = now(), failing_since = NULL, failures = 0,
    slow_until = NULL, paused_until = NULL, held_until = CASE WHEN claim IS NULL THEN '-infinity'::timestamptz
        ELSE held_until END,
    breaker = 'closed', open_until = NULL, open_seconds = 0, window_from = NULL, window_attempts = 0,
    window_failures = 0, unreached_run = 0,
    next_due = coalesce((SELECT min(not_before) FROM delivery_due WHERE endpoint_id = $1), 'infinity')
WHERE endpoint_id = $1
"""

_WHOSE = "SELECT recipient_id, channel, now() AS at FROM endpoint WHERE id = $1"

_ADD_RECIPIENT = """
INSERT INTO recipient (id, kind, organisation_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class NewEndpoint:
    """What an owner asks for; `target` is a URL or a file name and already checked."""

    recipient: Recipient
    channel: str
    target: str
    types: Collection[str] | None
    rate_per_minute: int | None


class Manager:
    """Changes, each one transaction. Raises Unavailable."""

    def __init__(self, database: Database, sealer: Sealer, announce_resumed: AnnounceResumed) -> None:
        self._database = database
        self._sealer = sealer
        self._announce_resumed = announce_resumed

    async def add_recipient(self, recipient: Recipient) -> None:
        """Make a recipient known before its first outcome."""
        try:
            await self._database.pool.execute(
                _ADD_RECIPIENT, recipient.id, recipient.kind.value, recipient.organisation
            )
        except DATABASE_AWAY as error:
            raise Unavailable from error

    async def create(self, wish: NewEndpoint, actor: str) -> tuple[UUID, str | None]:
        """A new endpoint and, for a webhook, its secret: nobody can read it again."""
        endpoint, secret = uuid4(), new_secret() if wish.channel == "webhook" else None
        await self.add_recipient(wish.recipient)
        try:
            async with self._database.transaction() as tx:
                await tx.execute(
                    "INSERT INTO endpoint (id, recipient_id, channel, target, types, created_by)"
                    " VALUES ($1, $2, $3, $4, $5, $6)",
                    endpoint,
                    wish.recipient.id,
                    wish.channel,
                    wish.target,
                    None if wish.types is None else list(wish.types),
                    actor,
                )
                await tx.execute(
                    "INSERT INTO lane (endpoint_id, rate_per_minute, tokens)"
                    " VALUES ($1, $2::int, coalesce($2::int, 0))",
                    endpoint,
                    wish.rate_per_minute,
                )
                if secret is not None:
                    key_id, ciphertext = self._sealer.seal(key_of(secret), endpoint)
                    await tx.execute(
                        "INSERT INTO endpoint_secret (endpoint_id, number, key_id, ciphertext)"
                        " VALUES ($1, 1, $2, $3)",
                        endpoint,
                        key_id,
                        ciphertext,
                    )
        except DATABASE_AWAY as error:
            raise Unavailable from error
        return endpoint, secret

    async def switch_off(self, endpoint: UUID, cause: str) -> None:
        """Send nothing more there and park what waits; new outcomes make no deliveries for it."""
        try:
            async with self._database.transaction() as tx:
                if await tx.fetchval(_LANE, endpoint) != "disabled":
                    await tx.execute(_SWITCH_OFF, endpoint, cause)
                    await tx.execute(PARK, endpoint)
        except DATABASE_AWAY as error:
            raise Unavailable from error

    async def switch_on(self, endpoint: UUID) -> None:
        """Serve an endpoint again, with a clean record; what is parked stays parked until it is released."""
        try:
            async with self._database.transaction() as tx:
                if await tx.fetchval(_LANE, endpoint) == "active":
                    return
                await tx.execute(_SWITCH_ON, endpoint)
                for recipient, channel, at in await tx.fetch(_WHOSE, endpoint):
                    await append_unordered(tx, [self._announce_resumed(endpoint, recipient, channel, at)])
        except DATABASE_AWAY as error:
            raise Unavailable from error

    async def release(self, endpoint: UUID) -> int:
        """Make parked deliveries of an active endpoint due again, each from its first step; answers how many.

        In chunks, so that no transaction grows with the backlog; the lane's slow start spreads the load.
        """
        released = 0
        try:
            while True:
                async with self._database.transaction() as tx:
                    if await tx.fetchval(_LANE, endpoint) != "active":
                        return released
                    chunk: int = await tx.fetchval(RELEASE_PARKED, endpoint, RELEASED_AT_ONCE)
                    await tx.execute(
                        "UPDATE lane SET next_due = least(next_due, now()) WHERE endpoint_id = $1", endpoint
                    )
                    await tx.execute("SELECT pg_notify($1, '')", DUE_CHANNEL)
                released += chunk
                if chunk < RELEASED_AT_ONCE:
                    return released
        except DATABASE_AWAY as error:
            raise Unavailable from error
