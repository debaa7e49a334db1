"""What a sender may ask about the contract itself: the time, the types and their schemas."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from hashlib import sha256
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get
from litestar.openapi import ResponseSpec
from litestar.params import Dependency, Parameter
from shared.events.catalogue import CATALOGUE
from shared.events.schemas import schema_of
from shared.runtime.clock import Clock
from shared.runtime.problems import Problem, ProblemDocument

from intake.api.event_schemas import SENT

SCHEMA_TYPE = "application/schema+json"
# A schema of a version only ever gains what is optional: an hour late is early enough.
CACHE_SECONDS = 3_600
_UNCHANGED = ResponseSpec(None, generate_examples=False, description="What If-None-Match names is still so")
_UNKNOWN = ResponseSpec(ProblemDocument, generate_examples=False, description="No such event type")
AnyRequest = Request[Any, Any, Any]
TypeName = Annotated[str, Parameter(description="a full name", schema_extra={"enum": sorted(CATALOGUE)})]


class TimeBody(msgspec.Struct):
    """The server's clock, for devices that have none they trust."""

    time: datetime


class SchemasBody(msgspec.Struct):
    """The event types that come through the door."""

    types: list[str]


@get("/v1/time", tags=["contract"], summary="Time of the server")
async def read_time(clock: Annotated[Clock, Dependency(skip_validation=True)]) -> Response[TimeBody]:
    """The time by which events are judged; it is never cached."""
    return Response(TimeBody(clock.now()), headers={"Cache-Control": "no-store"})


@get("/v1/schemas", tags=["contract"], summary="Event types", responses={304: _UNCHANGED})
async def list_schemas(request: AnyRequest) -> Response[SchemasBody | bytes]:
    """Every event type that may be sent."""
    return _cached(request, msgspec.json.encode(SchemasBody(list(SENT))), "application/json")


@get(
    "/v1/schemas/{name:str}",
    tags=["contract"],
    summary="JSON Schema of an event type",
    media_type=SCHEMA_TYPE,
    responses={304: _UNCHANGED, 404: _UNKNOWN},
)
async def read_schema(request: AnyRequest, name: TypeName) -> Response[dict[str, Any] | bytes]:
    """The JSON Schema (draft 2020-12) of a whole event of that type, also of those that only services say."""
    if name not in CATALOGUE:
        raise Problem(404, "unknown_type", "No such event type.")
    return _cached(request, _schema(name), SCHEMA_TYPE)


def _cached(request: AnyRequest, body: bytes, media_type: str) -> Response[Any]:
    """The body with its entity tag, or 304 for who has it already (RFC 9110, weak comparison)."""
    tag = _tag(body)
    headers = {
        "ETag": tag,
        "Cache-Control": f"private, max-age={CACHE_SECONDS}",
    }
    known = {part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")}
    if known & {tag, "*"}:
        return Response(None, status_code=304, headers=headers)
    return Response(body, media_type=media_type, headers=headers)


@cache
def _tag(body: bytes) -> str:
    return f'"{sha256(body).hexdigest()[:32]}"'


@cache
def _schema(name: str) -> bytes:
    return msgspec.json.encode(schema_of(CATALOGUE[name]))
