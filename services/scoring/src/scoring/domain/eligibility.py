"""Eligibility 参评条件: buildings, walls, occupancy and the permits of the company, every day.

Source: rubric.md section 6. A company never registered is unknown: shown as such, and no reason for V7.
"""

from typing import NamedTuple

from scoring.domain.facts import Day
from scoring.domain.registry import Registry
from scoring.domain.rubric_sections import Eligibility as Rules

UNIT = 1_000


class Eligibility(NamedTuple):
    """The clauses that failed on a day, and those that cannot be judged."""

    failed: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def lost(self) -> bool:
        return bool(self.failed)


def eligibility(rules: Rules, registry: Registry, day: Day) -> Eligibility:
    """Judges the clauses buildings, enclosed, occupancy, construction_permit and market_registration."""
    compound = registry.in_force(day)
    if compound is None:
        return Eligibility(unknown=("registration",))
    failed = []
    if compound.buildings < rules.buildings_min:
        failed.append("buildings")
    if not compound.enclosed:
        failed.append("enclosed")
    if UNIT * compound.occupied_households <= rules.occupied_over_permille * compound.households:
        failed.append("occupancy")
    company = registry.company_in_force(day)
    if company is None:
        return Eligibility(tuple(failed), ("company",))
    if not company.construction_permit.valid(day):
        failed.append("construction_permit")
    if not company.market_registration.valid(day):
        failed.append("market_registration")
    return Eligibility(tuple(failed))
