"""`/v1/deliveries` and `/v1/decisions`: what was done, tried and decided, and why."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter
from shared.runtime.auth import Principal
from shared.runtime.problems import Problem

from notify.api.access import invalid, may_touch, sees_all, visible
from notify.api.pages import Limit, Page, page_of
from notify.store.reading import Reader, Rows

DeliveryState = Literal["due", "delivered", "abandoned", "parked"]


class AttemptBody(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt; without an end nobody knows whether the receiver got it.

    `accepted` false: it ended after its lane had gone to another worker. `address` only for operators.
    """

    attempt: int
    started_at: datetime
    ended_at: datetime | None
    verdict: str | None
    cause: str | None
    status: int | None
    seconds: float | None
    response: str | None
    accepted: bool | None
    address: str | None = None


class DeliveryBody(msgspec.Struct, frozen=True, kw_only=True):
    """One notice on one endpoint; its id is the `webhook-id`."""

    id: str
    notice_id: str
    outcome_id: str
    type: str
    endpoint: str
    recipient: str
    channel: str
    state: DeliveryState
    attempts: int
    cause: str | None
    created_at: datetime
    finished_at: datetime | None
    next_attempt_at: datetime | None
    history: list[AttemptBody] | None = None


class DecisionBody(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided about one outcome for one recipient, by which rule."""

    outcome_id: str
    type: str | None
    subject: str | None
    recipient: str
    action: str
    rule: str
    rule_version: str
    reason: str | None
    decided_at: datetime


@get("/deliveries", tags=["deliveries"])
async def list_deliveries(
    principal: NamedDependency[Principal],
    reader: NamedDependency[Reader],
    recipient: FromQuery[str | None] = None,
    notice: FromQuery[UUID | None] = None,
    endpoint: FromQuery[UUID | None] = None,
    delivery_state: Annotated[DeliveryState | None, QueryParameter(name="state")] = None,
    before: FromQuery[UUID | None] = None,
    limit: Limit = 50,
) -> Page[DeliveryBody]:
    """Deliveries, newest first."""
    bodies = _bodies(
        await reader.deliveries(
            visible(principal, recipient),
            notice=notice,
            endpoint=endpoint,
            state=delivery_state,
            before=before,
            limit=limit,
        )
    )
    return page_of(bodies, [body.id for body in bodies], limit)


@get("/deliveries/{delivery:uuid}", tags=["deliveries"])
async def read_delivery(
    delivery: FromPath[UUID], principal: NamedDependency[Principal], reader: NamedDependency[Reader]
) -> DeliveryBody:
    """One delivery with every attempt."""
    bodies = _bodies(await reader.deliveries(None, delivery=delivery))
    if not bodies:
        raise Problem(404, "unknown_delivery")
    may_touch(principal, bodies[0].recipient)
    # Where a name led to is ours to know: told to its owner, it would be a way to look into our network.
    history = _attempts(await reader.attempts(delivery), addresses=sees_all(principal))
    return msgspec.structs.replace(bodies[0], history=history)


@get("/decisions", tags=["decisions"])
async def list_decisions(
    principal: NamedDependency[Principal],
    reader: NamedDependency[Reader],
    outcome: FromQuery[UUID | None] = None,
    recipient: FromQuery[str | None] = None,
    before: FromQuery[str | None] = None,
    limit: Limit = 50,
) -> Page[DecisionBody]:
    """Why somebody was told, or not: by outcome, by recipient, or both; newest first."""
    rows = await reader.decisions(visible(principal, recipient), outcome, _place(before), limit)
    bodies = [
        DecisionBody(
            outcome_id=str(row["outcome_id"]),
            type=row["outcome_type"],
            subject=row["subject"],
            recipient=row["recipient_id"],
            action=row["action"],
            rule=row["rule"],
            rule_version=row["rule_version"],
            reason=row["reason"],
            decided_at=row["decided_at"],
        )
        for row in rows
    ]
    return page_of(bodies, [f"{body.outcome_id}/{body.recipient}" for body in bodies], limit)


def _place(before: str | None) -> tuple[UUID, str] | None:
    if before is None:
        return None
    outcome, _, recipient = before.partition("/")
    try:
        return UUID(outcome), recipient
    except ValueError:
        raise invalid("before", "format", "Send back what `next` was.") from None


def _bodies(rows: Rows) -> list[DeliveryBody]:
    return [
        DeliveryBody(
            id=str(row["id"]),
            notice_id=str(row["notice_id"]),
            outcome_id=str(row["outcome_id"]),
            type=row["outcome_type"],
            endpoint=str(row["endpoint_id"]),
            recipient=row["recipient_id"],
            channel=row["channel"],
            state=row["state"],
            attempts=row["attempts"],
            cause=row["cause"],
            created_at=row["created_at"],
            finished_at=row["finished_at"],
            next_attempt_at=row["next_attempt_at"],
        )
        for row in rows
    ]


def _attempts(rows: Rows, *, addresses: bool) -> list[AttemptBody]:
    return [
        AttemptBody(
            attempt=row["attempt"],
            started_at=row["started_at"],
            ended_at=row["ended_at"],
            verdict=row["verdict"],
            cause=row["cause"],
            status=row["status"],
            seconds=row["seconds"],
            response=row["response"],
            accepted=row["accepted"],
            address=row["address"] if addresses else None,
        )
        for row in rows
    ]
