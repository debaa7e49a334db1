"""`/v1/notices`: the inbox of a recipient."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from shared.runtime.auth import Principal
from shared.runtime.problems import Problem

from notify.api.access import may_touch, visible
from notify.api.pages import Limit, Page, page_of
from notify.letters import NoticeBody as Words
from notify.store.reading import Reader, Rows


class InboxBody(msgspec.Struct, frozen=True, kw_only=True):
    """One notice; `payload` is what a webhook receives, only in the answer about a single notice."""

    id: str
    outcome_id: str
    type: str
    subject: str
    recipient: str
    title: str
    text: str
    mandatory: bool
    historical: bool
    occurred_at: datetime
    created_at: datetime
    seen_at: datetime | None
    seen_by: str | None
    confirmed_at: datetime | None
    confirmed_by: str | None
    payload: msgspec.Raw | None = None


class _Data(msgspec.Struct):
    notice: Words


class _Payload(msgspec.Struct):
    data: _Data


_WORDS = msgspec.json.Decoder(_Payload)


@get("/notices", tags=["notices"])
async def list_notices(
    principal: NamedDependency[Principal],
    reader: NamedDependency[Reader],
    recipient: FromQuery[str | None] = None,
    outcome: FromQuery[UUID | None] = None,
    unseen: FromQuery[bool] = False,
    before: FromQuery[UUID | None] = None,
    limit: Limit = 50,
) -> Page[InboxBody]:
    """Notices, newest first."""
    bodies = _bodies(
        await reader.notices(
            visible(principal, recipient), unseen=unseen, outcome=outcome, before=before, limit=limit
        )
    )
    return page_of(bodies, [body.id for body in bodies], limit)


@get("/notices/{notice:uuid}", tags=["notices"])
async def read_notice(
    notice: FromPath[UUID], principal: NamedDependency[Principal], reader: NamedDependency[Reader]
) -> InboxBody:
    """One notice with all that it says."""
    rows = await _own(notice, principal, reader)
    return msgspec.structs.replace(_bodies(rows)[0], payload=msgspec.Raw(rows[0]["payload"]))


@post("/notices/{notice:uuid}/seen", tags=["notices"], status_code=200)
async def mark_seen(
    notice: FromPath[UUID], principal: NamedDependency[Principal], reader: NamedDependency[Reader]
) -> InboxBody:
    """Note that it was seen; the first time counts."""
    await _own(notice, principal, reader)
    await reader.mark(notice, principal.actor_id, confirmed=False)
    return _bodies(await _own(notice, principal, reader))[0]


@post("/notices/{notice:uuid}/confirmed", tags=["notices"], status_code=200)
async def mark_confirmed(
    notice: FromPath[UUID], principal: NamedDependency[Principal], reader: NamedDependency[Reader]
) -> InboxBody:
    """Note that somebody takes care of it; it is seen then, too."""
    await _own(notice, principal, reader)
    await reader.mark(notice, principal.actor_id, confirmed=True)
    return _bodies(await _own(notice, principal, reader))[0]


async def _own(notice: UUID, principal: Principal, reader: Reader) -> Rows:
    rows = await reader.notices(None, notice=notice)
    if not rows:
        raise Problem(404, "unknown_notice")
    may_touch(principal, rows[0]["recipient_id"])
    return rows


def _bodies(rows: Rows) -> list[InboxBody]:
    bodies = []
    for row in rows:
        words = _WORDS.decode(row["payload"]).data.notice
        bodies.append(
            InboxBody(
                id=str(row["id"]),
                outcome_id=str(row["outcome_id"]),
                type=row["outcome_type"],
                subject=row["subject"],
                recipient=row["recipient_id"],
                title=words.title,
                text=words.text,
                mandatory=row["mandatory"],
                historical=row["historical"],
                occurred_at=row["occurred_at"],
                created_at=row["created_at"],
                seen_at=row["seen_at"],
                seen_by=row["seen_by"],
                confirmed_at=row["confirmed_at"],
                confirmed_by=row["confirmed_by"],
            )
        )
    return bodies
