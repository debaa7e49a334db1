"""`/v1/compounds`: lists, one compound, its score on any day, its history."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter
from shared.runtime.auth import Principal
from shared.runtime.problems import FieldError, Problem

from scoring.api.asking import Asking, as_date, asked_day, not_found, relation_ids, visible
from scoring.api.documents import (
    CapBody,
    CompoundBody,
    CompoundDetailBody,
    CompoundsBody,
    EligibilityBody,
    HistoryBody,
    RegisteredBody,
    ScoreBody,
    StepBody,
)
from scoring.domain.eligibility import eligibility
from scoring.domain.registry import Registry
from scoring.domain.vetoes import Cap
from scoring.ports import Shown
from scoring.scores import DayScore, score_on
from scoring.store.views import ORDERS, Filter, Listed

PAGE_ROWS = 100
PAGE_ROWS_MAX = 1000


@get("/compounds", tags=["compounds"])
async def list_compounds(
    principal: NamedDependency[Principal],
    asking: NamedDependency[Asking],
    star: Annotated[
        list[int] | None, QueryParameter(description="Only these stars; may be repeated.")
    ] = None,
    company: FromQuery[str | None] = None,
    community: FromQuery[str | None] = None,
    station: FromQuery[str | None] = None,
    name: Annotated[
        str | None, QueryParameter(description="Part of the name, or the id.", max_length=100)
    ] = None,
    sort: Annotated[str, QueryParameter(description=" · ".join(ORDERS))] = "id",
    limit: Annotated[int, QueryParameter(ge=1, le=PAGE_ROWS_MAX)] = PAGE_ROWS,
    after: Annotated[str | None, QueryParameter(description="`next` of the page before.")] = None,
) -> CompoundsBody:
    """The compounds within the caller's scope, a page at a time."""
    if sort not in ORDERS:
        raise Problem(422, "unknown_order", errors=[FieldError("sort", "unknown_value")])
    offset = _offset(after)
    wanted = Filter(None if star is None else tuple(star), company, community, station, name)
    listed, total = await asking.views.compounds(
        principal.scope, wanted, order=sort, offset=offset, limit=limit
    )
    more = offset + len(listed) < total
    return CompoundsBody(
        items=[CompoundBody(**_compound(one)) for one in listed],
        total=total,
        next=str(offset + len(listed)) if more and listed else None,
    )


@get("/compounds/{compound:str}", tags=["compounds"])
async def read_compound(
    principal: NamedDependency[Principal], asking: NamedDependency[Asking], compound: FromPath[str]
) -> CompoundDetailBody:
    """One compound: what it shows now, and what the registry says of it."""
    listed = await visible(asking, principal, compound)
    registry = await asking.views.registry(compound)
    if registry is None:
        not_found()
    return CompoundDetailBody(
        **_compound(listed), items=dict(listed.shown.items), registered=_registered(asking, registry)
    )


@get("/compounds/{compound:str}/score", tags=["compounds"])
async def read_score(
    principal: NamedDependency[Principal],
    asking: NamedDependency[Asking],
    compound: FromPath[str],
    day: FromQuery[date | None] = None,
) -> ScoreBody:
    """The score of a day: as it closed, as it stands, or as it would come from what is known."""
    listed = await visible(asking, principal, compound)
    wanted = asked_day(asking, day)
    if listed.day.toordinal() == wanted == asking.open_day():
        return _of_state(asking, listed)
    compounded = await asking.views.compounded(compound)
    if compounded is None:
        not_found()
    found = score_on(compound, compounded, asking.rubric, wanted, asking.open_day())
    return score_body(asking, compound, found)


@get("/compounds/{compound:str}/history", tags=["compounds"])
async def read_history(
    principal: NamedDependency[Principal],
    asking: NamedDependency[Asking],
    compound: FromPath[str],
    first: Annotated[
        date | None, QueryParameter(name="from", description="A year before `to` by default.")
    ] = None,
    last: Annotated[
        date | None, QueryParameter(name="to", description="The last closed day by default.")
    ] = None,
) -> HistoryBody:
    """The closed days between two days, as steps."""
    listed = await visible(asking, principal, compound)
    closed = await asking.views.closed_day(listed.partition)
    until = last or as_date(closed) or listed.day
    since = first or date.fromordinal(max(1, until.toordinal() - 365))
    steps = await asking.views.history(compound, since, until)
    return HistoryBody(
        compound=compound,
        rubric=asking.rubric.name,
        first_day=since,
        last_day=until,
        closed_day=as_date(closed),
        steps=[
            StepBody(
                day=date.fromordinal(step.day),
                score_milli=step.score_milli,
                star=step.star,
                dynamic_star=step.dynamic_star,
                items=dict(step.items),
                bonus_milli=step.bonus_milli,
                caps=_caps(step.caps),
            )
            for step in steps
        ],
    )


def score_body(asking: Asking, compound: str, found: DayScore) -> ScoreBody:
    """The answer for a computed day."""
    standing = found.standing
    return ScoreBody(
        compound=compound,
        day=date.fromordinal(standing.day),
        closed=found.closed,
        rubric=asking.rubric.name,
        score_milli=standing.score_milli,
        star=standing.star,
        dynamic_star=standing.dynamic_star,
        categories=dict(standing.categories),
        items=dict(standing.items),
        bonus_milli=standing.bonus_milli,
        unverified=list(standing.unverified),
        caps=_caps(standing.caps),
        version=found.version,
    )


def _of_state(asking: Asking, listed: Listed) -> ScoreBody:
    shown = listed.shown
    return ScoreBody(
        compound=listed.compound,
        day=listed.day,
        closed=False,
        rubric=asking.rubric.name,
        score_milli=shown.score_milli,
        star=shown.star,
        dynamic_star=shown.dynamic_star,
        categories=dict(shown.categories),
        items=dict(shown.items),
        bonus_milli=shown.bonus_milli,
        unverified=list(shown.unverified),
        caps=_shown_caps(shown),
        version=listed.version,
    )


def _compound(listed: Listed) -> dict[str, Any]:
    shown: Shown = listed.shown
    return {
        "id": listed.compound,
        "name": listed.name,
        "day": listed.day,
        "score_milli": shown.score_milli,
        "star": shown.star,
        "dynamic_star": shown.dynamic_star,
        "rated": shown.rated,
        "enrolled": shown.enrolled,
        "categories": dict(shown.categories),
        "bonus_milli": shown.bonus_milli,
        "unverified": list(shown.unverified),
        "caps": _shown_caps(shown),
        "warning": shown.marks.warning,
        "overdue_hazards": list(shown.marks.overdue),
        "company_id": listed.company_id,
        "community_id": listed.community_id,
        "station_id": listed.station_id,
        "next_change_day": listed.next_change_day,
        "version": listed.version,
        "changed_at": listed.changed_at,
    }


def _registered(asking: Asking, registry: Registry) -> RegisteredBody:
    today = asking.open_day()
    revision = registry.in_force(today)
    assert revision is not None
    company = registry.company_in_force(today)
    judged = eligibility(asking.rubric.eligibility, registry, today)
    return RegisteredBody(
        households=revision.households,
        occupied_households=revision.occupied_households,
        buildings=revision.buildings,
        enclosed=revision.enclosed,
        enrolled_on=as_date(revision.enrolled_on),
        withdrawn_on=as_date(revision.withdrawn_on),
        company_name=None if company is None else company.name,
        eligibility=EligibilityBody(list(judged.failed), list(judged.unknown)),
        **relation_ids(revision),
    )


def _shown_caps(shown: Shown) -> list[CapBody]:
    return [CapBody(veto, cap) for veto, cap, _ in shown.caps]


def _caps(caps: tuple[Cap, ...]) -> list[CapBody]:
    return [CapBody(cap.veto, cap.cap) for cap in caps]


def _offset(after: str | None) -> int:
    if after is None:
        return 0
    if not after.isdecimal() or len(after) > 9:
        raise Problem(422, "unknown_page", errors=[FieldError("after", "unknown_value")])
    return int(after)
