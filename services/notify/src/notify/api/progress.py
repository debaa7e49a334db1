"""`/v1/progress`: what is still to be done, so that a client can wait until everybody has been told."""

from __future__ import annotations

import msgspec
from litestar import get
from litestar.di import NamedDependency
from shared.runtime.auth import Principal
from shared.runtime.log_ends import LogEnds

from notify.store.reading import Reader


class PartitionBody(msgspec.Struct, frozen=True):
    """How far one partition is taken over: done when `cursor` has reached `end`."""

    topic: str
    partition: int
    cursor: int
    end: int


class ProgressBody(msgspec.Struct, frozen=True, kw_only=True):
    """Open work of the whole service, whichever process does it.

    `due` deliveries may be tried now, `in_flight` are those of them on lanes that a worker holds; `waiting`
    ones wait for a retry, `parked` ones for a release; `outbox` counts announcements not published yet.
    """

    partitions: list[PartitionBody]
    due: int
    in_flight: int
    waiting: int
    parked: int
    outbox: int
    oldest_due_seconds: float


@get("/progress", tags=["operations"])
async def read_progress(
    principal: NamedDependency[Principal], reader: NamedDependency[Reader], log_ends: NamedDependency[LogEnds]
) -> ProgressBody:
    """Everybody has been told when each cursor is at its end and nothing is due or waiting."""
    del principal  # any key will do: figures name nobody
    ends = await log_ends.read()
    cursors = await reader.cursors()
    partitions = [
        PartitionBody(place.topic, place.partition, cursors.get(place, 0), end)
        for place, end in sorted(ends.items())
    ]
    return ProgressBody(partitions=partitions, **await reader.work())
