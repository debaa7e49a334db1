"""Writes what a batch of outcomes leads to, inside the cursor transaction: one statement per table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from notify.domain.policy import RULES_VERSION
from notify.ports import NewDelivery, Notice, Outcome, Plan

if TYPE_CHECKING:
    import asyncpg

DUE_CHANNEL = "notify_due"
"""Dispatchers listen here; one notification per transaction says that something may be due."""

Row = TypeVar("Row")

_INBOX = """
INSERT INTO inbox_event (event_id, type, subject, occurred_at, historical, partition, "offset")
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::boolean[], $6::int[],
                     $7::bigint[])
ON CONFLICT (event_id) DO NOTHING
RETURNING event_id
"""

_POSITIONS = """
INSERT INTO source_position (topic, partition, incarnation, sequence)
SELECT $1, * FROM unnest($2::int[], $3::int[], $4::bigint[])
ON CONFLICT (topic, partition, incarnation)
DO UPDATE SET sequence = greatest(source_position.sequence, excluded.sequence)
"""

# Sorted, because two partitions may meet the same new recipients in two transactions at once.
_RECIPIENTS = """
INSERT INTO recipient (id, kind, organisation_id)
SELECT id, split_part(id, ':', 1), substr(id, strpos(id, ':') + 1)
FROM unnest($1::text[]) AS seen(id)
WHERE NOT EXISTS (SELECT FROM recipient WHERE recipient.id = seen.id)
ORDER BY id
ON CONFLICT (id) DO NOTHING
"""

_DECISIONS = """
INSERT INTO decision (outcome_id, recipient_id, action, rule, reason, rule_version)
SELECT *, $6 FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[])
"""

_NOTICES = """
INSERT INTO notice (id, outcome_id, outcome_type, subject, recipient_id, mandatory, historical, occurred_at,
                    template_version, payload)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::boolean[], $7::boolean[],
                     $8::timestamptz[], $9::text[], $10::bytea[])
"""

# Holding the lanes means that none of them can be given back while rows for it are not visible yet:
# whoever gives one back computes anew, after this transaction, when it is due next.
_LOCK_LANES = """
SELECT endpoint_id, state FROM lane WHERE endpoint_id = ANY($1::uuid[])
ORDER BY endpoint_id FOR NO KEY UPDATE
"""

_DELIVERIES = """
WITH new AS (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::smallint[], $5::boolean[])
        AS new(id, notice_id, endpoint_id, urgency, parked)
), lasting AS (
    INSERT INTO delivery (id, notice_id, endpoint_id, state)
    SELECT id, notice_id, endpoint_id, CASE WHEN parked THEN 'parked' ELSE 'due' END FROM new
), parked AS (
    INSERT INTO delivery_parked (delivery_id, endpoint_id, notice_id, urgency, attempt)
    SELECT id, endpoint_id, notice_id, urgency, 1 FROM new WHERE parked
)
INSERT INTO delivery_due (delivery_id, endpoint_id, notice_id, urgency, attempt, not_before)
SELECT id, endpoint_id, notice_id, urgency, 1, now() FROM new WHERE NOT parked
"""

_WAKE_LANES = """
UPDATE lane SET next_due = least(next_due, now()), urgent = lane.urgent OR new.urgent
FROM unnest($1::uuid[], $2::boolean[]) AS new(endpoint_id, urgent)
WHERE lane.endpoint_id = new.endpoint_id AND (lane.next_due > now() OR new.urgent > lane.urgent)
"""


async def write_plan(
    tx: asyncpg.Connection[asyncpg.Record],
    plan: Plan,
    topic: str,
    positions: Mapping[tuple[int, int], int],
) -> int:
    """Write a plan; outcomes whose id was taken over before are dropped with all that follows from them.

    `positions` maps (partition, incarnation) to the last sequence read. Answers how many outcomes were new.
    """
    if positions:
        keys = sorted(positions)
        await tx.execute(
            _POSITIONS,
            topic,
            [partition for partition, _ in keys],
            [incarnation for _, incarnation in keys],
            [positions[key] for key in keys],
        )
    if not plan.outcomes:
        return 0
    new = await _inbox(tx, plan.outcomes)
    if len(new) < len(plan.outcomes):
        plan = _only(plan, new)
    if plan.decisions:
        await _decisions(tx, plan)
    if plan.notices:
        await _notices(tx, plan.notices)
    if plan.deliveries:
        await _deliveries(tx, plan.deliveries)
    return len(new)


def _only(plan: Plan, new: set[UUID]) -> Plan:
    """What follows from new outcomes; an id twice in one batch counts by its first appearance."""
    fresh: list[Outcome] = []
    left = set(new)
    for outcome in plan.outcomes:
        if outcome.id in left:
            left.remove(outcome.id)
            fresh.append(outcome)
    kept = {id(outcome) for outcome in fresh}
    notices = [notice for notice in plan.notices if id(notice.outcome) in kept]
    return Plan(
        fresh,
        [(outcome, decision) for outcome, decision in plan.decisions if id(outcome) in kept],
        notices,
        [delivery for delivery in plan.deliveries if id(delivery.notice.outcome) in kept],
    )


async def _inbox(tx: asyncpg.Connection[asyncpg.Record], outcomes: Sequence[Outcome]) -> set[UUID]:
    rows = await tx.fetch(
        _INBOX,
        [outcome.id for outcome in outcomes],
        [outcome.type for outcome in outcomes],
        [outcome.subject for outcome in outcomes],
        [outcome.occurred_at for outcome in outcomes],
        [outcome.signals.historical for outcome in outcomes],
        [outcome.partition for outcome in outcomes],
        [outcome.offset for outcome in outcomes],
    )
    return {row[0] for row in rows}


async def _decisions(tx: asyncpg.Connection[asyncpg.Record], plan: Plan) -> None:
    recipients = [decision.recipient.id for _, decision in plan.decisions]
    await tx.execute(_RECIPIENTS, _distinct(recipients))
    await tx.execute(
        _DECISIONS,
        [outcome.id for outcome, _ in plan.decisions],
        recipients,
        [decision.action.value for _, decision in plan.decisions],
        [decision.rule for _, decision in plan.decisions],
        [decision.reason for _, decision in plan.decisions],
        RULES_VERSION,
    )


async def _notices(tx: asyncpg.Connection[asyncpg.Record], notices: Sequence[Notice]) -> None:
    await tx.execute(
        _NOTICES,
        [notice.id for notice in notices],
        [notice.outcome.id for notice in notices],
        [notice.outcome.type for notice in notices],
        [notice.outcome.subject for notice in notices],
        [notice.decision.recipient.id for notice in notices],
        [notice.decision.mandatory for notice in notices],
        [notice.outcome.signals.historical for notice in notices],
        [notice.outcome.occurred_at for notice in notices],
        [notice.letter.template_version for notice in notices],
        [notice.letter.payload for notice in notices],
    )


async def _deliveries(tx: asyncpg.Connection[asyncpg.Record], deliveries: Sequence[NewDelivery]) -> None:
    endpoints = _distinct(delivery.endpoint for delivery in deliveries)
    states = {row[0]: row[1] for row in await tx.fetch(_LOCK_LANES, endpoints)}
    deliveries = [delivery for delivery in deliveries if delivery.endpoint in states]
    await tx.execute(
        _DELIVERIES,
        [delivery.id for delivery in deliveries],
        [delivery.notice.id for delivery in deliveries],
        [delivery.endpoint for delivery in deliveries],
        [0 if delivery.notice.decision.urgent else 1 for delivery in deliveries],
        [states[delivery.endpoint] != "active" for delivery in deliveries],
    )
    urgent = {delivery.endpoint for delivery in deliveries if delivery.notice.decision.urgent}
    active = [endpoint for endpoint, state in states.items() if state == "active"]
    if active:
        await tx.execute(_WAKE_LANES, active, [endpoint in urgent for endpoint in active])
        await tx.execute("SELECT pg_notify($1, '')", DUE_CHANNEL)


def _distinct(values: Iterable[Row]) -> list[Row]:
    return list(dict.fromkeys(values))
