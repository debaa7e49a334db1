"""What happened in a compound: the facts, topic `anxing.facts.v1`."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final, Literal

from msgspec import Meta, field

from shared.events.fields import (
    CaseId,
    Checkpoint,
    Code,
    Count,
    EventId,
    Evidence,
    FindingCode,
    HazardClass,
    Item,
    Name,
    Narrative,
    Sent,
    Sha256,
    VetoCode,
    Year,
)

# Free text about people and places: never in outcomes, headers or logs (product.md).
NARRATIVE_FIELDS: Final = frozenset({"note", "description", "case_no", "reason", "grounds", "statement"})


class Check(Sent, frozen=True, kw_only=True):
    """One judged line of an inspection; whether the item exists is for the rubric to say."""

    item: Item
    checkpoint: Checkpoint
    result: Literal["pass", "partial", "fail", "na"]
    finding: FindingCode | None = None
    note: Narrative | None = None
    evidence: Evidence = ()


class InspectionRecorded(Sent, frozen=True, kw_only=True):
    """A visit with its judged lines, 1 to 500."""

    kind: Literal["routine", "quarterly", "night", "revisit"]
    checks: Annotated[tuple[Check, ...], Meta(min_length=1, max_length=500)]


class IncidentRecorded(Sent, frozen=True, kw_only=True):
    """A call or case with a code of the taxonomy."""

    code: Code
    status: Literal["received", "filed", "accepted", "solved", "invalid"]
    case_no: Narrative | None = None
    attempted_stopped: bool = False
    proactive: bool = False
    management_fault: bool = False
    casualties: Count = 0
    place: Literal["inside", "outside", "unknown"] = "unknown"


class HazardOpened(Sent, frozen=True, kw_only=True):
    """A defect is found; without `due` the class decides (1, 3, 7, 90 days)."""

    hazard_id: CaseId
    item: Item
    checkpoint: Checkpoint
    class_: HazardClass = field(name="class")
    points_milli: Annotated[int, Meta(ge=250, le=3000, description="Milli-points; bounds by class")]
    due: date | None = None
    finding: FindingCode
    reopens: CaseId | None = None
    evidence: Evidence = ()


class HazardRectified(Sent, frozen=True, kw_only=True):
    """The manager says that the defect is repaired."""

    hazard_id: CaseId
    reason: Narrative | None = None
    evidence: Evidence = ()


class HazardVerified(Sent, frozen=True, kw_only=True):
    """An officer has seen that the defect is gone; also a check of its checkpoint with result pass."""

    hazard_id: CaseId
    reason: Narrative | None = None
    evidence: Evidence = ()


class HazardRejected(Sent, frozen=True, kw_only=True):
    """An officer has seen that the repair does not hold."""

    hazard_id: CaseId
    reason: Narrative | None = None
    evidence: Evidence = ()


class HazardExtended(Sent, frozen=True, kw_only=True):
    """A station chief gives a later due day."""

    hazard_id: CaseId
    due: date
    reason: Narrative | None = None


class FacilityStatus(Sent, frozen=True, kw_only=True):
    """How many devices of an item work, reported by a platform."""

    item: Item
    online: Count
    total: Count


class FacilityUpgraded(Sent, frozen=True, kw_only=True):
    """Money was spent on better facilities."""

    item: Item
    description: Narrative
    cost_yuan: Annotated[int, Meta(ge=0, le=10**12)] | None = None


class PatrolLogged(Sent, frozen=True, kw_only=True):
    """Rounds of one gate on one day; `date` is the local date of `time`."""

    date: date
    gate: Checkpoint
    rounds_done: Count
    rounds_required: Count


class GuardsUpdated(Sent, frozen=True, kw_only=True):
    """The roster of guards as of now."""

    guards: Count
    licensed: Count
    mean_star_milli: Annotated[int, Meta(ge=0, le=10_000, description="Mean star of the guards, times 1,000")]
    self_recruit_filed: bool
    trained_on: date | None = None


class VolunteersLogged(Sent, frozen=True, kw_only=True):
    """How many volunteers were active."""

    active: Count


class DisputeRecorded(Sent, frozen=True, kw_only=True):
    """A dispute; `incident` is the root id of the call that it came from."""

    dispute_id: CaseId
    code: Code
    repeat: bool = False
    incident: EventId | None = None


class DisputeMediated(Sent, frozen=True, kw_only=True):
    """The parties have settled."""

    dispute_id: CaseId


class DisputeEscalated(Sent, frozen=True, kw_only=True):
    """The dispute went to a higher level."""

    dispute_id: CaseId
    level: Literal["county", "security_case", "criminal_case"]


class CooperationRecorded(Sent, frozen=True, kw_only=True):
    """How the company worked with the police, for better or worse."""

    kind: Literal[
        "request_unanswered",
        "meeting_missed",
        "late_report",
        "concealment",
        "tip_solved_case",
        "guard_captured_suspect",
    ]


class SurveyRecorded(Sent, frozen=True, kw_only=True):
    """How many residents feel safe, of how many asked."""

    satisfied: Count
    asked: Annotated[int, Meta(ge=1, le=10_000_000)]


class VetoProposed(Sent, frozen=True, kw_only=True):
    """Somebody asks for a veto; it acts only when confirmed."""

    veto_id: CaseId
    veto: VetoCode
    occurred_on: date
    reason: Narrative


class VetoConfirmed(Sent, frozen=True, kw_only=True):
    """The sub-bureau confirms a veto: it caps the star from now on."""

    veto_id: CaseId
    veto: VetoCode
    occurred_on: date
    reason: Narrative


class VetoLifted(Sent, frozen=True, kw_only=True):
    """The sub-bureau ends a veto."""

    veto_id: CaseId
    veto: VetoCode
    occurred_on: date
    reason: Narrative


class ObjectionFiled(Sent, frozen=True, kw_only=True):
    """A company objects to facts, named by their root ids."""

    objection_id: CaseId
    against: Annotated[tuple[EventId, ...], Meta(min_length=1, max_length=100)]
    grounds: Narrative


class ObjectionDecided(Sent, frozen=True, kw_only=True):
    """An objection is decided; an upheld one is carried out by facts with its `objectionid`."""

    objection_id: CaseId
    decision: Literal["upheld", "rejected"]


class SelfassessmentSubmitted(Sent, frozen=True, kw_only=True):
    """What the company gives itself for a year, in milli-points per item."""

    year: Year
    items: Annotated[dict[Item, Annotated[int, Meta(ge=0, le=100_000)]], Meta(max_length=100)]
    statement: Narrative | None = None


class EvidenceStored(Sent, frozen=True, kw_only=True):
    """A picture has arrived; published by intake."""

    sha256: Sha256
    bytes: Annotated[int, Meta(ge=1, le=15 * 1024 * 1024)]
    media_type: Name


class FactWithdrawn(Sent, frozen=True, kw_only=True):
    """The fact named by `rootid` counts no longer; takes the next `revision`."""

    reason: Narrative
