"""Who is told what: the defaults, as a table that can be read aloud."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from notify.domain.organisations import Kind

RULES_VERSION: Final = "defaults-1"
"""Written beside every decision; changes with any change of the table below."""


@dataclass(frozen=True, slots=True)
class Signals:
    """What the table looks at in an outcome.

    `kind` is the type without prefix and version (`star.changed`); the rest is set where the type has it.
    """

    kind: str
    historical: bool = False
    hazard_class: str | None = None
    item: str | None = None
    repeat: bool = False
    level: str | None = None
    failed_clauses: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table: these kinds are told of these outcomes when `when` holds.

    `mandatory`: nobody can switch it off and history does not silence it. `urgent`: goes before the rest.
    """

    name: str
    outcomes: tuple[str, ...]
    kinds: tuple[Kind, ...]
    when: Callable[[Signals], bool] = lambda _: True
    mandatory: bool = False
    urgent: bool = False


GRAVE: Final = frozenset({"major", "capital"})
# Walls, lighting, cameras, access control: what a developer has built and must answer for.
BUILT_IN: Final = frozenset({"B1", "B2", "C1", "C2"})


def _grave(signals: Signals) -> bool:
    return signals.hazard_class in GRAVE


def _red(signals: Signals) -> bool:
    return signals.level == "red"


def _built_in(signals: Signals) -> bool:
    return signals.item in BUILT_IN and (_grave(signals) or signals.repeat)


def _permit_lost(signals: Signals) -> bool:
    return "construction_permit" in signals.failed_clauses


_CONCERNED = (Kind.COMPANY, Kind.COMMITTEE, Kind.COMMUNITY)
_WARNINGS = ("warning.raised", "warning.cleared")
_VETOES = ("veto.applied", "veto.lifted")

RULES: Final = (
    Rule("company-inspection", ("inspection.assessed",), (Kind.COMPANY,)),
    Rule(
        "company-hazard",
        ("hazard.opened", "hazard.due_soon", "hazard.overdue", "hazard.closed"),
        (Kind.COMPANY,),
    ),
    Rule("company-score", ("score.updated",), (Kind.COMPANY,)),
    Rule("star", ("star.changed",), _CONCERNED),
    Rule("warning", _WARNINGS, _CONCERNED, urgent=True),
    Rule("committee-grave-hazard", ("hazard.opened", "hazard.overdue"), (Kind.COMMITTEE,), _grave),
    Rule("community-dispute", ("dispute.due",), (Kind.COMMUNITY,)),
    Rule("red-warning", _WARNINGS, (Kind.CONSTRUCTION_BUREAU,), _red, urgent=True),
    Rule("permit-lost", ("eligibility.changed",), (Kind.CONSTRUCTION_BUREAU,), _permit_lost),
    Rule("developer-hazard", ("hazard.opened", "hazard.overdue"), (Kind.DEVELOPER,), _built_in),
    Rule("station-veto", ("veto.proposed",), (Kind.STATION,), urgent=True),
    Rule("station-work", ("objection.filed", "fact.unassigned", "threshold.near"), (Kind.STATION,)),
    Rule("station-objection", ("assessment.objected",), (Kind.STATION, Kind.COMPANY), mandatory=True),
    Rule("above-red-warning", _WARNINGS, (Kind.SUB_BUREAU, Kind.STREET, Kind.BUREAU), _red, urgent=True),
    Rule("above-veto", _VETOES, (Kind.SUB_BUREAU, Kind.STREET, Kind.BUREAU), urgent=True),
    Rule("annual-draft", ("assessment.drafted",), (Kind.COMPANY,), mandatory=True),
    Rule(
        "annual-result",
        ("assessment.published", "assessment.decided"),
        (Kind.COMPANY, Kind.COMMITTEE, Kind.COMMUNITY, Kind.CONSTRUCTION_BUREAU, Kind.DEVELOPER),
        mandatory=True,
    ),
    Rule(
        "annual-result-above",
        ("assessment.published", "assessment.decided"),
        (Kind.STATION, Kind.SUB_BUREAU, Kind.STREET, Kind.BUREAU),
    ),
)

_TABLE: Final[dict[tuple[str, Kind], tuple[Rule, ...]]] = {
    (outcome, kind): tuple(rule for rule in RULES if outcome in rule.outcomes and kind in rule.kinds)
    for outcome in {outcome for rule in RULES for outcome in rule.outcomes}
    for kind in Kind
}


def rule_for(signals: Signals, kind: Kind) -> Rule | None:
    """The first line of the table that tells this kind of this outcome, or None."""
    for rule in _TABLE.get((signals.kind, kind), ()):
        if rule.when(signals):
            return rule
    return None
