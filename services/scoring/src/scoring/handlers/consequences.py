"""What a change means beside the score: clauses, caps, near stars, warnings and overdue hazards.

Each is told when what a compound shows differs from what it showed before, whatever brought it about: a fact,
a day, a registration. So nothing is told twice, and nothing is missed when days are closed late.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from scoring.domain.book import Book
from scoring.domain.deadlines import days_left, reminded_on
from scoring.domain.facts import Day
from scoring.domain.warnings import RED
from scoring.handlers import outcomes
from scoring.ports import NO_MARKS, Marks, Shown

BELOW_FOR_YELLOW = "below_30_days"
BELOW_FOR_RED = "below_90_days"
THIRD_YELLOW = "third_yellow"


class Consequence(NamedTuple):
    """One thing to tell, and the day from which it holds."""

    details: outcomes.Details
    effective: Day


def consequences(
    book: Book, before: Shown | None, after: Shown, day: Day, effective: Day
) -> Iterator[Consequence]:
    """What differs between two standings; `day` is the open one, `effective` that of the change.

    A compound that is not enrolled has nothing of this; one that joins has it all anew.
    """
    if not after.enrolled:
        return
    caps_before: tuple[tuple[str, int, str], ...] = ()
    marks_before = NO_MARKS
    if before is not None and before.enrolled:
        caps_before, marks_before = before.caps, before.marks
    if after.caps != caps_before:
        yield from _caps(set(caps_before), set(after.caps), day, effective)
    if after.marks != marks_before:
        yield from _marks(book, marks_before, after, day, effective)


def _caps(
    before: set[tuple[str, int, str]], after: set[tuple[str, int, str]], day: Day, effective: Day
) -> Iterator[Consequence]:
    for veto, cap, veto_id in sorted(before - after):
        yield Consequence(outcomes.VetoLifted(veto, cap, day, veto_id or None), effective)
    for veto, cap, veto_id in sorted(after - before):
        yield Consequence(outcomes.VetoApplied(veto, cap, day, veto_id or None), effective)


def _marks(book: Book, before: Marks, after: Shown, day: Day, effective: Day) -> Iterator[Consequence]:
    marks = after.marks
    if marks.failed != before.failed:
        yield Consequence(outcomes.EligibilityChanged(day, marks.failed, marks.unknown), effective)
    if marks.near is not None and (before.near is None or marks.near[:2] != before.near[:2]):
        direction, star, distance = marks.near
        assert after.dynamic_star is not None, "only a rated compound is near another star"
        yield Consequence(
            outcomes.ThresholdNear(day, direction, distance, after.dynamic_star, star), effective
        )
    if marks.warning != before.warning:
        yield _warning(book, before.warning, marks.warning, day)
    for hazard_id in marks.overdue:
        if hazard_id not in before.overdue:
            yield _overdue(book, hazard_id, day, effective)


def _warning(book: Book, before: str | None, level: str | None, day: Day) -> Consequence:
    closed = day if book.as_of_day is None else book.as_of_day
    if level is None:
        assert before is not None
        return Consequence(outcomes.WarningCleared(closed, before), closed)
    cause = BELOW_FOR_YELLOW
    if level == RED:
        long = book.course.warned.below_run >= book.rubric.warnings.red_days
        cause = BELOW_FOR_RED if long else THIRD_YELLOW
    return Consequence(outcomes.WarningRaised(closed, level, cause), closed)


def _overdue(book: Book, hazard_id: str, day: Day, effective: Day) -> Consequence:
    life = book.hazard(hazard_id, day)
    assert life is not None, "what is overdue was opened"
    # A rejection after the due day makes it overdue on that later day.
    since = min(max(life.due + 1, effective), day)
    opened = life.opened
    overdue = outcomes.HazardOverdue(hazard_id, opened.item, opened.hazard_class, life.due, since)
    return Consequence(overdue, since)


def reminders(book: Book, closed: Day) -> Iterator[outcomes.HazardDueSoon]:
    """The hazards of which the closing of a day reminds."""
    for hazard_id, life in reminded_on(book.shelves.hazards.events, book.rubric.hazards, closed):
        opened = life.opened
        yield outcomes.HazardDueSoon(
            hazard_id, opened.item, opened.hazard_class, life.due, closed, days_left(life, closed)
        )
