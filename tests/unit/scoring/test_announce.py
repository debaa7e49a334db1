"""Every outcome that scoring builds fits its contract, under an id that follows from a cause."""

import json
from datetime import UTC, date, datetime

import pytest
from scoring.announce import outbox_row, outcome_id
from scoring.domain.registry import CompoundRevision
from scoring.handlers import outcomes
from scoring.handlers.outcomes import Announcement, Details
from scoring.handlers.plan import Plan
from scoring.ports import Shown
from shared.events.catalogue import lookup
from shared.events.envelope import decode_envelope

DAY = date(2026, 3, 10).toordinal()
NOW = datetime(2026, 3, 10, tzinfo=UTC)
UUID = "00000000-0000-4000-8000-000000000001"
SHOWN = Shown(
    score_milli=91_000,
    star=4,
    dynamic_star=4,
    rated=True,
    enrolled=True,
    categories={"A": 20_000},
    items={"A1": 5_000},
    bonus_milli=0,
    unverified=("A2",),
    caps=(("V6", 3, ""),),
)
COMPOUND = CompoundRevision(
    compound="C1",
    root="r",
    revision=1,
    event_id="e",
    source="s",
    received_us=1,
    effective_from=DAY,
    households=10,
    occupied_households=5,
    buildings=3,
    enclosed=True,
    company_id="P1",
    name="小区",
    community_id="S1",
    station_id="B1",
)
WHY = (outcomes.Reason("D1", -4_000, "incident.recorded", "010301", UUID, DAY),)
ALL: list[Details] = [
    outcomes.ScoreUpdated(DAY, None, SHOWN, 1, DAY + 1, outcomes.CAUSE_FACT, UUID, WHY),
    outcomes.ScoreUpdated(DAY, SHOWN, SHOWN._replace(score_milli=None, star=None), 2, None, "time", None, ()),
    outcomes.StarChanged(None, 4, DAY, outcomes.CAUSE_TIME, 91_000, WHY),
    outcomes.HistoryRevised(DAY - 9, DAY, UUID),
    outcomes.HazardOpened("h1", "B2", "major", DAY + 7, DAY, repeat=True),
    outcomes.HazardDueSoon("h1", "B2", "major", DAY + 3, DAY, 3),
    outcomes.HazardOverdue("h1", "B2", "major", DAY - 1, DAY),
    outcomes.HazardClosed("h1", "B2", "major", DAY + 7, DAY, on_time=True),
    outcomes.InspectionAssessed(UUID, DAY, {"B1": 500}, {"C1": 200}),
    outcomes.DisputeDue("d1", "080101", DAY + 6),
    outcomes.EligibilityChanged(DAY, ("buildings", "construction_permit"), ()),
    outcomes.EligibilityChanged(DAY, (), ("company",)),
    outcomes.ThresholdNear(DAY, "down", 400, 4, 3),
    outcomes.WarningRaised(DAY, "red", "third_yellow"),
    outcomes.WarningCleared(DAY, "yellow"),
    outcomes.VetoApplied("V1", 0, DAY, "v1"),
    outcomes.VetoLifted("V7", 0, DAY, None),
    outcomes.VetoProposed("v1", "V3", DAY),
    outcomes.ObjectionFiled("o1", (UUID,)),
    outcomes.FactUnassigned(UUID, "anxing.incident.recorded.v1", 1_770_000_000_000_000),
]


@pytest.mark.parametrize("details", ALL, ids=lambda one: one.kind)
def test_what_is_built_can_be_read(details: Details) -> None:
    relations = None if isinstance(details, outcomes.FactUnassigned) else COMPOUND
    one = Announcement("C1", 3, details, "facts/3/7", 0, UUID, historical=False, relations=relations)
    row = outbox_row(one, topic="t", rubric="shangyu-v1", now=NOW)
    envelope = decode_envelope(row.value)
    assert envelope.type == f"anxing.outcome.{details.kind}.v1"
    assert envelope.subject == row.key == "C1"
    assert (row.partition, row.topic, row.cause_id) == (3, "t", UUID)
    data = lookup(envelope.type).decode(envelope.data)
    assert data.historical is False
    assert data.relations.company == (None if relations is None else "P1")
    assert json.loads(row.value)["data"]["relations"].get("station") == (None if relations is None else "B1")


def test_ids_follow_from_kind_compound_trigger_and_ordinal() -> None:
    plan = Plan(compounds={"C1": 3, "C2": 3})
    details = outcomes.HistoryRevised(DAY, DAY, None)
    for compound, trigger in (("C1", "a"), ("C1", "a"), ("C2", "a"), ("C1", "b")):
        plan.announce(compound, details, trigger=trigger, cause_id="x", historical=True, relations=None)
    assert [one.ordinal for one in plan.announcements] == [0, 1, 0, 0]
    ids = [outcome_id(one.details.kind, one.compound, one.trigger, one.ordinal) for one in plan.announcements]
    assert len(set(ids)) == 4
    assert ids[0] == outcome_id("history.revised", "C1", "a", 0)
