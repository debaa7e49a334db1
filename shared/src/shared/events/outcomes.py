"""What scoring announces: topic `anxing.outcomes.v1`. No narrative of any fact is ever in here."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta, field

from shared.events.envelope import Instant
from shared.events.fields import (
    Announced,
    CaseId,
    Code,
    EntityId,
    EventId,
    HazardClass,
    Item,
    Milli,
    Name,
    Sha256,
    VetoCode,
    Year,
)

Star = Annotated[int, Meta(ge=0, le=5, description="0 none, 2, 3, 4 or 5")]
Category = Literal["A", "B", "C", "D", "E", "F"]
Cause = Literal["fact", "time", "rubric", "revision"]
Clause = Literal["buildings", "enclosed", "occupancy", "construction_permit", "market_registration"]
Points = dict[Item, Milli]


class Relations(Announced, frozen=True, kw_only=True):
    """The organisations of a compound, as scoring knew them; all None for an unknown compound."""

    company: EntityId | None = None
    community: EntityId | None = None
    station: EntityId | None = None
    committee: EntityId | None = None
    developer: EntityId | None = None
    street: EntityId | None = None


class Outcome(Announced, frozen=True, kw_only=True):
    """What all outcomes carry; `historical`: the effective day is more than 2 days old."""

    relations: Relations
    historical: bool


class Reason(Announced, frozen=True, kw_only=True):
    """One thing that moved the score: by how much, on which item, through which kind of fact.

    `change_milli` is negative for a loss; `kind` is the fact's type without prefix and version, or
    `time`; `code` its taxonomy code (police only, see notify.md); `root` the fact.
    """

    item: Name
    change_milli: Milli
    kind: Name
    code: str | None = None
    root: str | None = None
    day: date | None = None


class OutcomeScoreUpdated(Outcome, frozen=True, kw_only=True):
    """The score, a part of it or the star changed; one per compound and batch.

    `previous` is the score before, `version` grows with every change, `star` is None while not rated,
    `score_milli` None while not enrolled.
    """

    day: date
    score_milli: Milli | None
    previous: Milli | None = None
    star: Star | None = None
    previous_star: Star | None = None
    rated: bool
    categories: dict[Category, Milli] = field(default_factory=dict)
    bonus_milli: Milli = 0
    version: Annotated[int, Meta(ge=1)]
    rubric: Name
    next_change_day: date | None = None
    cause: Cause
    cause_event: str | None = None
    reasons: tuple[Reason, ...] = ()


class OutcomeStarChanged(Outcome, frozen=True, kw_only=True):
    """The dynamic star changed; `from` or `to` None: not rated."""

    from_: Star | None = field(name="from")
    to: Star | None
    effective_day: date
    cause: Cause
    score_milli: Milli | None
    reasons: Annotated[tuple[Reason, ...], Meta(max_length=3)] = ()


class OutcomeHistoryRevised(Outcome, frozen=True, kw_only=True):
    """A late fact or correction changed closed days; `cause` is the id of its event."""

    first_day: date
    last_day: date
    cause: str | None = None


class HazardOutcome(Outcome, frozen=True, kw_only=True):
    """What all outcomes about a hazard say."""

    hazard_id: CaseId
    item: Item
    class_: HazardClass = field(name="class")
    due: date
    day: date


class OutcomeHazardOpened(HazardOutcome, frozen=True, kw_only=True):
    """A hazard was opened; `repeat`: the same item again within a year."""

    repeat: bool = False


class OutcomeHazardDueSoon(HazardOutcome, frozen=True, kw_only=True):
    """Half of the days, or 1, are left (class immediate: on opening only)."""

    days_left: Annotated[int, Meta(ge=0)]


class OutcomeHazardOverdue(HazardOutcome, frozen=True, kw_only=True):
    """The due day has passed."""


class OutcomeHazardClosed(HazardOutcome, frozen=True, kw_only=True):
    """An officer verified the repair."""

    on_time: bool


class OutcomeDisputeDue(Outcome, frozen=True, kw_only=True):
    """A dispute was recorded and is to be mediated before the end of `until`."""

    dispute_id: CaseId
    code: Code
    until: date


class OutcomeEligibilityChanged(Outcome, frozen=True, kw_only=True):
    """A clause failed or holds again; `unknown`: its company was never registered."""

    day: date
    eligible: bool
    failed: tuple[Clause, ...] = ()
    unknown: tuple[Clause, ...] = ()


class OutcomeThresholdNear(Outcome, frozen=True, kw_only=True):
    """Rated, and within 1 point of another star."""

    day: date
    direction: Literal["up", "down"]
    distance_milli: Milli
    star: Star
    near_star: Star


class OutcomeVetoProposed(Outcome, frozen=True, kw_only=True):
    """Somebody asks for a veto."""

    veto_id: CaseId
    veto: VetoCode
    occurred_on: date


class OutcomeObjectionFiled(Outcome, frozen=True, kw_only=True):
    """A company objects to facts."""

    objection_id: CaseId
    against: tuple[EventId, ...]


class OutcomeInspectionAssessed(Outcome, frozen=True, kw_only=True):
    """An inspection was counted: points lost and regained per item, both positive."""

    inspection: EventId
    day: date
    lost: Points = field(default_factory=dict)
    regained: Points = field(default_factory=dict)


class OutcomeWarningRaised(Outcome, frozen=True, kw_only=True):
    """The shown star stays below that of the last assessment."""

    day: date
    level: Literal["yellow", "red"]
    cause: Literal["below_30_days", "below_90_days", "third_yellow"]


class OutcomeWarningCleared(Outcome, frozen=True, kw_only=True):
    """14 days at or above the assessed star; rubric v1 has no other way out of a warning."""

    day: date
    level: Literal["yellow", "red"]
    cause: Literal["recovered", "assessed"]


class OutcomeFactUnassigned(Outcome, frozen=True, kw_only=True):
    """A fact is still without a known compound after 10 minutes; goes to every station."""

    event_id: EventId
    event_type: Name
    since: Instant
    cause: Literal["unknown_compound"] = "unknown_compound"


class OutcomeVetoApplied(Outcome, frozen=True, kw_only=True):
    """A veto caps the star: V1 to V5 confirmed, V6 and V7 automatic."""

    veto: Literal["V1", "V2", "V3", "V4", "V5", "V6", "V7"]
    cap: Star
    day: date
    veto_id: CaseId | None = None


class OutcomeVetoLifted(Outcome, frozen=True, kw_only=True):
    """A veto caps the star no longer."""

    veto: Literal["V1", "V2", "V3", "V4", "V5", "V6", "V7"]
    cap: Star
    day: date
    veto_id: CaseId | None = None


class AssessmentOutcome(Outcome, frozen=True, kw_only=True):
    """What all annual steps say; score and star are None when there is no assessment.

    `deadline` is the last day of the step, until 24:00 local.
    """

    year: Year
    score_milli: Milli | None
    star: Star | None
    reward_yuan: Annotated[int, Meta(ge=0)]
    rubric: Name
    input_hash: Sha256
    deadline: date | None = None


class OutcomeAssessmentDrafted(AssessmentOutcome, frozen=True, kw_only=True):
    """The annual result was computed."""


class OutcomeAssessmentPublished(AssessmentOutcome, frozen=True, kw_only=True):
    """The result is on public notice (公示) until `deadline`."""


class OutcomeAssessmentObjected(AssessmentOutcome, frozen=True, kw_only=True):
    """Somebody objects to the published result."""

    objection_id: CaseId


class OutcomeAssessmentDecided(AssessmentOutcome, frozen=True, kw_only=True):
    """The annual star is final."""

    exemplary: bool = False
