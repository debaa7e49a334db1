"""D1, D2 and the other charges of incidents: the taxonomy of the rubric applied to one call or case.

Source: rubric.md section 5. Scored when filed, accepted or solved and not outside; a stopped attempt or a
case found by the company itself costs nothing. What an incident is charged to is decided by its code.
"""

from typing import NamedTuple

from scoring.domain.decay import UNIT, Charge
from scoring.domain.facts import Day, IncidentRecorded
from scoring.domain.size import Terms


class IncidentCharge(NamedTuple):
    """The item that an incident is charged to, and the charge."""

    item: str
    charge: Charge


def charge_of(incident: IncidentRecorded, day: Day, terms: Terms) -> IncidentCharge | None:
    """What an incident of `day` costs; None when it is not scored (by code, status, place, or r = 0)."""
    rubric = terms.rubric
    result = rubric.incidents.status_permille.get(incident.status, 0)
    if not result or incident.place == "outside" or incident.attempted_stopped or incident.proactive:
        return None
    target = rubric.codes.get(incident.code)
    if target is None:
        return None
    item, base = target
    size = terms.on(day).size_permille if rubric.items[item].sized else UNIT
    return IncidentCharge(item, Charge(day, base, size, result))
