"""Samples of what the services announce: outcomes, deliveries."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

import msgspec

from shared.events import deliveries as d
from shared.events import outcomes as o
from shared.events.samples.case import COMPOUND, DAY, DIGEST, INCIDENT_ID, PICTURE, TIME, uuid_of

_RUBRIC: Final = "shangyu-v1"
_RELATIONS: Final = o.Relations(
    company="P01", community="Q03", station="S1", committee="Y017", developer="K02", street="J1"
)
_ABOUT: Final[dict[str, Any]] = {"relations": _RELATIONS, "historical": False}
_HAZARD: Final[dict[str, Any]] = {
    **_ABOUT,
    "hazard_id": "H-2026-0117",
    "item": "B2",
    "class_": "ordinary",
    "due": DAY + timedelta(days=3),
    "day": DAY,
}
_YEAR: Final[dict[str, Any]] = {
    **_ABOUT,
    "year": 2025,
    "score_milli": 86_420,
    "star": 4,
    "reward_yuan": 4000,
    "rubric": _RUBRIC,
    "input_hash": DIGEST,
}
_VETO: Final[dict[str, Any]] = {"veto_id": "V-2026-003", "veto": "V3", "occurred_on": date(2026, 2, 20)}
_DELIVERY: Final[dict[str, Any]] = {
    "notice_id": uuid_of("notice"),
    "delivery_id": uuid_of("delivery"),
    "recipient": "P01",
    "endpoint": "E-P01-1",
    "channel": "webhook",
    "attempts": 2,
    "outcome_id": uuid_of("outcome"),
    "outcome_type": "anxing.outcome.star.changed.v1",
    "compound": COMPOUND,
}
_REASON: Final = o.Reason(
    item="D1", change_milli=-4_000, kind="incident.recorded", code="010301", root=INCIDENT_ID, day=DAY
)


# Each subject with its data.
ANNOUNCED: Final[tuple[tuple[str, msgspec.Struct], ...]] = (
    (
        COMPOUND,
        o.OutcomeScoreUpdated(
            **_ABOUT,
            day=DAY,
            score_milli=84_000,
            previous=88_000,
            star=4,
            previous_star=4,
            rated=True,
            categories={"A": 18_500, "B": 14_000, "C": 19_000, "D": 15_500, "E": 9_000, "F": 8_000},
            version=412,
            rubric=_RUBRIC,
            next_change_day=date(2026, 3, 9),
            cause="fact",
            cause_event=INCIDENT_ID,
            reasons=(_REASON,),
        ),
    ),
    (
        COMPOUND,
        o.OutcomeStarChanged(
            **_ABOUT,
            from_=4,
            to=3,
            effective_day=DAY,
            cause="fact",
            score_milli=76_000,
            reasons=(_REASON,),
        ),
    ),
    (
        COMPOUND,
        o.OutcomeHistoryRevised(
            **_ABOUT, first_day=date(2026, 2, 1), last_day=date(2026, 3, 1), cause=INCIDENT_ID
        ),
    ),
    (COMPOUND, o.OutcomeHazardOpened(**_HAZARD, repeat=True)),
    (COMPOUND, o.OutcomeHazardDueSoon(**_HAZARD, days_left=1)),
    (COMPOUND, o.OutcomeHazardOverdue(**_HAZARD)),
    (COMPOUND, o.OutcomeHazardClosed(**_HAZARD, on_time=True)),
    (
        COMPOUND,
        o.OutcomeDisputeDue(**_ABOUT, dispute_id="D-2026-031", code="080105", until=date(2026, 3, 8)),
    ),
    (
        COMPOUND,
        o.OutcomeEligibilityChanged(**_ABOUT, day=DAY, eligible=False, failed=("construction_permit",)),
    ),
    (
        COMPOUND,
        o.OutcomeThresholdNear(**_ABOUT, day=DAY, direction="up", distance_milli=640, star=4, near_star=5),
    ),
    (COMPOUND, o.OutcomeVetoProposed(**_ABOUT, **_VETO)),
    (
        COMPOUND,
        o.OutcomeObjectionFiled(**_ABOUT, objection_id="O-2026-004", against=(INCIDENT_ID,)),
    ),
    (
        COMPOUND,
        o.OutcomeInspectionAssessed(
            **_ABOUT, inspection=INCIDENT_ID, day=DAY, lost={"A1": 500}, regained={"B2": 1_500}
        ),
    ),
    (COMPOUND, o.OutcomeWarningRaised(**_ABOUT, day=DAY, level="yellow", cause="below_30_days")),
    (COMPOUND, o.OutcomeWarningCleared(**_ABOUT, day=DAY, level="yellow", cause="recovered")),
    (
        "C00999",
        o.OutcomeFactUnassigned(
            relations=o.Relations(),
            historical=False,
            event_id=INCIDENT_ID,
            event_type="anxing.incident.recorded.v1",
            since=TIME,
        ),
    ),
    (COMPOUND, o.OutcomeVetoApplied(**_ABOUT, veto="V3", cap=0, day=DAY, veto_id="V-2026-003")),
    (COMPOUND, o.OutcomeVetoLifted(**_ABOUT, veto="V3", cap=0, day=DAY, veto_id="V-2026-003")),
    (COMPOUND, o.OutcomeAssessmentDrafted(**_YEAR)),
    (COMPOUND, o.OutcomeAssessmentPublished(**_YEAR, deadline=date(2026, 1, 23))),
    (COMPOUND, o.OutcomeAssessmentObjected(**_YEAR, objection_id="O-2026-004")),
    (COMPOUND, o.OutcomeAssessmentDecided(**_YEAR, exemplary=True)),
    ("E-P01-1", d.DeliveryNoticeDelivered(**_DELIVERY, delivered_at=TIME)),
    ("E-P01-1", d.DeliveryNoticeAbandoned(**_DELIVERY, abandoned_at=TIME, cause="http_404")),
    (
        "E-P01-1",
        d.DeliveryEndpointSuspended(
            endpoint="E-P01-1", recipient="P01", channel="webhook", suspended_at=TIME, cause="gone"
        ),
    ),
    (
        "E-P01-1",
        d.DeliveryEndpointResumed(endpoint="E-P01-1", recipient="P01", channel="webhook", resumed_at=TIME),
    ),
    (
        "42",
        d.DeliveryRecordSealed(
            number=42, rows=1_204, digest=DIGEST, previous=PICTURE, chain=DIGEST, sealed_at=TIME
        ),
    ),
)
