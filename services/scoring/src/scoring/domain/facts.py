"""What happened to a compound, as the rules see it: values without envelope, narrative or JSON.

Facts are named tuples: immutable, compared by value, and cheap enough to make one per record on the hot path.
Days are ordinals (`date.toordinal()`), instants microseconds since the epoch in UTC, amounts milli-points.
"""

from typing import NamedTuple, TypeAlias

Day: TypeAlias = int
"""An ordinal day, `date.toordinal()`."""

Order: TypeAlias = tuple[Day, int, str]
"""(day, instant, lower-case id): the order wherever rubric.md says latest, first or earliest."""

NEVER: Day = 3_652_060
"""The day after 9999-12-31: later than every day that can be written."""


class Check(NamedTuple):
    """One judged line of an inspection; `result` is pass, partial, fail or na."""

    item: str
    checkpoint: str
    result: str
    finding: str | None = None


class InspectionRecorded(NamedTuple):
    """A visit; `kind` is routine, quarterly, night or revisit."""

    kind: str
    checks: tuple[Check, ...]


class IncidentRecorded(NamedTuple):
    """A call or case with a code of the taxonomy."""

    code: str
    status: str
    attempted_stopped: bool = False
    proactive: bool = False
    place: str = "unknown"


class HazardOpened(NamedTuple):
    """A defect with a class, points, and a due day (by class where none is given)."""

    hazard_id: str
    item: str
    checkpoint: str
    hazard_class: str
    points_milli: int
    due: Day | None = None
    finding: str = ""
    reopens: str | None = None


class HazardMoved(NamedTuple):
    """Rectified, verified or rejected; the kind of the fact says which."""

    hazard_id: str


class HazardExtended(NamedTuple):
    """A later due day, granted."""

    hazard_id: str
    due: Day


class FacilityStatus(NamedTuple):
    """How many devices of an item work."""

    item: str
    online: int
    total: int


class FacilityUpgraded(NamedTuple):
    """An investment in an item."""

    item: str


class PatrolLogged(NamedTuple):
    """Rounds of one gate on the day of the fact."""

    gate: str
    rounds_done: int
    rounds_required: int


class GuardsUpdated(NamedTuple):
    """The roster of guards; stars in thousandths."""

    guards: int
    licensed: int
    mean_star_milli: int
    self_recruit_filed: bool
    trained_on: Day | None = None


class VolunteersLogged(NamedTuple):
    """Active volunteers."""

    active: int


class DisputeRecorded(NamedTuple):
    """A dispute to be mediated; `incident` is the root id of the call it came from."""

    dispute_id: str
    code: str
    repeat: bool = False
    incident: str | None = None


class DisputeMediated(NamedTuple):
    """A dispute settled."""

    dispute_id: str


class DisputeEscalated(NamedTuple):
    """A dispute grown: `level` is county, security_case or criminal_case."""

    dispute_id: str
    level: str


class CooperationRecorded(NamedTuple):
    """How the company works with the police; `kind` as in contracts.md."""

    kind: str


class SurveyRecorded(NamedTuple):
    """Residents asked, and those who feel safe."""

    satisfied: int
    asked: int


class VetoStated(NamedTuple):
    """A veto proposed or confirmed; `veto` is V1 to V5."""

    veto_id: str
    veto: str
    occurred_on: Day


class VetoLifted(NamedTuple):
    """A veto taken back."""

    veto_id: str


FactData: TypeAlias = (
    InspectionRecorded
    | IncidentRecorded
    | HazardOpened
    | HazardMoved
    | HazardExtended
    | FacilityStatus
    | FacilityUpgraded
    | PatrolLogged
    | GuardsUpdated
    | VolunteersLogged
    | DisputeRecorded
    | DisputeMediated
    | DisputeEscalated
    | CooperationRecorded
    | SurveyRecorded
    | VetoStated
    | VetoLifted
)


class Fact(NamedTuple):
    """One revision of one fact of one compound.

    `kind` is the event type without prefix and version ("incident.recorded"). `data` is None for kinds that
    no rule reads (objections, self-assessments, stored evidence) and for withdrawals. `fingerprint` is the
    SHA-256 of the canonical event, empty while nobody needed it.
    """

    compound: str
    root: str
    revision: int
    event_id: str
    source: str
    kind: str
    day: Day
    instant_us: int
    received_us: int
    fingerprint: bytes = b""
    by_company: bool = False
    withdrawn: bool = False
    data: FactData | None = None

    @property
    def order(self) -> Order:
        """The place of the fact among others."""
        return (self.day, self.instant_us, self.event_id.lower())
