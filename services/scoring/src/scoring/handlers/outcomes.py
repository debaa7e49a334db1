"""What is announced, as values of the domain; `announce` of the edges makes events of them.

Days are ordinals here, as everywhere in the fold. No narrative of any fact is in here.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from scoring.domain.facts import Day
from scoring.domain.registry import CompoundRevision
from scoring.ports import Shown

CAUSE_FACT = "fact"
CAUSE_TIME = "time"
CAUSE_REVISION = "revision"

HISTORICAL_AFTER_DAYS = 2
"""An outcome whose effective day is older than this is for the record and wakes nobody."""


class Reason(NamedTuple):
    """One thing that moved the score; negative for a loss, `kind` "time" when nothing arrived."""

    item: str
    change_milli: int
    kind: str
    code: str | None = None
    root: str | None = None
    day: Day | None = None


class ScoreUpdated(NamedTuple):
    day: Day
    before: Shown | None
    after: Shown
    version: int
    next_change_day: Day | None
    cause: str
    cause_event: str | None
    reasons: tuple[Reason, ...]
    kind: str = "score.updated"


class StarChanged(NamedTuple):
    before: int | None
    after: int | None
    effective_day: Day
    cause: str
    score_milli: int | None
    reasons: tuple[Reason, ...]
    kind: str = "star.changed"


class HistoryRevised(NamedTuple):
    first_day: Day
    last_day: Day
    cause: str | None
    kind: str = "history.revised"


class HazardOpened(NamedTuple):
    hazard_id: str
    item: str
    class_: str
    due: Day
    day: Day
    repeat: bool
    kind: str = "hazard.opened"


class HazardDueSoon(NamedTuple):
    hazard_id: str
    item: str
    class_: str
    due: Day
    day: Day
    days_left: int
    kind: str = "hazard.due_soon"


class HazardOverdue(NamedTuple):
    hazard_id: str
    item: str
    class_: str
    due: Day
    day: Day
    kind: str = "hazard.overdue"


class HazardClosed(NamedTuple):
    hazard_id: str
    item: str
    class_: str
    due: Day
    day: Day
    on_time: bool
    kind: str = "hazard.closed"


class InspectionAssessed(NamedTuple):
    inspection: str
    day: Day
    lost: dict[str, int]
    regained: dict[str, int]
    kind: str = "inspection.assessed"


class DisputeDue(NamedTuple):
    dispute_id: str
    code: str
    until: Day
    kind: str = "dispute.due"


class EligibilityChanged(NamedTuple):
    day: Day
    failed: tuple[str, ...]
    unknown: tuple[str, ...]
    kind: str = "eligibility.changed"


class ThresholdNear(NamedTuple):
    day: Day
    direction: str
    distance_milli: int
    star: int
    near_star: int
    kind: str = "threshold.near"


class WarningRaised(NamedTuple):
    day: Day
    level: str
    cause: str
    kind: str = "warning.raised"


class WarningCleared(NamedTuple):
    day: Day
    level: str
    kind: str = "warning.cleared"


class VetoApplied(NamedTuple):
    veto: str
    cap: int
    day: Day
    veto_id: str | None
    kind: str = "veto.applied"


class VetoLifted(NamedTuple):
    veto: str
    cap: int
    day: Day
    veto_id: str | None
    kind: str = "veto.lifted"


class VetoProposed(NamedTuple):
    veto_id: str
    veto: str
    occurred_on: Day
    kind: str = "veto.proposed"


class ObjectionFiled(NamedTuple):
    objection_id: str
    against: tuple[str, ...]
    kind: str = "objection.filed"


class FactUnassigned(NamedTuple):
    event_id: str
    event_type: str
    since_us: int
    kind: str = "fact.unassigned"


Details: TypeAlias = (
    ScoreUpdated
    | StarChanged
    | HistoryRevised
    | HazardOpened
    | HazardDueSoon
    | HazardOverdue
    | HazardClosed
    | InspectionAssessed
    | DisputeDue
    | EligibilityChanged
    | ThresholdNear
    | WarningRaised
    | WarningCleared
    | VetoApplied
    | VetoLifted
    | VetoProposed
    | ObjectionFiled
    | FactUnassigned
)


class Announcement(NamedTuple):
    """One outcome of one compound; its id follows from (kind, compound, trigger, ordinal) alone."""

    compound: str
    partition: int
    details: Details
    trigger: str
    ordinal: int
    cause_id: str
    historical: bool
    relations: CompoundRevision | None
