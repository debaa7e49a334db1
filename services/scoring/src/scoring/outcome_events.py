"""Each outcome of the domain as the struct of its contract: the same names, days as dates.

Most have the same fields on both sides, so that naming the days is enough; the others are written out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

import msgspec
from shared.events import outcomes as events

from scoring.domain.facts import Day
from scoring.handlers import outcomes
from scoring.handlers.days import as_date

Make = Callable[[Any, dict[str, Any]], msgspec.Struct]
"""Makes the struct of details, and of what all outcomes carry."""


def event_of(
    details: outcomes.Details, relations: events.Relations, *, historical: bool, rubric: str
) -> msgspec.Struct:
    """The data of an outcome; `rubric` is the one under which scores are told."""
    common: dict[str, Any] = {"relations": relations, "historical": historical}
    if isinstance(details, outcomes.ScoreUpdated):
        common["rubric"] = rubric
    return _MAKE[type(details)](details, common)


def _same(details: type[outcomes.Details], event: type[msgspec.Struct], *days: str) -> Make:
    """Details whose fields are called as those of the event, `days` among them."""
    names = [name for name in details._fields if name != "kind"]

    def make(one: Any, common: dict[str, Any]) -> msgspec.Struct:
        # The kind is the last field.
        values = dict(zip(names, one, strict=False))
        for name in days:
            values[name] = date.fromordinal(values[name])
        return event(**common, **values)

    return make


def _score(one: outcomes.ScoreUpdated, common: dict[str, Any]) -> events.OutcomeScoreUpdated:
    before, after = one.before, one.after
    return events.OutcomeScoreUpdated(
        **common,
        day=as_date(one.day),
        score_milli=after.score_milli,
        previous=None if before is None else before.score_milli,
        star=after.star,
        previous_star=None if before is None else before.star,
        rated=after.rated,
        categories=after.categories,  # type: ignore[arg-type]  # the rubric's are the contract's
        bonus_milli=after.bonus_milli,
        version=one.version,
        next_change_day=_date(one.next_change_day),
        cause=one.cause,  # type: ignore[arg-type]  # one of the constants of `outcomes`
        cause_event=one.cause_event,
        reasons=tuple([_reason(reason) for reason in one.reasons]),
    )


def _star(one: outcomes.StarChanged, common: dict[str, Any]) -> events.OutcomeStarChanged:
    return events.OutcomeStarChanged(
        **common,
        from_=one.before,
        to=one.after,
        effective_day=as_date(one.effective_day),
        cause=one.cause,  # type: ignore[arg-type]  # one of the constants of `outcomes`
        score_milli=one.score_milli,
        reasons=tuple([_reason(reason) for reason in one.reasons]),
    )


# A company that was never registered leaves the clauses about its permits unknown.
_UNKNOWN: Final[Mapping[str, tuple[str, ...]]] = {
    "company": ("construction_permit", "market_registration"),
}


def _eligibility(
    one: outcomes.EligibilityChanged, common: dict[str, Any]
) -> events.OutcomeEligibilityChanged:
    unknown = tuple(clause for what in one.unknown for clause in _UNKNOWN[what])
    return events.OutcomeEligibilityChanged(
        **common,
        day=as_date(one.day),
        eligible=not one.failed and not unknown,
        failed=one.failed,  # type: ignore[arg-type]  # the domain's clauses are the contract's
        unknown=unknown,  # type: ignore[arg-type]  # as above
    )


def _cleared(one: outcomes.WarningCleared, common: dict[str, Any]) -> events.OutcomeWarningCleared:
    return events.OutcomeWarningCleared(
        **common,
        day=as_date(one.day),
        level=one.level,  # type: ignore[arg-type]  # the domain's levels are the contract's
        cause="recovered",
    )


def _unassigned(one: outcomes.FactUnassigned, common: dict[str, Any]) -> events.OutcomeFactUnassigned:
    return events.OutcomeFactUnassigned(
        **common,
        event_id=one.event_id,
        event_type=one.event_type,
        since=datetime.fromtimestamp(one.since_us / 1_000_000, UTC),
    )


def _reason(one: outcomes.Reason) -> events.Reason:
    return events.Reason(
        item=one.item,
        change_milli=one.change_milli,
        kind=one.kind,
        code=one.code,
        root=one.root,
        day=_date(one.day),
    )


def _date(day: Day | None) -> Any:
    return None if day is None else as_date(day)


_HAZARD_DAYS: Final = ("due", "day")
_MAKE: Final[Mapping[type, Make]] = {
    outcomes.ScoreUpdated: _score,
    outcomes.StarChanged: _star,
    outcomes.HistoryRevised: _same(
        outcomes.HistoryRevised, events.OutcomeHistoryRevised, "first_day", "last_day"
    ),
    outcomes.HazardOpened: _same(outcomes.HazardOpened, events.OutcomeHazardOpened, *_HAZARD_DAYS),
    outcomes.HazardDueSoon: _same(outcomes.HazardDueSoon, events.OutcomeHazardDueSoon, *_HAZARD_DAYS),
    outcomes.HazardOverdue: _same(outcomes.HazardOverdue, events.OutcomeHazardOverdue, *_HAZARD_DAYS),
    outcomes.HazardClosed: _same(outcomes.HazardClosed, events.OutcomeHazardClosed, *_HAZARD_DAYS),
    outcomes.InspectionAssessed: _same(outcomes.InspectionAssessed, events.OutcomeInspectionAssessed, "day"),
    outcomes.DisputeDue: _same(outcomes.DisputeDue, events.OutcomeDisputeDue, "until"),
    outcomes.EligibilityChanged: _eligibility,
    outcomes.ThresholdNear: _same(outcomes.ThresholdNear, events.OutcomeThresholdNear, "day"),
    outcomes.WarningRaised: _same(outcomes.WarningRaised, events.OutcomeWarningRaised, "day"),
    outcomes.WarningCleared: _cleared,
    outcomes.VetoApplied: _same(outcomes.VetoApplied, events.OutcomeVetoApplied, "day"),
    outcomes.VetoLifted: _same(outcomes.VetoLifted, events.OutcomeVetoLifted, "day"),
    outcomes.VetoProposed: _same(outcomes.VetoProposed, events.OutcomeVetoProposed, "occurred_on"),
    outcomes.ObjectionFiled: _same(outcomes.ObjectionFiled, events.OutcomeObjectionFiled),
    outcomes.FactUnassigned: _unassigned,
}
