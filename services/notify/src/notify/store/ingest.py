"""Writes what a batch of outcomes leads to, inside the cursor transaction: one statement per table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar
from uuid import UUID

from shared.runtime.cursor import Connection

from notify.domain.policy import RULES_VERSION
from notify.ports import NewDelivery, Outcome, Plan

DUE_CHANNEL = "notify_due"
"""Dispatchers listen here; one notification per transaction says that something may be due."""

Row = TypeVar("Row")

# Four statements whatever the batch: each round trip would be paid for every single outcome on a quiet day.
_TAKE_OVER = """
WITH positions AS (
    INSERT INTO source_position (topic, partition, incarnation, sequence)
    SELECT $1, * FROM unnest($2::int[], $3::int[], $4::bigint[])
    ON CONFLICT (topic, partition, incarnation)
    DO UPDATE SET sequence = greatest(source_position.sequence, excluded.sequence)
)
INSERT INTO inbox_event (event_id, type, subject, occurred_at, historical, partition, "offset")
SELECT * FROM unnest($5::uuid[], $6::text[], $7::text[], $8::timestamptz[], $9::boolean[], $10::int[],
                     $11::bigint[])
ON CONFLICT (event_id) DO NOTHING
RETURNING event_id
"""

# Recipients are sorted, because two partitions may meet the same new ones in two transactions at once.
_DECIDE = """
WITH seen AS (
    INSERT INTO recipient (id, kind, organisation_id)
    SELECT id, split_part(id, ':', 1), substr(id, strpos(id, ':') + 1)
    FROM unnest($1::text[]) AS new(id)
    WHERE NOT EXISTS (SELECT FROM recipient WHERE recipient.id = new.id)
    ORDER BY id
    ON CONFLICT (id) DO NOTHING
), decided AS (
    INSERT INTO decision (outcome_id, recipient_id, action, rule, reason, rule_version)
    SELECT *, $7 FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[])
)
INSERT INTO notice (id, outcome_id, outcome_type, subject, recipient_id, mandatory, historical, occurred_at,
                    template_version, payload)
SELECT * FROM unnest($8::uuid[], $9::uuid[], $10::text[], $11::text[], $12::text[], $13::boolean[],
                     $14::boolean[], $15::timestamptz[], $16::text[], $17::bytea[])
"""

# Holding the lanes means that none of them can be given back while rows for it are not visible yet:
# whoever gives one back computes anew, after this transaction, when it is due next.
_LOCK_LANES = """
SELECT endpoint_id, state FROM lane WHERE endpoint_id = ANY($1::uuid[])
ORDER BY endpoint_id FOR NO KEY UPDATE
"""

_DELIVER = """
WITH new AS (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::smallint[], $5::boolean[])
        AS new(id, notice_id, endpoint_id, urgency, parked)
), lasting AS (
    INSERT INTO delivery (id, notice_id, endpoint_id, state)
    SELECT id, notice_id, endpoint_id, CASE WHEN parked THEN 'parked' ELSE 'due' END FROM new
), parked AS (
    INSERT INTO delivery_parked (delivery_id, endpoint_id, notice_id, urgency, attempt)
    SELECT id, endpoint_id, notice_id, urgency, 1 FROM new WHERE parked
), due AS (
    INSERT INTO delivery_due (delivery_id, endpoint_id, notice_id, urgency, attempt, not_before)
    SELECT id, endpoint_id, notice_id, urgency, 1, now() FROM new WHERE NOT parked
), woken AS (
    SELECT endpoint_id, min(urgency) = 0 AS urgent FROM new WHERE NOT parked GROUP BY endpoint_id
), lanes AS (
    UPDATE lane SET next_due = least(next_due, now()), urgent = lane.urgent OR woken.urgent
    FROM woken
    WHERE lane.endpoint_id = woken.endpoint_id AND (lane.next_due > now() OR woken.urgent > lane.urgent)
)
SELECT pg_notify($6, '') WHERE EXISTS (SELECT FROM woken)
"""


async def write_plan(
    tx: Connection,
    plan: Plan,
    topic: str,
    positions: Mapping[tuple[int, int], int],
) -> int:
    """Write a plan; outcomes whose id was taken over before are dropped with all that follows from them.

    `positions` maps (partition, incarnation) to the last sequence read. Answers how many outcomes were new.
    """
    if not plan.outcomes and not positions:
        return 0
    new = await _take_over(tx, plan.outcomes, topic, positions)
    if len(new) < len(plan.outcomes):
        plan = _only(plan, new)
    if plan.decisions:
        await _decide(tx, plan)
    if plan.deliveries:
        await _deliver(tx, plan.deliveries)
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


async def _take_over(
    tx: Connection, outcomes: Sequence[Outcome], topic: str, positions: Mapping[tuple[int, int], int]
) -> set[UUID]:
    places = sorted(positions)
    rows = await tx.fetch(
        _TAKE_OVER,
        topic,
        [partition for partition, _ in places],
        [incarnation for _, incarnation in places],
        [positions[place] for place in places],
        [outcome.id for outcome in outcomes],
        [outcome.type for outcome in outcomes],
        [outcome.subject for outcome in outcomes],
        [outcome.occurred_at for outcome in outcomes],
        [outcome.signals.historical for outcome in outcomes],
        [outcome.partition for outcome in outcomes],
        [outcome.offset for outcome in outcomes],
    )
    return {row[0] for row in rows}


async def _decide(tx: Connection, plan: Plan) -> None:
    recipients = [decision.recipient.id for _, decision in plan.decisions]
    notices = plan.notices
    await tx.execute(
        _DECIDE,
        _distinct(recipients),
        [outcome.id for outcome, _ in plan.decisions],
        recipients,
        [decision.action.value for _, decision in plan.decisions],
        [decision.rule for _, decision in plan.decisions],
        [decision.reason for _, decision in plan.decisions],
        RULES_VERSION,
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


async def _deliver(tx: Connection, deliveries: Sequence[NewDelivery]) -> None:
    endpoints = _distinct(delivery.endpoint for delivery in deliveries)
    states = {row[0]: row[1] for row in await tx.fetch(_LOCK_LANES, endpoints)}
    deliveries = [delivery for delivery in deliveries if delivery.endpoint in states]
    await tx.execute(
        _DELIVER,
        [delivery.id for delivery in deliveries],
        [delivery.notice.id for delivery in deliveries],
        [delivery.endpoint for delivery in deliveries],
        [0 if delivery.notice.decision.urgent else 1 for delivery in deliveries],
        [states[delivery.endpoint] != "active" for delivery in deliveries],
        DUE_CHANNEL,
    )


def _distinct(values: Iterable[Row]) -> list[Row]:
    return list(dict.fromkeys(values))
