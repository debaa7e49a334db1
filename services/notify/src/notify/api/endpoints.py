"""`/v1/endpoints`: where recipients are reached, and how well that goes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from litestar import get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Meta
from shared.events.catalogue import CATALOGUE, Family
from shared.runtime.auth import Principal
from shared.runtime.problems import Problem

from notify.api.access import invalid, may_touch, parse_recipient, visible
from notify.api.pages import Limit, Page, page_of
from notify.channels.file import NAME as FILE_NAME
from notify.channels.guard import Guard
from notify.store.lanes import health_of
from notify.store.managing import Manager, NewEndpoint
from notify.store.reading import Reader, Rows

State = Literal["active", "disabled", "suspended"]
Target = Annotated[str, Meta(min_length=1, max_length=2_000)]
Types = Annotated[tuple[str, ...], Meta(min_length=1, max_length=100)]


class EndpointWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new endpoint. `target`: the URL of a webhook, or a file name ending in `.jsonl`.

    `types`: full names of the outcomes wanted there, all when left out; `rate_per_minute`: a limit.
    """

    recipient: Annotated[str, Meta(min_length=3, max_length=200)]
    channel: Literal["webhook", "file"]
    target: Target
    types: Types | None = None
    rate_per_minute: Annotated[int, Meta(ge=1, le=60_000)] | None = None


class EndpointChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`enabled` false: send nothing, park what waits; true: serve it again, also after a suspension."""

    enabled: bool


class HealthBody(msgspec.Struct, frozen=True):
    """How an endpoint has behaved; `failures` since its last success."""

    breaker: str
    open_until: datetime | None
    paused_until: datetime | None
    slow: bool
    failing_since: datetime | None
    failures: int
    due: int
    parked: int


class EndpointBody(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint; `secret` is there in the answer that creates it and never again."""

    id: str
    recipient: str
    channel: str
    target: str
    types: list[str] | None
    rate_per_minute: int | None
    state: State
    state_cause: str | None
    state_since: datetime
    created_at: datetime
    created_by: str
    health: HealthBody
    secret: str | None = None


class ReleasedBody(msgspec.Struct, frozen=True):
    """How many deliveries are due again."""

    released: int


@post("/endpoints", tags=["endpoints"])
async def create_endpoint(
    data: JSONBody[EndpointWish],
    principal: NamedDependency[Principal],
    reader: NamedDependency[Reader],
    manager: NamedDependency[Manager],
    guard: NamedDependency[Guard],
    plain_http: NamedDependency[bool],
) -> EndpointBody:
    """Add an endpoint. The secret of a webhook is shown here, once."""
    recipient = parse_recipient(data.recipient, "/recipient")
    may_touch(principal, recipient.id)
    _check_target(data, guard, plain_http=plain_http)
    _check_types(data.types)
    wish = NewEndpoint(recipient, data.channel, data.target, data.types, data.rate_per_minute)
    endpoint, secret = await manager.create(wish, principal.actor_id)
    body = _bodies(await reader.endpoints(None, endpoint, None, 1))[0]
    return msgspec.structs.replace(body, secret=secret)


@get("/endpoints", tags=["endpoints"])
async def list_endpoints(
    principal: NamedDependency[Principal],
    reader: NamedDependency[Reader],
    recipient: FromQuery[str | None] = None,
    after: FromQuery[UUID | None] = None,
    limit: Limit = 50,
) -> Page[EndpointBody]:
    """Endpoints with their health."""
    bodies = _bodies(await reader.endpoints(visible(principal, recipient), None, after, limit))
    return page_of(bodies, [body.id for body in bodies], limit)


@get("/endpoints/{endpoint:uuid}", tags=["endpoints"])
async def read_endpoint(
    endpoint: FromPath[UUID], principal: NamedDependency[Principal], reader: NamedDependency[Reader]
) -> EndpointBody:
    """One endpoint."""
    return await _own(endpoint, principal, reader)


@patch("/endpoints/{endpoint:uuid}", tags=["endpoints"])
async def change_endpoint(
    endpoint: FromPath[UUID],
    data: JSONBody[EndpointChange],
    principal: NamedDependency[Principal],
    reader: NamedDependency[Reader],
    manager: NamedDependency[Manager],
) -> EndpointBody:
    """Switch an endpoint off or on; what was parked meanwhile stays parked until it is released."""
    await _own(endpoint, principal, reader)
    if data.enabled:
        await manager.switch_on(endpoint)
    else:
        await manager.switch_off(endpoint, f"by {principal.actor_id}")
    return await _own(endpoint, principal, reader)


@post("/endpoints/{endpoint:uuid}/release", tags=["endpoints"], status_code=200)
async def release_parked(
    endpoint: FromPath[UUID],
    principal: NamedDependency[Principal],
    reader: NamedDependency[Reader],
    manager: NamedDependency[Manager],
) -> ReleasedBody:
    """Send what was parked; 409 while the endpoint is off or suspended."""
    if (await _own(endpoint, principal, reader)).state != "active":
        raise Problem(409, "not_active", "Switch the endpoint on before releasing what is parked for it.")
    return ReleasedBody(await manager.release(endpoint))


async def _own(endpoint: UUID, principal: Principal, reader: Reader) -> EndpointBody:
    bodies = _bodies(await reader.endpoints(None, endpoint, None, 1))
    if not bodies:
        raise Problem(404, "unknown_endpoint")
    may_touch(principal, bodies[0].recipient)
    return bodies[0]


def _bodies(rows: Rows) -> list[EndpointBody]:
    now = datetime.now(UTC)
    bodies = []
    for row in rows:
        health = health_of(row)
        bodies.append(
            EndpointBody(
                id=str(row["id"]),
                recipient=row["recipient_id"],
                channel=row["channel"],
                target=row["target"],
                types=row["types"],
                rate_per_minute=row["rate_per_minute"],
                state=row["state"],
                state_cause=row["state_cause"],
                state_since=row["state_since"],
                created_at=row["created_at"],
                created_by=row["created_by"],
                health=HealthBody(
                    health.breaker.state.value,
                    health.breaker.open_until,
                    health.paused_until,
                    health.is_slow(now),
                    health.failing_since,
                    health.failures,
                    row["due"],
                    row["parked"],
                ),
            )
        )
    return bodies


def _check_target(wish: EndpointWish, guard: Guard, *, plain_http: bool) -> None:
    if wish.channel == "file":
        if FILE_NAME.fullmatch(wish.target) is None:
            raise invalid("/target", "file_name", "A file is named without a path and ends in .jsonl.")
        return
    try:
        url = urlsplit(wish.target)
        host, port = url.hostname, url.port
    except ValueError:
        host, port = None, None
    if not host or url.scheme not in {"http", "https"} or port == 0 or not wish.target.isprintable():
        raise invalid("/target", "url", "A webhook needs an http or https URL.")
    if url.username is not None or url.password is not None or url.fragment:
        raise invalid("/target", "url", "The URL must have no user, password or fragment.")
    if url.scheme == "http" and not (plain_http or guard.is_own(host)):
        raise invalid("/target", "https", "Receivers outside our own networks need https.")


def _check_types(types: tuple[str, ...] | None) -> None:
    for index, name in enumerate(types or ()):
        event_type = CATALOGUE.get(name)
        if event_type is None or event_type.family is not Family.OUTCOME:
            raise invalid(f"/types/{index}", "unknown_type", "No outcome has this type.")
