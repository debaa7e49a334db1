"""The terms under which a day is judged: enrolment, the size of the compound, the age of its enrolment.

Source: rubric.md sections 1 and 2. A fact in a large compound weighs less, because it is one of more homes.
"""

from scoring.domain.facts import NEVER, Day
from scoring.domain.registry import Registry
from scoring.domain.rubric_sections import Rubric


class Terms:
    """A rubric and a registry, asked by day. Cheap to make; made anew when the registry changes."""

    __slots__ = ("_cap", "_dividend", "_offset", "_per_guard", "registry", "rubric")

    def __init__(self, rubric: Rubric, registry: Registry) -> None:
        self.rubric = rubric
        self.registry = registry
        self._cap = rubric.size.cap_permille
        self._dividend = rubric.size.dividend
        self._offset = rubric.size.offset_households
        self._per_guard = rubric.size.households_per_guard

    def enrolled(self, day: Day) -> bool:
        """Whether facts of `day` count and `day` has a score."""
        return self.registry.enrolled(day)

    def size_permille(self, day: Day) -> int:
        """f: the weight of one fact of `day`, by occupied households."""
        return min(self._cap, self._dividend // (self.occupied(day) + self._offset))

    def need(self, day: Day) -> int:
        """How many guards, licences, volunteers the compound needs on `day`."""
        revision = self.registry.in_force(day)
        households = revision.households if revision is not None else 0
        return max(1, -(-households // self._per_guard))

    def occupied(self, day: Day) -> int:
        """Occupied households on `day`."""
        revision = self.registry.in_force(day)
        return revision.occupied_households if revision is not None else 0

    def days_enrolled(self, day: Day) -> int:
        """D - e: days since the first enrolment; negative before it or without one."""
        first = self.registry.first_enrolled
        return -1 if first is None else day - first

    @property
    def enrolled_since(self) -> Day:
        """e: the first day of enrolment; 0 without one."""
        return self.registry.first_enrolled or 0

    @property
    def rated_from(self) -> Day:
        """The first day on which the compound has had a score long enough to have a star."""
        first = self.registry.first_enrolled
        return NEVER if first is None else first + self.rubric.stars.rated_after_days

    @property
    def grace_end(self) -> Day:
        """The first day on which missing evidence is no longer forgiven."""
        return self.enrolled_since + self.rubric.evidence.grace_days
