"""What one transaction of a partition's owner will write: collected by handlers, written by the store."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from scoring.domain.facts import Day
from scoring.domain.registry import CompoundRevision
from scoring.domain.standing import Step
from scoring.handlers.outcomes import Announcement, Details
from scoring.ports import Arrival, FactKey, HazardKnown, Known, StoredState


class LedgerRow(NamedTuple):
    """A fact that gets a ledger number; `replaces` is in the ledger under its root, and will be history."""

    arrival: Arrival
    replaces: Known | None


class StateRow(NamedTuple):
    """A compound's state after this transaction; before it its version was one less, 0: there was none.

    `due_day` is the day whose closing, or that of the day before, must look at the compound.
    """

    stored: StoredState
    partition: int
    as_of_day: Day | None
    next_change_day: Day | None
    due_day: Day | None
    registered: CompoundRevision


class StepsRow(NamedTuple):
    """New steps of a compound; with `anew` all its older steps are replaced."""

    compound: str
    steps: list[Step]
    anew: bool


class NewWork(NamedTuple):
    """A row of work to add, or to merge into one that waits for the same."""

    partition: int
    kind: str
    key: str
    cause: str
    from_day: Day | None = None
    delay_seconds: float = 0.0


@dataclass(slots=True)
class Plan:
    """Everything one transaction writes; empty plans write nothing."""

    ledger: list[LedgerRow] = field(default_factory=list)
    history: list[Arrival] = field(default_factory=list)
    states: list[StateRow] = field(default_factory=list)
    steps: dict[str, StepsRow] = field(default_factory=dict)
    announcements: list[Announcement] = field(default_factory=list)
    work: list[NewWork] = field(default_factory=list)
    done: list[tuple[int, int]] = field(default_factory=list)
    unassigned: Counter[tuple[int, str]] = field(default_factory=Counter)
    released: list[str] = field(default_factory=list)
    closed: dict[int, Day] = field(default_factory=dict)
    compounds: dict[str, int] = field(default_factory=dict)
    """Compounds whose memory this plan has changed, with their partitions."""
    heads: dict[FactKey, Known] = field(default_factory=dict)
    """The revisions that count after this plan."""
    hazards: list[HazardKnown] = field(default_factory=list)
    """Those that facts of this plan open."""
    judged: Counter[str] = field(default_factory=Counter)
    """How many facts met which fate, for the metrics."""
    _ordinals: dict[tuple[str, str, str], int] = field(default_factory=dict)

    def announce(
        self,
        compound: str,
        details: Details,
        *,
        trigger: str,
        cause_id: str,
        historical: bool,
        relations: CompoundRevision | None,
    ) -> None:
        """Add one outcome; ordinals count outcomes of one kind, compound and trigger in this plan."""
        same = (compound, details.kind, trigger)
        ordinal = self._ordinals.get(same, 0)
        self._ordinals[same] = ordinal + 1
        self.announcements.append(
            Announcement(
                compound,
                self.compounds[compound],
                details,
                trigger,
                ordinal,
                cause_id,
                historical,
                relations,
            )
        )
