"""What pages and programs read: recipients, endpoints, inbox, deliveries, decisions, progress."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

import asyncpg
from shared.runtime.away import DATABASE_AWAY
from shared.runtime.database import Database
from shared.runtime.records import Partition

from notify.ports import Unavailable

Rows = Sequence[asyncpg.Record]

# Lists page by key, newest first: the row named by `before` was the last of the page before.
_RECIPIENTS = """
SELECT id, kind, organisation_id, created_at FROM recipient
WHERE ($1::text[] IS NULL OR id = ANY($1)) AND ($2::text IS NULL OR kind = $2)
  AND ($3::text IS NULL OR id > $3)
ORDER BY id LIMIT $4
"""

_ENDPOINTS = """
SELECT endpoint.id, endpoint.recipient_id, channel, target, types, created_by, created_at, lane.*,
    (SELECT count(*) FROM delivery_due WHERE delivery_due.endpoint_id = endpoint.id) AS due,
    (SELECT count(*) FROM delivery_parked WHERE delivery_parked.endpoint_id = endpoint.id) AS parked
FROM endpoint JOIN lane ON lane.endpoint_id = endpoint.id
WHERE ($1::text[] IS NULL OR recipient_id = ANY($1)) AND ($2::uuid IS NULL OR endpoint.id = $2)
  AND ($3::uuid IS NULL OR endpoint.id > $3)
ORDER BY endpoint.id LIMIT $4
"""

_NOTICES = """
SELECT id, outcome_id, outcome_type, subject, recipient_id, mandatory, historical, occurred_at, payload,
    template_version, created_at, seen_at, seen_by, confirmed_at, confirmed_by
FROM notice
WHERE ($1::text[] IS NULL OR recipient_id = ANY($1)) AND ($2::uuid IS NULL OR id = $2)
  AND (NOT $3 OR seen_at IS NULL) AND ($4::uuid IS NULL OR outcome_id = $4)
  AND ($5::uuid IS NULL OR (created_at, id) < (SELECT created_at, id FROM notice WHERE id = $5))
ORDER BY created_at DESC, id DESC LIMIT $6
"""

_MARK = """
UPDATE notice SET
    seen_at = coalesce(seen_at, now()), seen_by = coalesce(seen_by, $2),
    confirmed_at = CASE WHEN $3 THEN coalesce(confirmed_at, now()) ELSE confirmed_at END,
    confirmed_by = CASE WHEN $3 THEN coalesce(confirmed_by, $2) ELSE confirmed_by END
WHERE id = $1
"""

_DELIVERIES = """
SELECT delivery.id, delivery.notice_id, delivery.endpoint_id, notice.recipient_id, notice.outcome_id,
    notice.outcome_type, endpoint.channel, delivery.state,
    coalesce(delivery_due.attempt - 1, delivery.attempts)::int AS attempts, delivery.cause,
    delivery.created_at, delivery.finished_at, delivery_due.not_before AS next_attempt_at
FROM delivery JOIN notice ON notice.id = delivery.notice_id
    JOIN endpoint ON endpoint.id = delivery.endpoint_id
    LEFT JOIN delivery_due ON delivery_due.delivery_id = delivery.id
WHERE ($1::text[] IS NULL OR notice.recipient_id = ANY($1)) AND ($2::uuid IS NULL OR delivery.id = $2)
  AND ($3::uuid IS NULL OR delivery.notice_id = $3) AND ($4::uuid IS NULL OR delivery.endpoint_id = $4)
  AND ($5::text IS NULL OR delivery.state = $5)
  AND ($6::uuid IS NULL OR
       (delivery.created_at, delivery.id) < (SELECT created_at, id FROM delivery WHERE id = $6))
ORDER BY delivery.created_at DESC, delivery.id DESC LIMIT $7
"""

_ATTEMPTS = """
SELECT s.attempt, s.claim, s.started_at, e.ended_at, e.verdict, e.cause, e.status, e.seconds, e.address,
    e.response, e.accepted
FROM attempt_started s LEFT JOIN attempt_ended e USING (delivery_id, claim, attempt)
WHERE s.delivery_id = $1 ORDER BY s.started_at, s.claim, s.attempt
"""

_DECISIONS = """
SELECT outcome_id, type AS outcome_type, subject, recipient_id, action, rule, rule_version, reason, decided_at
FROM decision LEFT JOIN inbox_event ON inbox_event.event_id = decision.outcome_id
WHERE ($1::text[] IS NULL OR recipient_id = ANY($1)) AND ($2::uuid IS NULL OR outcome_id = $2)
  AND ($3::uuid IS NULL OR (decided_at, outcome_id, recipient_id) <
       (SELECT d.decided_at, d.outcome_id, d.recipient_id FROM decision d
        WHERE d.outcome_id = $3 AND d.recipient_id = $4))
ORDER BY decided_at DESC, outcome_id DESC, recipient_id DESC LIMIT $5
"""

# A retry that waits for its time is not due; one that is due while its lane is open or paused is.
_WORK = """
SELECT count(*) FILTER (WHERE not_before <= now()) AS due,
    count(*) FILTER (WHERE not_before > now()) AS waiting,
    count(*) FILTER (WHERE lane.claim IS NOT NULL AND not_before <= now()) AS in_flight,
    coalesce(extract(epoch FROM now() - min(not_before) FILTER (WHERE not_before <= now())), 0)::float8
        AS oldest_due_seconds
FROM delivery_due JOIN lane USING (endpoint_id)
"""
_COUNTS = """
SELECT (SELECT count(*) FROM delivery_parked) AS parked, (SELECT count(*) FROM outbox_unordered) AS outbox
"""
_CURSORS = "SELECT topic, partition, next_offset FROM input_cursor ORDER BY topic, partition"


class Reader:
    """Reads for the HTTP interface; `recipients` None means all of them. Raises Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def recipients(
        self, recipients: Collection[str] | None, kind: str | None, after: str | None, limit: int
    ) -> Rows:
        """Recipients in order of their id."""
        return await self._fetch(_RECIPIENTS, _list(recipients), kind, after, limit)

    async def endpoints(
        self, recipients: Collection[str] | None, endpoint: UUID | None, after: UUID | None, limit: int
    ) -> Rows:
        """Endpoints with the health of their lane and what waits for them."""
        return await self._fetch(_ENDPOINTS, _list(recipients), endpoint, after, limit)

    async def notices(
        self,
        recipients: Collection[str] | None,
        *,
        notice: UUID | None = None,
        unseen: bool = False,
        outcome: UUID | None = None,
        before: UUID | None = None,
        limit: int = 1,
    ) -> Rows:
        """The inbox, newest first."""
        return await self._fetch(_NOTICES, _list(recipients), notice, unseen, outcome, before, limit)

    async def mark(self, notice: UUID, actor: str, *, confirmed: bool) -> None:
        """Note that a notice was seen, or confirmed; the first time and person stay."""
        await self._fetch(_MARK, notice, actor, confirmed)

    async def deliveries(
        self,
        recipients: Collection[str] | None,
        *,
        delivery: UUID | None = None,
        notice: UUID | None = None,
        endpoint: UUID | None = None,
        state: str | None = None,
        before: UUID | None = None,
        limit: int = 1,
    ) -> Rows:
        """Deliveries, newest first."""
        return await self._fetch(
            _DELIVERIES, _list(recipients), delivery, notice, endpoint, state, before, limit
        )

    async def attempts(self, delivery: UUID) -> Rows:
        """Attempts of a delivery in the order in which they began; without an end, nobody knows it."""
        return await self._fetch(_ATTEMPTS, delivery)

    async def decisions(
        self,
        recipients: Collection[str] | None,
        outcome: UUID | None,
        before: tuple[UUID, str] | None,
        limit: int,
    ) -> Rows:
        """Decisions, newest first; `before` names one by its outcome and recipient."""
        return await self._fetch(_DECISIONS, _list(recipients), outcome, *(before or (None, None)), limit)

    async def work(self) -> dict[str, Any]:
        """How much is due, waits for a retry, is under way, is parked, and waits to be announced."""
        rows = await self._fetch(_WORK)
        counts = await self._fetch(_COUNTS)
        return {**dict(rows[0]), **dict(counts[0])}

    async def cursors(self) -> dict[Partition, int]:
        """Partition -> next offset, whichever process owns it."""
        return {Partition(row[0], row[1]): row[2] for row in await self._fetch(_CURSORS)}

    async def _fetch(self, statement: str, *arguments: Any) -> Rows:
        try:
            rows: Rows = await self._database.pool.fetch(statement, *arguments)
        except DATABASE_AWAY as error:
            raise Unavailable from error
        return rows


def _list(recipients: Collection[str] | None) -> list[str] | None:
    return None if recipients is None else list(recipients)
