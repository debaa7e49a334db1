"""The terms under which a day is judged: enrolment, the size of the compound, its need, its eligibility.

Source: rubric.md sections 1 and 2. A fact in a large compound weighs less, because it is one of more homes.
"""

from typing import NamedTuple

from scoring.domain.eligibility import Eligibility, eligibility
from scoring.domain.facts import NEVER, Day
from scoring.domain.registry import Assessed, Registry
from scoring.domain.rubric_sections import Rubric, Size


def size_permille(rules: Size, occupied: int) -> int:
    """F: what one fact weighs where so many households live, per mille."""
    return min(rules.cap_permille, rules.dividend // (occupied + rules.offset_households))


def need(rules: Size, households: int) -> int:
    """How many guards, licences and volunteers so many households need."""
    return max(1, -(-households // rules.households_per_guard))


class Ground(NamedTuple):
    """What the registry means for every day from `first` to before `until`.

    `size_permille` is f of rubric.md: what one fact of such a day weighs. `need` is how many guards,
    licences and volunteers are needed.
    """

    first: Day
    until: Day
    enrolled: bool
    size_permille: int
    need: int
    occupied: int
    eligibility: Eligibility
    assessed: Assessed | None


class Terms:
    """A rubric and a registry, asked by day. Cheap to make; made anew when the registry changes."""

    __slots__ = ("_ground", "enrolled_since", "grace_end", "rated_from", "registry", "rubric")

    def __init__(self, rubric: Rubric, registry: Registry) -> None:
        self.rubric = rubric
        self.registry = registry
        first = registry.first_enrolled
        self.enrolled_since: Day = NEVER if first is None else first
        """e: the first day of enrolment."""
        self.grace_end: Day = self.enrolled_since + rubric.evidence.grace_days
        """The first day on which missing evidence is no longer forgiven."""
        self.rated_from: Day = self.enrolled_since + rubric.stars.rated_after_days
        """The first day on which the compound has had a score long enough to have a star."""
        self._ground: Ground | None = None

    def on(self, day: Day) -> Ground:
        """What the registry means for `day`."""
        ground = self._ground
        if ground is None or not ground.first <= day < ground.until:
            ground = self._ground = self._find(day)
        return ground

    def enrolled(self, day: Day) -> bool:
        """Whether facts of `day` count and `day` has a score."""
        return self.on(day).enrolled

    def days_enrolled(self, day: Day) -> int:
        """The age of the enrolment, d - e; negative before it."""
        return day - self.enrolled_since

    def _find(self, day: Day) -> Ground:
        revision = self.registry.in_force(day)
        households = occupied = 0
        if revision is not None:
            households, occupied = revision.households, revision.occupied_households
        return Ground(
            *self.registry.between(day),
            self.registry.enrolled(day),
            size_permille(self.rubric.size, occupied),
            need(self.rubric.size, households),
            occupied,
            eligibility(self.rubric.eligibility, self.registry, day),
            self.registry.assessed_by(day),
        )


class Difference(NamedTuple):
    """How registries differ: the first day that is judged otherwise, and whether facts count otherwise."""

    first_day: Day
    facts_count_otherwise: bool


def difference(before: Terms, after: Terms) -> Difference | None:
    """What another registry changes; None when it changes nothing on any day."""
    first: Day | None = None if before.enrolled_since == after.enrolled_since else 0
    for day in sorted({0, *before.registry.boundaries, *after.registry.boundaries}):
        old, new = before.on(day), after.on(day)
        if old[2:] != new[2:]:
            first = day if first is None else first
            if (old.enrolled, old.size_permille) != (new.enrolled, new.size_permille):
                return Difference(first, facts_count_otherwise=True)
    return None if first is None else Difference(first, facts_count_otherwise=False)
