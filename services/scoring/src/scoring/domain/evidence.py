"""Evidence: an item of which nothing is known is forgiven for a while; what was seen long ago weighs less.

Source: rubric.md section 3, Evidence. What is evidence of an item is said where its facts are kept.
"""

from scoring.domain.facts import Day
from scoring.domain.rubric_sections import Evidence
from scoring.domain.shelf import Points

UNIT = 1_000


def unproven(full_milli: int, day: Day, grace_end: Day, until: Day) -> Points:
    """The points of a † item without evidence: full before `grace_end`, then none."""
    if day < grace_end:
        return Points(full_milli, full_milli, min(until, grace_end), unverified=True)
    return Points(0, full_milli, until, unverified=True)


def stale_from(rules: Evidence, since: Day) -> Day:
    """The first day on which evidence of `since` (or an enrolment without any) is too old."""
    return since + rules.stale_after_days + 1


def held_milli(rules: Evidence, full_milli: int) -> int:
    """The most that a STATE item has while its evidence is too old."""
    return full_milli * rules.stale_permille // UNIT
