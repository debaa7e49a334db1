"""`/v1/statistics`: a year against the one before, shares with their bases, compounds without a case."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter
from shared.runtime.auth import Principal
from shared.runtime.problems import FieldError, Problem

from scoring.api.asking import Asking
from scoring.domain.statistics import PERIOD_DAYS, Counted, Part, Period
from scoring.store.statistics import Asked, Figures, Found

LISTED = 1_000
LISTED_MAX = 10_000


class FigureBody(msgspec.Struct, frozen=True, kw_only=True):
    """How many in the period and in the 365 days before it.

    `change_permyriad`: per ten thousand of what was before, -1262 is −12.62 %; null where there was nothing.
    """

    title: str
    count: int
    count_before: int
    change_permyriad: int | None


class ShareBody(msgspec.Struct, frozen=True, kw_only=True):
    """A figure as a share of its base, which is the figure `of`; 1502 per ten thousand is 15.02 %."""

    title: str
    of: str
    of_title: str
    count: int
    of_count: int
    share_permyriad: int | None
    share_permyriad_before: int | None


class NamedBody(msgspec.Struct, frozen=True):
    """A compound by id and name."""

    id: str
    name: str


class UntouchedBody(msgspec.Struct, frozen=True, kw_only=True):
    """Enrolled compounds without a criminal case in the period: how many, and the first `listed` of them."""

    count: int
    compounds: list[NamedBody]


class StatisticsBody(msgspec.Struct, frozen=True, kw_only=True):
    """Calls to the police from the compounds enrolled on `last_day`: in both years the same compounds.

    A call counts as its latest revision says, unless that is withdrawn, invalid, or outside the compound. It
    counts although its compound was not enrolled on the day of the call, which no score does: otherwise every
    compound that joins would look like a rise. Calls of compounds that are unknown, or not enrolled on
    `last_day`, count nowhere. `compounds_joined` were enrolled within the days compared, so that calls from
    before may never have been reported. Cases are calls filed, accepted or solved.
    """

    first_day: date
    last_day: date
    first_day_before: date
    last_day_before: date
    compounds: int
    compounds_joined: int
    figures: dict[str, FigureBody]
    shares: dict[str, ShareBody]
    without_criminal_case: UntouchedBody


@get("/statistics", tags=["statistics"])
async def read_statistics(
    principal: NamedDependency[Principal],
    asking: NamedDependency[Asking],
    figures: NamedDependency[Figures],
    station: FromQuery[str | None] = None,
    community: FromQuery[str | None] = None,
    company: FromQuery[str | None] = None,
    last: Annotated[
        date | None,
        QueryParameter(name="to", description="Last of 365 days, the day before the open one by default."),
    ] = None,
    listed: Annotated[
        int, QueryParameter(ge=0, le=LISTED_MAX, description="Compounds named at most in a list.")
    ] = LISTED,
) -> StatisticsBody:
    """Year on year, shares and compounds without a criminal case, within the caller's scope.

    `station`, `community` and `company` are those that compounds had on `to`. Whole numbers, counted from the
    facts at the moment of the question.
    """
    open_day = asking.open_day()
    day = open_day - 1 if last is None else last.toordinal()
    if not 2 * PERIOD_DAYS < day <= open_day:
        raise Problem(422, "day_out_of_range", "A day that has begun.", errors=[FieldError("to", "range")])
    asked = Asked(company, community, station)
    return statistics_body(await figures.read(principal.scope, asked, Period(day), listed))


def statistics_body(found: Found) -> StatisticsBody:
    """The answer for what was found."""
    period = found.period
    return StatisticsBody(
        first_day=date.fromordinal(period.first),
        last_day=date.fromordinal(period.last),
        first_day_before=date.fromordinal(period.first_before),
        last_day_before=date.fromordinal(period.last_before),
        compounds=found.compounds,
        compounds_joined=found.joined,
        figures={one.figure.name: _figure(one) for one in found.statistics.figures},
        shares={one.part.figure.name: _share(one) for one in found.statistics.shares},
        without_criminal_case=UntouchedBody(
            count=found.untouched,
            compounds=[NamedBody(compound, name) for compound, name in found.untouched_names.items()],
        ),
    )


def _figure(counted: Counted) -> FigureBody:
    return FigureBody(
        title=counted.figure.title,
        count=counted.within,
        count_before=counted.before,
        change_permyriad=counted.change_permyriad,
    )


def _share(part: Part) -> ShareBody:
    return ShareBody(
        title=part.part.figure.title,
        of=part.of.figure.name,
        of_title=part.of.figure.title,
        count=part.part.within,
        of_count=part.of.within,
        share_permyriad=part.permyriad,
        share_permyriad_before=part.permyriad_before,
    )
