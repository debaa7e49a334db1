"""F2, F3 and the bonus: what working with the police, or not, costs or gains.

Source: rubric.md section 4, F2, F3 and the bonus line.
"""

from typing import NamedTuple

from scoring.domain.decay import Charge
from scoring.domain.facts import CooperationRecorded, Day
from scoring.domain.rubric_sections import BONUS, Rubric


class CooperationCharge(NamedTuple):
    """The item (or BONUS) and the charge."""

    item: str
    charge: Charge


def charge_of(data: CooperationRecorded, day: Day, rubric: Rubric) -> CooperationCharge | None:
    """What a report of `day` costs or gains; None for a kind that the rubric does not know."""
    gain = rubric.bonus.cooperation_milli.get(data.kind)
    if gain is not None:
        return CooperationCharge(BONUS, Charge(day, gain))
    charged = rubric.cooperation.get(data.kind)
    return None if charged is None else CooperationCharge(charged[0], Charge(day, charged[1]))
