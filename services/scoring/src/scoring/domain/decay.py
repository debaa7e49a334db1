"""DECAY: a fact costs `base * f * r * w(age) // 1_000_000_000`, and its weight falls with its age.

Source: rubric.md section 3.
"""

from typing import NamedTuple

from scoring.domain.facts import NEVER, Day
from scoring.domain.rubric_sections import Bands
from scoring.domain.steps import Step

PER_MILLE_CUBED = 1_000_000_000
UNIT = 1_000


class Charge(NamedTuple):
    """What one fact costs (or gains) from its day until `until`: base, and f and r in per mille."""

    day: Day
    base_milli: int
    size_permille: int = UNIT
    result_permille: int = UNIT
    until: Day = NEVER

    def steps(self, bands: Bands) -> list[Step]:
        """The amount as steps: on the day of the fact, at each band, and where another fact takes over."""
        found: list[Step] = []
        start, before = self.day, 0
        full = self.base_milli * self.size_permille * self.result_permille
        for limit, weight in bands:
            if start >= self.until:
                break
            now = full * weight // PER_MILLE_CUBED
            found.append((start, now - before))
            before = now
            start = self.day + limit
        if before:
            found.append((min(start, self.until), -before))
        return found
