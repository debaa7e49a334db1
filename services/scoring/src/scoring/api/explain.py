"""`/v1/compounds/{id}/explain`: why the score is what it is, when it changes, what could be done."""

from __future__ import annotations

from datetime import date

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from shared.runtime.auth import Principal

from scoring.api.asking import Asking, as_date, asked_day, not_found, visible
from scoring.api.compounds import score_body
from scoring.api.documents import EligibilityBody, ScoreBody
from scoring.domain.costs import Cost
from scoring.domain.distance import Distance
from scoring.domain.explain import Explanation, explain
from scoring.domain.facts import NEVER
from scoring.scores import DayScore, score_on


class CostBody(msgspec.Struct, frozen=True, kw_only=True):
    """Points that something costs an item, or gains as bonus; `root` is the fact behind it.

    From `lighter_on` it costs `lighter_milli`, from `ends_on` nothing; null where no day is known.
    """

    kind: str
    root: str | None
    day: date | None
    subject: str
    reason: str
    points_milli: int
    lighter_on: date | None
    lighter_milli: int | None
    ends_on: date | None


class ItemBody(msgspec.Struct, frozen=True, kw_only=True):
    """The points of an item out of `full_milli`, and what costs the others, the heaviest first."""

    code: str
    name: str
    points_milli: int
    full_milli: int
    unverified: bool
    costs: list[CostBody]


class DistanceBody(msgspec.Struct, frozen=True, kw_only=True):
    """How far another star is: points that are missing or to spare, and days until the star moves then.

    `capped`: the score would do, but a weak category or missing evidence holds the star.
    """

    star: int
    score_milli: int
    points_milli: int
    run: int
    days: int
    capped: bool


class ActionBody(msgspec.Struct, frozen=True, kw_only=True):
    """Something that could be done, and what the score would gain."""

    item: str
    idea: str
    subject: str
    gain_milli: int


class IgnoredBody(msgspec.Struct, frozen=True, kw_only=True):
    """A check that loses nothing because no rule judges it, and the inspection in which it stands."""

    root: str
    day: date
    item: str
    checkpoint: str


class ExplanationBody(msgspec.Struct, frozen=True, kw_only=True):
    """A score with everything behind it."""

    score: ScoreBody
    items: list[ItemBody]
    bonus: list[CostBody]
    up: DistanceBody | None
    down: DistanceBody | None
    actions: list[ActionBody]
    ignored: list[IgnoredBody]
    eligibility: EligibilityBody
    next_change_day: date | None


@get("/compounds/{compound:str}/explain", tags=["compounds"])
async def read_explanation(
    principal: NamedDependency[Principal],
    asking: NamedDependency[Asking],
    compound: FromPath[str],
    day: FromQuery[date | None] = None,
) -> ExplanationBody:
    """Why the score of a day is what it is: item by item, fact by fact, and when points return."""
    await visible(asking, principal, compound)
    found = await explanation_of(asking, compound, asked_day(asking, day))
    if found is None:
        not_found()
    return found


async def explanation_of(asking: Asking, compound: str, day: int) -> ExplanationBody | None:
    """The explanation of a day; None for a compound that was never registered."""
    compounded = await asking.views.compounded(compound)
    if compounded is None:
        return None
    scored = score_on(compound, compounded, asking.rubric, day, asking.open_day())
    return _body(asking, compound, scored, explain(scored.book, day))


def _body(asking: Asking, compound: str, scored: DayScore, found: Explanation) -> ExplanationBody:
    eligible = found.standing.eligibility
    return ExplanationBody(
        score=score_body(asking, compound, scored),
        items=[
            ItemBody(
                code=item.code,
                name=item.name,
                points_milli=item.points_milli,
                full_milli=item.full_milli,
                unverified=item.unverified,
                costs=[_cost(cost) for cost in item.costs],
            )
            for item in found.items
        ],
        bonus=[_cost(cost) for cost in found.bonus],
        up=_distance(found.up),
        down=_distance(found.down),
        actions=[
            ActionBody(item=one.item, idea=one.idea, subject=one.subject, gain_milli=one.gain_milli)
            for one in found.actions
        ],
        ignored=[
            IgnoredBody(
                root=one.root, day=date.fromordinal(one.day), item=one.item, checkpoint=one.checkpoint
            )
            for one in found.ignored
        ],
        eligibility=EligibilityBody(list(eligible.failed), list(eligible.unknown)),
        next_change_day=None if found.next_change_day >= NEVER else as_date(found.next_change_day),
    )


def _cost(cost: Cost) -> CostBody:
    return CostBody(
        kind=cost.kind,
        root=cost.root or None,
        day=as_date(cost.day),
        subject=cost.subject,
        reason=cost.reason,
        points_milli=cost.points_milli,
        lighter_on=as_date(cost.lighter_on),
        lighter_milli=cost.lighter_milli,
        ends_on=as_date(cost.ends_on),
    )


def _distance(distance: Distance | None) -> DistanceBody | None:
    if distance is None:
        return None
    return DistanceBody(
        star=distance.star,
        score_milli=distance.score_milli,
        points_milli=distance.points_milli,
        run=distance.run,
        days=distance.days,
        capped=distance.capped,
    )
