"""All shelves as plain tuples, and back: only what can still matter from the last closed day on.

Days are counted from that day, so that the numbers stay short.
"""

from scoring.domain.checkpoints import CheckpointShelf
from scoring.domain.disputes import DisputeShelf
from scoring.domain.facilities import StatusShelf, UpgradeShelf
from scoring.domain.facts import Day
from scoring.domain.findings import FindingShelf
from scoring.domain.groups import Groups
from scoring.domain.hazards import Event
from scoring.domain.patrols import PatrolShelf
from scoring.domain.rectification import RectificationShelf
from scoring.domain.rosters import RosterShelf
from scoring.domain.rubric_sections import Rubric
from scoring.domain.shelf import Plain
from scoring.domain.shelves import Shelves
from scoring.domain.size import Terms
from scoring.domain.steps import StepSum
from scoring.domain.surveys import SurveyShelf
from scoring.domain.traces import settled_hazard
from scoring.domain.trend import TrendShelf
from scoring.domain.vetoes import VetoShelf
from scoring.domain.volunteers import VolunteerShelf


def pack(shelves: Shelves, terms: Terms, as_of: Day | None) -> Plain:
    """The shelves as of a closed day; everything when no day was closed yet."""
    day = as_of or 0
    rubric = terms.rubric
    return (
        day,
        tuple((code, *one.pack(day, day)) for code, one in shelves.losses.items() if one.lasts(day)),
        shelves.bonus.pack(day, day),
        shelves.grave.pack(day, day),
        shelves.trend.pack(day, day, terms),
        shelves.rectification.pack(day, day),
        tuple(
            (code, *one.pack(day, day)) for code, one in shelves.checks.items() if one.results or one.hazards
        ),
        tuple((code, *one.pack(day, day)) for code, one in shelves.statuses.items() if one.statuses),
        shelves.findings.pack(day, day, terms),
        shelves.hazards.pack(day, lambda events: settled_hazard(events, rubric, day)),
        shelves.disputes.pack(day, day, terms),
        shelves.patrols.pack(day, day, terms),
        shelves.rosters.pack(day, day),
        shelves.volunteers.pack(day, day, terms),
        shelves.surveys.pack(day, day, terms),
        shelves.upgrades.pack(day),
        shelves.vetoes.pack(day),
    )


def unpack(plain: Plain, rubric: Rubric) -> Shelves:
    """The shelves that `pack` left."""
    shelves = Shelves(rubric)
    day, losses, bonus, grave, trend, rectification, checks, statuses, findings, *rest = plain
    hazards, disputes, patrols, rosters, volunteers, surveys, upgrades, vetoes = rest
    for code, *one in losses:
        shelves.losses[code] = StepSum.unpack(one, day)
    shelves.bonus = StepSum.unpack(bonus, day)
    shelves.grave = StepSum.unpack(grave, day)
    shelves.trend = TrendShelf.unpack(trend, day)
    shelves.rectification = RectificationShelf.unpack(rectification, day)
    for code, *one in checks:
        shelves.checks[code] = CheckpointShelf.unpack(one, day)
    for code, *one in statuses:
        shelves.statuses[code] = StatusShelf.unpack(one, day)
    shelves.findings = FindingShelf.unpack(findings, day)
    shelves.hazards = Groups.unpack(hazards, day, Event, len(Event._fields))
    shelves.disputes = DisputeShelf.unpack(disputes, day)
    shelves.patrols = PatrolShelf.unpack(patrols, day)
    shelves.rosters = RosterShelf.unpack(rosters, day)
    shelves.volunteers = VolunteerShelf.unpack(volunteers, day)
    shelves.surveys = SurveyShelf.unpack(surveys, day)
    shelves.upgrades = UpgradeShelf.unpack(upgrades, day)
    shelves.vetoes = VetoShelf.unpack(vetoes, day)
    return shelves
