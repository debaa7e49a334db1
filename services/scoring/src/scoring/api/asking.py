"""What several routes ask in the same way: is this compound known, and may the caller see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import NoReturn

from shared.runtime.auth import Principal, Scope
from shared.runtime.problems import FieldError, Problem

from scoring.domain.facts import Day
from scoring.domain.registry import CompoundRevision
from scoring.domain.rubric_sections import Rubric
from scoring.store.views import Listed, Views

# Folding a day ahead costs a step a day; nobody plans further.
AHEAD_DAYS_MAX = 730


@dataclass(frozen=True, slots=True)
class Asking:
    """What the routes need: the stored answers, the rubric that scores, and the open day."""

    views: Views
    rubric: Rubric
    open_day: Callable[[], Day]
    facts_topic: str


async def visible(asking: Asking, principal: Principal, compound: str) -> Listed:
    """The compound; 404 when it is unknown, 403 when it is not for this caller."""
    listed = await asking.views.compound(compound)
    if listed is None:
        not_found()
    if not sees(principal.scope, listed.compound, listed.community_id, listed.station_id):
        raise Problem(403, "forbidden", "The key does not reach this compound.")
    return listed


def not_found() -> NoReturn:
    """404."""
    raise Problem(404, "not_found", "No compound of that id is scored.")


def sees(scope: Scope, compound: str, community: str, station: str) -> bool:
    """Whether a scope reaches a compound."""
    return (
        scope.everything
        or compound in scope.compounds
        or community in scope.communities
        or station in scope.stations
    )


def asked_day(asking: Asking, day: date | None) -> Day:
    """The ordinal of the day asked for, the open one when none was; 422 when it lies too far ahead."""
    open_day = asking.open_day()
    if day is None:
        return open_day
    if day.toordinal() > open_day + AHEAD_DAYS_MAX:
        raise Problem(422, "day_too_far", "Two years ahead at most.", errors=[FieldError("day", "range")])
    return day.toordinal()


def as_date(day: Day | None) -> date | None:
    """An ordinal day as a date."""
    return None if day is None else date.fromordinal(day)


def relation_ids(revision: CompoundRevision) -> dict[str, str | None]:
    """The organisations of a compound beside company, community and station."""
    return {
        "committee_id": revision.committee_id,
        "developer_id": revision.developer_id,
        "street_id": revision.street_id,
    }
