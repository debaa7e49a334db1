"""Rubrics, names and progress."""

from __future__ import annotations

from datetime import date

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from shared.runtime.auth import Principal
from shared.runtime.log_ends import LogEnds

from scoring.api.asking import Asking
from scoring.api.documents import (
    OrganisationBody,
    OrganisationsBody,
    PartitionBody,
    ProgressBody,
    RubricBody,
    RubricsBody,
)
from scoring.domain.rubric import parse


@get("/rubrics", tags=["rubrics"])
async def list_rubrics(principal: NamedDependency[Principal], asking: NamedDependency[Asking]) -> RubricsBody:
    """All rubrics and the one that scores."""
    del principal  # any key will do: rules are public
    rubrics = []
    for name, digest, body, added_at in await asking.views.rubrics():
        rubric = parse(body)
        rubrics.append(
            RubricBody(
                name=name,
                title=rubric.title,
                hash=digest.hex(),
                active=name == asking.rubric.name,
                added_at=added_at,
                full_milli=rubric.full_milli,
                items={code: item.points_milli for code, item in rubric.items.items()},
            )
        )
    return RubricsBody(rubrics)


@get("/organisations", tags=["registry"])
async def list_organisations(
    principal: NamedDependency[Principal], asking: NamedDependency[Asking], kind: FromQuery[str | None] = None
) -> OrganisationsBody:
    """Names of companies and organisations as they are today."""
    del principal  # any key will do: names of organisations are public
    rows = await asking.views.organisations(kind, date.fromordinal(asking.open_day()))
    return OrganisationsBody(
        [
            OrganisationBody(kind=row["kind"], id=row["id"], name=row["name"], parent_id=row["parent"])
            for row in rows
        ]
    )


@get("/progress", tags=["operations"])
async def read_progress(
    principal: NamedDependency[Principal], asking: NamedDependency[Asking], log_ends: NamedDependency[LogEnds]
) -> ProgressBody:
    """How far every partition is read and scored: wait for it, and what was posted before counts."""
    del principal  # any key will do: figures name nobody
    ends = await log_ends.read()
    cursors = await asking.views.cursors(sorted({place.topic for place in ends}))
    # Work and outbox follow the partitions of facts; the registry has none of its own.
    outbox, pending = await asking.views.open_work()
    facts = asking.facts_topic
    return ProgressBody(
        [
            PartitionBody(
                topic=place.topic,
                partition=place.partition,
                cursor=cursors.get(place, 0),
                end=end,
                outbox=outbox.get(place.partition, 0) if place.topic == facts else 0,
                pending=pending.get(place.partition, 0) if place.topic == facts else 0,
            )
            for place, end in sorted(ends.items())
        ]
    )
