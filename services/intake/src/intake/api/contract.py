"""What a sender may ask about the contract itself: the time, the types and their schemas."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Annotated, Any

import msgspec
from litestar import Response, get
from litestar.params import Dependency
from shared.events.catalogue import CATALOGUE, Family
from shared.events.schemas import schema_of
from shared.runtime.clock import Clock
from shared.runtime.problems import Problem

SCHEMA_TYPE = "application/schema+json"
FAMILIES = (Family.FACT, Family.REGISTRY, Family.ACCESS)


class TimeBody(msgspec.Struct):
    """The server's clock, for devices that have none they trust."""

    time: datetime


class SchemasBody(msgspec.Struct):
    """The event types that come through the door."""

    types: list[str]


@get("/v1/time", tags=["contract"], summary="Time of the server")
async def read_time(clock: Annotated[Clock, Dependency(skip_validation=True)]) -> TimeBody:
    """The time by which events are judged."""
    return TimeBody(clock.now())


@get("/v1/schemas", tags=["contract"], summary="Event types")
async def list_schemas() -> SchemasBody:
    """Every event type that may be sent."""
    return SchemasBody([name for name, known in CATALOGUE.items() if known.family in FAMILIES])


@get("/v1/schemas/{name:str}", tags=["contract"], summary="JSON Schema of an event type")
async def read_schema(name: str) -> Response[bytes]:
    """The JSON Schema (draft 2020-12) of a whole event of that type."""
    if name not in CATALOGUE:
        raise Problem(404, "unknown_type", "No such event type.")
    return Response(_schema(name), media_type=SCHEMA_TYPE)


@cache
def _schema(name: str) -> bytes:
    schema: dict[str, Any] = schema_of(CATALOGUE[name])
    return msgspec.json.encode(schema)
