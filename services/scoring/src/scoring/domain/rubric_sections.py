"""A rubric: the numbers of the rules, as values. `rubric.parse` reads them from the TOML text.

Amounts are milli-points, shares per mille, ages days. Sections have the names they have in the TOML file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

Bands: TypeAlias = tuple[tuple[int, int], ...]
"""(age, weight) ascending by age: younger than the age weighs so much, after the last nothing."""

BONUS = "bonus"
"""The name under which gains are kept beside the items."""


@dataclass(frozen=True, slots=True)
class Size:
    cap_permille: int
    dividend: int
    offset_households: int
    households_per_guard: int


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the rubric; `sized`: its facts weigh by the size of the compound."""

    code: str
    name: str
    points_milli: int
    model: str
    bands: Bands = ()
    sized: bool = False
    status: bool = False
    findings_milli: Mapping[str, int] = field(default_factory=dict)
    moves_milli: Mapping[str, int] = field(default_factory=dict)

    @property
    def category(self) -> str:
        return self.code[0]


@dataclass(frozen=True, slots=True)
class Findings:
    fail_permille: int
    partial_permille: int


@dataclass(frozen=True, slots=True)
class State:
    pass_permille: int
    partial_permille: int
    fail_permille: int
    status_floor_permille: int
    status_span_permille: int


@dataclass(frozen=True, slots=True)
class Evidence:
    grace_days: int
    stale_after_days: int
    stale_permille: int


@dataclass(frozen=True, slots=True)
class Hazards:
    due_days: Mapping[str, int]
    extension_days_max: int
    extension_unbounded: tuple[str, ...]
    late_days: int
    clock_permille: tuple[int, ...]
    residue: Bands
    grave: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Patrols:
    window_days: int
    rounds_per_day: int


@dataclass(frozen=True, slots=True)
class Rosters:
    guards_milli: int
    licensed_milli: int
    filed_milli: int
    star_milli: int
    star_full_milli: int
    trained_milli: int
    trained_days: int


@dataclass(frozen=True, slots=True)
class Volunteers:
    window_days: int


@dataclass(frozen=True, slots=True)
class Trend:
    items: tuple[str, ...]
    window_days: int
    incidents_min: int
    unknown_milli: int
    span_permille: int


@dataclass(frozen=True, slots=True)
class Disputes:
    item: str
    handling_item: str
    mediation_days: int
    unresolved_milli: int
    repeat_milli: int
    levels_milli: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Rectification:
    window_days: int
    urgent: tuple[str, ...]
    step_percent: int
    urgent_milli: int
    other_milli: int
    late_milli: int


@dataclass(frozen=True, slots=True)
class Survey:
    window_days: int
    asked_min: int
    households_per_asked: int
    full_permille: int


@dataclass(frozen=True, slots=True)
class Bonus:
    max_milli: int
    bands: Bands
    cooperation_milli: Mapping[str, int]
    upgrade_milli: int
    upgrade_categories: tuple[str, ...]
    upgrade_gap_days: int


@dataclass(frozen=True, slots=True)
class Incidents:
    status_permille: Mapping[str, int]
    unscored: tuple[str, ...]
    preventable_items: tuple[str, ...]
    preventable: tuple[str, ...]
    criminal_prefix: str
    public_security_prefix: str


@dataclass(frozen=True, slots=True)
class Stars:
    ladder: tuple[int, ...]
    thresholds_milli: tuple[int, ...]
    category_caps: tuple[tuple[int, int], ...]
    evidence_items: tuple[str, ...]
    evidence_cap: int
    rated_after_days: int
    margin_milli: int
    run_days: int


@dataclass(frozen=True, slots=True)
class Vetoes:
    caps: Mapping[str, int]
    days: int


@dataclass(frozen=True, slots=True)
class Eligibility:
    buildings_min: int
    occupied_over_permille: int


@dataclass(frozen=True, slots=True)
class Warnings:
    yellow_days: int
    red_days: int
    yellows_for_red: int
    clear_days: int


@dataclass(frozen=True, slots=True)
class Year:
    freeze_month_day: tuple[int, ...]
    days_min: int
    inspected_quarters_min: int
    ineligible_days_max: int
    reward_yuan: Mapping[int, int]
    basis_star_min: int


@dataclass(frozen=True, slots=True)
class Layout:
    """The items in the order of their categories, and where to find them in lists of that order."""

    codes: tuple[str, ...]
    items: tuple[Item, ...]
    places: Mapping[str, int]
    categories: tuple[tuple[str, int, int], ...]
    """(category, first place, place after the last)."""
    full_milli: tuple[int, ...]
    """P of each item, as long as none moves its points."""
    evidence: int
    """One bit (1 << place) for each item without whose evidence the star is held."""
    states: frozenset[str]


@dataclass(frozen=True, slots=True)
class Rubric:
    """All numbers of one rubric; `hash` is the SHA-256 of its text, `codes` the taxonomy → (item, base)."""

    name: str
    title: str
    hash: str
    full_milli: int
    categories: Mapping[str, str]
    items: Mapping[str, Item]
    codes: Mapping[str, tuple[str, int]]
    cooperation: Mapping[str, tuple[str, int]]
    size: Size
    findings: Findings
    state: State
    evidence: Evidence
    hazards: Hazards
    patrols: Patrols
    rosters: Rosters
    volunteers: Volunteers
    trend: Trend
    disputes: Disputes
    rectification: Rectification
    survey: Survey
    bonus: Bonus
    incidents: Incidents
    stars: Stars
    vetoes: Vetoes
    eligibility: Eligibility
    warnings: Warnings
    year: Year

    of_model: Mapping[str, str]
    """The item of each model (of several the last)."""
    receives: Mapping[str, tuple[tuple[str, int], ...]]
    """The items whose points an item receives when they do not exist, with the points."""

    layout: Layout

    def __hash__(self) -> int:
        return hash(self.hash)

    def bands(self, item: str) -> Bands:
        """The age bands of an item of model decay, or of the bonus."""
        return self.bonus.bands if item == BONUS else self.items[item].bands

    @property
    def known_codes(self) -> frozenset[str]:
        """All codes of the taxonomy, scored or not."""
        return frozenset(self.codes) | frozenset(self.incidents.unscored)
