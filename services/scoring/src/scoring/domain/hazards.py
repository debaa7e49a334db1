"""HAZARD: the life of a hazard, its clock, its residue, and whether it was put right in time.

Source: rubric.md section 3. A `Life` is what is known of a hazard on one day; everything that a hazard
costs or proves is read from it. `traces.py` turns lives into steps, so that a day costs nothing per hazard.
"""

from typing import NamedTuple

from scoring.domain.facts import Day, Fact, HazardExtended, HazardMoved, HazardOpened, Order
from scoring.domain.rubric_sections import Hazards

UNIT = 1_000
OPENED, RECTIFIED, VERIFIED, REJECTED, EXTENDED = range(5)
MOVES = {"hazard.rectified": RECTIFIED, "hazard.verified": VERIFIED, "hazard.rejected": REJECTED}


class Event(NamedTuple):
    """One fact of a hazard; the last parts are of the opening, `due` also of an extension (0: by class)."""

    day: Day
    instant_us: int
    event_id: str
    move: int = 0
    due: Day = 0
    item: str = ""
    checkpoint: str = ""
    hazard_class: str = ""
    points_milli: int = 0
    by_company: int = 0

    @property
    def order(self) -> Order:
        return (self.day, self.instant_us, self.event_id)


class Life(NamedTuple):
    """A hazard as known on a day; `rectified` is the day of the standing rectification."""

    opened: Event
    original_due: Day
    due: Day
    rectified: Day | None = None
    verified: Event | None = None

    def overdue_days(self, day: Day) -> int:
        """Days beyond the due day by the clock, which the standing rectification stops."""
        return (day if self.rectified is None else min(day, self.rectified)) - self.due

    def clock_permille(self, rules: Hazards, day: Day) -> int:
        """m: dearer when late, and dearer again when very late."""
        in_time, late, very_late = rules.clock_permille
        overdue = self.overdue_days(day)
        if overdue <= 0:
            return in_time
        return late if overdue <= rules.late_days else very_late

    @property
    def on_time(self) -> bool | None:
        """Whether it was put right in time; None while that is for the officer to say."""
        if self.rectified is not None:
            if self.rectified > self.due:
                return False
            return True if self.verified is not None else None
        return self.verified is not None and self.verified.day <= self.due

    def loss_milli(self, rules: Hazards, day: Day) -> int:
        """What the hazard costs on `day`: by the clock while open, then a residue that ends."""
        points = self.opened.points_milli
        if self.verified is None:
            return points * self.clock_permille(rules, day) // UNIT
        if self.opened.by_company and self.on_time:
            return 0
        age = day - self.verified.day
        for limit, weight in rules.residue:
            if age < limit:
                return points * weight // UNIT
        return 0

    def grave_and_late(self, rules: Hazards, day: Day) -> bool:
        """V6: open, of a grave class, and very late by the clock."""
        return (
            self.verified is None
            and self.opened.hazard_class in rules.grave
            and self.overdue_days(day) > rules.late_days
        )


def event_of(fact: Fact, data: HazardOpened | HazardMoved | HazardExtended) -> Event:
    """The fact as an event of its hazard."""
    if isinstance(data, HazardOpened):
        return Event(
            *fact.order,
            OPENED,
            data.due or 0,
            data.item,
            data.checkpoint,
            data.hazard_class,
            data.points_milli,
            int(fact.by_company),
        )
    if isinstance(data, HazardExtended):
        return Event(*fact.order, EXTENDED, data.due)
    return Event(*fact.order, MOVES[fact.kind])


def counting(events: list[Event]) -> list[Event]:
    """The events that count: from the earliest opening to the first verification after it."""
    start = next((place for place, event in enumerate(events) if event.move == OPENED), None)
    if start is None:
        return []
    found: list[Event] = []
    for event in events[start:]:
        if event.move != OPENED or not found:
            found.append(event)
        if event.move == VERIFIED:
            break
    return found


def life(events: list[Event], rules: Hazards, day: Day) -> Life | None:
    """The hazard as known on `day`; `events` are those that count. None before it was opened."""
    if not events or events[0].day > day:
        return None
    opened = events[0]
    original = opened.due or opened.day + rules.due_days[opened.hazard_class]
    due, rectified, verified = original, None, None
    bounded = opened.hazard_class not in rules.extension_unbounded
    for event in events[1:]:
        if event.day > day:
            break
        if event.move == RECTIFIED:
            rectified = event.day if rectified is None else rectified
        elif event.move == REJECTED:
            rectified = None
        elif event.move == VERIFIED:
            verified = event
        elif event.day <= due < event.due and not (
            bounded and event.due > original + rules.extension_days_max
        ):
            due = event.due
    return Life(opened, original, due, rectified, verified)
