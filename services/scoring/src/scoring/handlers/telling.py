"""What is announced of a change: one place that turns standings and facts into outcomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from scoring.domain import facts
from scoring.domain.book import Book
from scoring.domain.facts import Day, Fact
from scoring.domain.hazards import Life
from scoring.domain.shelf import Forgotten
from scoring.handlers import outcomes
from scoring.handlers.consequences import consequences, reminders
from scoring.handlers.fold import Change
from scoring.handlers.plan import Plan
from scoring.handlers.reasons import reasons
from scoring.ports import FactKey, HazardKnown, Known, Shown

STAR_REASONS_MAX = 3
TOLD = frozenset(
    {
        facts.InspectionRecorded,
        facts.HazardOpened,
        facts.HazardMoved,
        facts.DisputeRecorded,
        facts.VetoStated,
        type(None),
    }
)
"""The data of facts that may mean something by themselves; see `_of_fact`."""
REPEAT_WITHIN_DAYS = 365


class Occasion(NamedTuple):
    """Why something is announced: `trigger` makes ids, `cause_id` is the event or work behind it.

    `effective` is the day it is about; one more than two days before `day` is told as history.
    """

    cause: str
    trigger: str
    cause_id: str
    day: Day
    effective: Day
    event_id: str | None = None

    @property
    def historical(self) -> bool:
        return self.day - self.effective > outcomes.HISTORICAL_AFTER_DAYS


Objection = Callable[[bytes], outcomes.ObjectionFiled | None]
"""Reads an objection from its event; the domain does not know it, because it changes nothing by itself."""


class Teller:
    """Puts outcomes into a plan."""

    def __init__(self, objection: Objection) -> None:
        self._objection = objection

    def moved(self, plan: Plan, change: Change, occasion: Occasion, come: Sequence[Fact] = ()) -> None:
        """`score.updated`, `star.changed` and what else follows, where something moved."""
        before, after, book = change.before, change.after, change.held.book
        assert book is not None
        if after.score_milli is not None if before is None else differs(before, after):
            self._score(plan, change, book, occasion, come)
        for details, effective in consequences(book, before, after, occasion.day, occasion.effective):
            self._announce(plan, book, details, occasion, effective)

    def _score(
        self, plan: Plan, change: Change, book: Book, occasion: Occasion, come: Sequence[Fact]
    ) -> None:
        before, after, held = change.before, change.after, change.held
        why = reasons(book, before, after, come, occasion.day)
        updated = outcomes.ScoreUpdated(
            occasion.day,
            before,
            after,
            held.version,
            change.next_change_day,
            occasion.cause,
            occasion.event_id,
            why,
        )
        self._announce(plan, book, updated, occasion)
        star_before = None if before is None else before.dynamic_star
        if after.dynamic_star != star_before:
            effective = star_since(plan, held.compound, after.dynamic_star, book.as_of_day or occasion.day)
            changed = outcomes.StarChanged(
                star_before,
                after.dynamic_star,
                effective,
                occasion.cause,
                after.score_milli,
                why[:STAR_REASONS_MAX],
            )
            self._announce(plan, book, changed, occasion, effective)

    def reminded(self, plan: Plan, book: Book, closed: Day, occasion: Occasion) -> None:
        """`hazard.due_soon`: of what the closing of a day reminds."""
        for details in reminders(book, closed):
            self._announce(plan, book, details, occasion)

    def revised(self, plan: Plan, book: Book, first: Day, last: Day, occasion: Occasion) -> None:
        """`history.revised`: closed days are not what they were."""
        self._announce(plan, book, outcomes.HistoryRevised(first, last, occasion.event_id), occasion, last)

    def facts(
        self,
        plan: Plan,
        change: Change,
        come: Sequence[Fact],
        occasion: Occasion,
        hazards: Sequence[HazardKnown],
        heads: Mapping[FactKey, Known],
    ) -> None:
        """What single facts mean for the people concerned.

        `hazards` are those of this compound, `heads` have at least the events of the objections in `come`.
        """
        book = change.held.book
        assert book is not None
        for fact in come:
            if type(fact.data) in TOLD and not fact.withdrawn:
                details = self._of_fact(heads, change, book, fact, occasion, hazards)
                if details is not None:
                    self._announce(plan, book, details, occasion, fact.day, fact.event_id)

    def _of_fact(
        self,
        heads: Mapping[FactKey, Known],
        change: Change,
        book: Book,
        fact: Fact,
        occasion: Occasion,
        hazards: Sequence[HazardKnown],
    ) -> outcomes.Details | None:
        enrolled = book.terms.enrolled(fact.day)
        details: outcomes.Details | None = None
        match fact.data:
            case facts.InspectionRecorded(_, checks) if enrolled:
                details = _assessed(change, fact, {check.item for check in checks})
            case facts.HazardOpened(hazard_id=hazard_id) if enrolled:
                details = _opened(book, fact, hazard_id, occasion.day, hazards)
            case facts.HazardMoved(hazard_id) if enrolled and fact.kind == "hazard.verified":
                details = _closed(book, fact, hazard_id, occasion.day)
            case facts.DisputeRecorded(dispute_id=dispute_id, code=code):
                until = fact.day + book.rubric.disputes.mediation_days - 1
                # Nobody can mediate in the past.
                details = outcomes.DisputeDue(dispute_id, code, until) if until >= occasion.day else None
            case facts.VetoStated(veto_id, veto, occurred_on) if fact.kind == "veto.proposed":
                details = outcomes.VetoProposed(veto_id, veto, occurred_on)
            case None if fact.kind == "objection.filed":
                details = self._objection(heads[fact.compound, fact.root].body)
        return details

    def _announce(
        self,
        plan: Plan,
        book: Book,
        details: outcomes.Details,
        occasion: Occasion,
        effective: Day | None = None,
        cause_id: str | None = None,
    ) -> None:
        about = occasion.effective if effective is None else effective
        plan.announce(
            book.compound,
            details,
            trigger=occasion.trigger,
            cause_id=cause_id or occasion.cause_id,
            historical=occasion.day - about > outcomes.HISTORICAL_AFTER_DAYS,
            relations=book.registry.in_force(occasion.day),
        )


def differs(before: Shown, after: Shown) -> bool:
    """Whether the score, a part of it or the star is another."""
    return (
        before.score_milli != after.score_milli
        or before.star != after.star
        or before.dynamic_star != after.dynamic_star
        or before.rated != after.rated
        or before.bonus_milli != after.bonus_milli
        or before.items != after.items
    )


def star_since(plan: Plan, compound: str, star: int | None, otherwise: Day) -> Day:
    """The day from which the dynamic star is what it is, by the steps of this plan."""
    since = otherwise
    row = plan.steps.get(compound)
    for step in reversed(row.steps if row is not None else ()):
        if step.dynamic_star != star:
            break
        since = step.day
    return since


def _assessed(change: Change, fact: Fact, items: set[str]) -> outcomes.InspectionAssessed:
    before = {} if change.before is None else change.before.items
    moved = {item: change.after.items.get(item, 0) - before[item] for item in sorted(items & before.keys())}
    return outcomes.InspectionAssessed(
        fact.root,
        fact.day,
        {item: -points for item, points in moved.items() if points < 0},
        {item: points for item, points in moved.items() if points > 0},
    )


def _opened(
    book: Book, fact: Fact, hazard_id: str, day: Day, hazards: Sequence[HazardKnown]
) -> outcomes.HazardOpened | None:
    life = _life(book, hazard_id, max(day, fact.day))
    if life is None or life.opened.event_id != fact.event_id.lower():
        return None
    item = life.opened.item
    repeat = any(
        one.item == item and one.root != fact.root and 0 <= fact.day - one.day < REPEAT_WITHIN_DAYS
        for one in hazards
    )
    return outcomes.HazardOpened(hazard_id, item, life.opened.hazard_class, life.due, fact.day, repeat)


def _closed(book: Book, fact: Fact, hazard_id: str, day: Day) -> outcomes.HazardClosed | None:
    life = _life(book, hazard_id, max(day, fact.day))
    if life is None or life.verified is None or life.verified.event_id != fact.event_id.lower():
        return None
    opened = life.opened
    return outcomes.HazardClosed(
        hazard_id, opened.item, opened.hazard_class, life.due, fact.day, bool(life.on_time)
    )


def _life(book: Book, hazard_id: str, day: Day) -> Life | None:
    try:
        return book.hazard(hazard_id, day)
    except Forgotten:
        return None
