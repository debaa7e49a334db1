"""`/v1/recipients`: who can be told."""

from __future__ import annotations

from datetime import datetime

import msgspec
from litestar import get, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from shared.runtime.auth import Principal
from shared.runtime.problems import Problem

from notify.api.access import may_touch, parse_recipient, visible
from notify.api.pages import Limit, Page, page_of
from notify.store.managing import Manager
from notify.store.reading import Reader, Rows
from notify.store.registry import RegistryStore


class RecipientBody(msgspec.Struct, frozen=True):
    """One recipient; its name is that of the registry today."""

    id: str
    kind: str
    organisation: str
    name: str
    created_at: datetime


@get("/recipients", tags=["recipients"])
async def list_recipients(
    principal: NamedDependency[Principal],
    reader: NamedDependency[Reader],
    register: NamedDependency[RegistryStore],
    kind: FromQuery[str | None] = None,
    after: FromQuery[str | None] = None,
    limit: Limit = 50,
) -> Page[RecipientBody]:
    """Recipients in order of their id. They come into being with the first outcome that concerns them."""
    bodies = await _bodies(await reader.recipients(visible(principal, None), kind, after, limit), register)
    return page_of(bodies, [body.id for body in bodies], limit)


@get("/recipients/{recipient:str}", tags=["recipients"])
async def read_recipient(
    recipient: FromPath[str],
    principal: NamedDependency[Principal],
    reader: NamedDependency[Reader],
    register: NamedDependency[RegistryStore],
) -> RecipientBody:
    """One recipient."""
    may_touch(principal, recipient)
    bodies = await _bodies(await reader.recipients([recipient], None, None, 1), register)
    if not bodies:
        raise Problem(404, "unknown_recipient")
    return bodies[0]


@put("/recipients/{recipient:str}", tags=["recipients"], status_code=200)
async def put_recipient(
    recipient: FromPath[str],
    principal: NamedDependency[Principal],
    reader: NamedDependency[Reader],
    manager: NamedDependency[Manager],
    register: NamedDependency[RegistryStore],
) -> RecipientBody:
    """Make a recipient known before its first outcome; a second time changes nothing."""
    parsed = parse_recipient(recipient, "recipient")
    may_touch(principal, parsed.id)
    await manager.add_recipient(parsed)
    return (await _bodies(await reader.recipients([parsed.id], None, None, 1), register))[0]


async def _bodies(rows: Rows, register: RegistryStore) -> list[RecipientBody]:
    names = await register.names({(row["kind"], row["organisation_id"]) for row in rows}) if rows else {}
    return [
        RecipientBody(
            row["id"],
            row["kind"],
            row["organisation_id"],
            names.get((row["kind"], row["organisation_id"]), row["organisation_id"]),
            row["created_at"],
        )
        for row in rows
    ]
