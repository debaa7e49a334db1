"""The items of B and C: STATE of checks and of devices, hazards beside it, and evidence that grows old.

Source: rubric.md section 4, B1 to C4. An item loses for its checks or for the status of its devices,
whichever is more (C1, C2), and for its hazards. Where all checkpoints of C3 are `na`, there is no such
equipment: its points move to other items.
"""

from typing import NamedTuple

from scoring.domain import evidence
from scoring.domain.checkpoints import loss
from scoring.domain.facilities import Status, status_permille
from scoring.domain.facts import Day
from scoring.domain.rubric_sections import Item
from scoring.domain.shelf import Points
from scoring.domain.shelves import Shelves
from scoring.domain.size import Terms


class State(NamedTuple):
    """P of an item on a day, what is lost of it and to what, and its latest evidence.

    `until` is the first later day on which any of it can differ.
    """

    full_milli: int
    checks_milli: int
    devices_milli: int
    hazards_milli: int
    status: Status | None
    evidence: Day | None
    until: Day

    @property
    def free_milli(self) -> int:
        """What is left, however old the evidence."""
        lost = max(self.checks_milli, self.devices_milli) + self.hazards_milli
        return min(max(self.full_milli - lost, 0), self.full_milli)


def state_of(item: Item, shelves: Shelves, terms: Terms, day: Day) -> State:
    """The state of a STATE item on `day`."""
    reading = shelves.reading(item.code, terms, day)
    until = reading.until
    full = 0 if item.moves_milli and reading.all_absent else item.points_milli
    for giver, moved in terms.rubric.receives.get(item.code, ()):
        given = shelves.reading(giver, terms, day)
        full += moved if given.all_absent else 0
        until = min(until, given.until)
    seen, devices_lost = reading.evidence, 0
    status = None
    hazards_lost = 0
    shelf = shelves.item(item.code)
    if shelf is not None and shelf.statuses is not None:
        statuses = shelf.statuses.statuses
        until = min(until, statuses.next_after(day))
        status = statuses.latest(day)
        if status is not None:
            seen = status[0] if seen is None else max(seen, status[0])
            if item.status:
                devices_lost = loss(full, status_permille(terms.rubric.state, status[3], status[4]))
    if shelf is not None:
        until = min(until, shelf.losses.next_after(day))
        hazards_lost = shelf.losses.at(day)
    return State(full, loss(full, reading.share_permille), devices_lost, hazards_lost, status, seen, until)


def points(item: Item, shelves: Shelves, terms: Terms, day: Day) -> Points:
    """The points of a STATE item on `day`."""
    state = state_of(item, shelves, terms, day)
    rules = terms.rubric.evidence
    since = terms.enrolled_since if state.evidence is None else state.evidence
    stale_from = evidence.stale_from(rules, since)
    unverified = state.evidence is None
    if day < stale_from:
        return Points(state.free_milli, state.full_milli, min(state.until, stale_from), unverified)
    held = min(state.free_milli, evidence.held_milli(rules, state.full_milli))
    return Points(held, state.full_milli, state.until, unverified, stale=True)
