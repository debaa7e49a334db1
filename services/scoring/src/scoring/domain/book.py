"""A Book keeps everything that decides the score of one compound, and answers for any day.

    Book(compound, rubric, registry)          empty; `registry` may be set later, which judges everything anew
    .add(fact) / .remove(fact)                a counted revision comes, or the one counted before goes
    .standing(day) -> Standing                any day from the last closed one on; any day at all while `whole`
    .settled(day) -> Standing                 the same with the star that `day` has (past) or would have once closed
    .close_through(day) -> list[Step]         folds closed days; steps only where something changed
    .refold(through) -> list[Step]            folds all days from the first; needs `whole`
    .next_change_day(day) -> Day              the first later day on which anything can differ; ask it with
                                              `as_of_day`, then it includes the moves of the dynamic star
    .as_of_day / .dirty_from / .incomplete    last closed day; earliest closed day touched since; must be built anew
    .pack() -> plain tuples, Book.unpack(compound, plain, rubric, registry)
    .facts() -> the facts added               while `whole`

A book made by adding facts is `whole`: it keeps them and can answer for every past day. An unpacked one has only
what still matters from its last closed day on. When a fact touches what was left out it becomes `incomplete`:
its answers are not to be used, and a whole book must be made from all facts of the compound.
"""

from collections.abc import Iterator
from typing import NamedTuple

from scoring.domain import packing, stars
from scoring.domain.eligibility import Eligibility, eligibility
from scoring.domain.facts import NEVER, Day, Fact
from scoring.domain.hazards import Life, counting, life
from scoring.domain.items import points_of
from scoring.domain.registry import Registry
from scoring.domain.rubric_sections import Rubric
from scoring.domain.shelf import Forgotten, Plain, Points
from scoring.domain.shelves import ROUTES, Shelves
from scoring.domain.size import Terms
from scoring.domain.standing import Standing, Step
from scoring.domain.stars import Fold, Limits
from scoring.domain.vetoes import AUTOMATIC_ELIGIBILITY, AUTOMATIC_HAZARD, Cap


class _Result(NamedTuple):
    """What a day gives before the dynamic star, valid from `day` to before `until`."""

    day: Day
    until: Day
    enrolled: bool
    rated: bool
    score_milli: int | None
    points: dict[str, Points]
    bonus_milli: int
    caps: tuple[Cap, ...]
    eligibility: Eligibility
    categories: dict[str, int]
    limit: Limits


class Book:
    """See the module."""

    def __init__(self, compound: str, rubric: Rubric, registry: Registry) -> None:
        self.compound = compound
        self.rubric = rubric
        self.as_of_day: Day | None = None
        self.dirty_from: Day | None = None
        self.incomplete = False
        self._fold = Fold()
        self._facts: dict[tuple[str, int, str, str], Fact] | None = {}
        self._newest: Day = 0
        self._terms = Terms(rubric, registry)
        self._shelves = Shelves(rubric)
        self._points: dict[str, tuple[Day, Points]] = {}
        self._result: _Result | None = None

    @property
    def whole(self) -> bool:
        """Whether all facts are here, so that past days can be asked for."""
        return self._facts is not None

    def facts(self) -> list[Fact]:
        """The facts added and not removed; raises Forgotten when the book is not whole."""
        if self._facts is None:
            raise Forgotten
        return list(self._facts.values())

    @property
    def registry(self) -> Registry:
        """The registry under which facts are judged; setting it judges them anew."""
        return self._terms.registry

    @registry.setter
    def registry(self, registry: Registry) -> None:
        before, self._terms = self._terms, Terms(self.rubric, registry)
        self._forget_results()
        changed = first_difference(before, self._terms, self._horizon())
        if changed is None:
            return
        if self.as_of_day is not None and changed <= self.as_of_day:
            self._touch(changed)
        if self._facts is None:
            self.incomplete = True
            return
        self._shelves = Shelves(self.rubric)
        for fact in self._facts.values():
            if self._terms.enrolled(fact.day):
                self._shelves.add(fact, self._terms)

    def add(self, fact: Fact) -> None:
        """Counts a fact: the revision of its root that counts now. Withdrawals count nothing."""
        if fact.withdrawn or fact.kind not in ROUTES:
            return
        if self._facts is not None:
            self._facts[_key(fact)] = fact
        self._newest = max(self._newest, fact.day)
        if self._terms.enrolled(fact.day):
            self._change(fact, 1)

    def remove(self, fact: Fact) -> None:
        """Uncounts the revision that counted until now; it must be the very fact that was added."""
        if fact.withdrawn or fact.kind not in ROUTES:
            return
        if self._facts is not None and self._facts.pop(_key(fact), None) is None:
            return
        if self._terms.enrolled(fact.day):
            self._change(fact, -1)

    def _change(self, fact: Fact, sign: int) -> None:
        try:
            if sign > 0:
                touched = self._shelves.add(fact, self._terms)
            else:
                touched = self._shelves.remove(fact, self._terms)
        except Forgotten:
            self.incomplete = True
            touched = ()
        for code in touched:
            self._points.pop(code, None)
        self._result = None
        self._touch(fact.day)

    def stand_like(self, other: "Book") -> None:
        """Continues where another book of this compound stands: last closed day, star, runs, dirty days."""
        self.as_of_day, self.dirty_from = other.as_of_day, other.dirty_from
        self._fold = other._fold  # noqa: SLF001 - the same class

    def hazard(self, hazard_id: str, day: Day) -> Life | None:
        """A hazard as known on `day`; None before it was opened. Raises Forgotten when it was left out."""
        return life(counting(self._shelves.hazards.of(hazard_id)), self.rubric.hazards, day)

    def _touch(self, day: Day) -> None:
        if self.as_of_day is not None and day <= self.as_of_day:
            self.dirty_from = day if self.dirty_from is None else min(day, self.dirty_from)

    def _forget_results(self) -> None:
        self._points.clear()
        self._result = None

    def _horizon(self) -> Day:
        return self._newest + self.rubric.disputes.mediation_days

    def standing(self, day: Day) -> Standing:
        """The result of `day` with the star of the last closed day."""
        return _standing(self._evaluate(day), day, self._fold, self.rubric)

    def settled(self, day: Day) -> Standing:
        """The result of `day` with the star that it has once it is closed, by the facts known now.

        A past day needs a whole book (else Forgotten); a day ahead is a projection.
        """
        start, fold = self._from(day)
        result = self._evaluate(day)
        for result, _, fold, _ in self._days(start, day, fold):
            pass
        return _standing(result, day, fold, self.rubric)

    def _from(self, day: Day) -> tuple[Day, Fold]:
        if self.as_of_day is not None and self.as_of_day <= day:
            return self.as_of_day + 1, self._fold
        if self._facts is None:
            raise Forgotten
        return self.registry.first_enrolled or NEVER, Fold()

    def close_through(self, day: Day) -> list[Step]:
        """Folds the days after the last closed one up to `day`; answers those on which something changed."""
        if self.as_of_day is None:
            return self.refold(day)
        before = _signature(
            _standing(self._evaluate(self.as_of_day), self.as_of_day, self._fold, self.rubric)
        )
        return self._close(self.as_of_day + 1, day, before)

    def refold(self, through: Day) -> list[Step]:
        """Folds all days from the first enrolled one up to `through`; raises Forgotten when not whole."""
        if self._facts is None:
            raise Forgotten
        self._fold = Fold()
        self.dirty_from = None
        return self._close(self.registry.first_enrolled or NEVER, through, None)

    def _close(self, start: Day, through: Day, before: object) -> list[Step]:
        steps: list[Step] = []
        for result, day, fold, moved in self._days(start, through, self._fold):
            self._fold = fold
            if not moved and steps and day != result.day:
                continue
            standing = _standing(result, day, fold, self.rubric)
            signature = _signature(standing)
            if signature != before and (before is not None or standing.score_milli is not None):
                before = signature
                steps.append(_step(standing))
        if self.as_of_day is None or through > self.as_of_day:
            self.as_of_day = through
        return steps

    def _days(self, start: Day, through: Day, fold: Fold) -> Iterator[tuple[_Result, Day, Fold, bool]]:
        """Each day from `start` to `through` with its result, the fold after it, and whether its star moved."""
        rules = self.rubric.stars
        day = start
        while day <= through:
            result = self._evaluate(day)
            until = min(result.until, through + 1)
            while day < until:
                after = fold
                if result.rated and result.score_milli is not None:
                    after = stars.fold(rules, fold, result.score_milli, result.limit)
                moved, fold = after.star != fold.star, after
                yield result, day, fold, moved
                day += 1

    def next_change_day(self, day: Day) -> Day:
        """The first day after `day` on which anything can differ from `day`; NEVER without one.

        Asked with `as_of_day` it includes the day whose closing moves the dynamic star.
        """
        result = self._evaluate(day)
        until = result.until
        if day == self.as_of_day and result.rated and result.score_milli is not None:
            moves = stars.days_to_move(self.rubric.stars, self._fold, result.score_milli, result.limit)
            if moves is not None:
                until = min(until, day + moves)
        return until

    def _evaluate(self, day: Day) -> _Result:
        known = self._result
        if known is not None and known.day <= day < known.until:
            return known
        self._result = self._compute(day)
        return self._result

    def _compute(self, day: Day) -> _Result:
        terms, rubric, shelves = self._terms, self.rubric, self._shelves
        boundary = terms.registry.next_boundary(day)
        enrolled, rated = terms.enrolled(day), day >= terms.rated_from
        until = min(boundary, NEVER if rated else terms.rated_from)
        until = min(until, shelves.vetoes.next_after(rubric.vetoes, day), shelves.grave.next_after(day))
        eligible = eligibility(rubric.eligibility, terms.registry, day)
        caps = tuple(self._caps(day, eligible))
        if not enrolled:
            none = Limits(rubric.stars.ladder[-1])
            return _Result(day, until, False, rated, None, {}, 0, caps, eligible, {}, none)
        points: dict[str, Points] = {}
        for code, item in rubric.items.items():
            cached = self._points.get(code)
            if cached is None or not cached[0] <= day < cached[1].until:
                found = points_of(item, shelves, terms, day)
                cached = (day, found._replace(until=min(found.until, boundary)))
                self._points[code] = cached
            points[code] = cached[1]
            until = min(until, cached[1].until)
        bonus = min(shelves.bonus.at(day), rubric.bonus.max_milli)
        until = min(until, shelves.bonus.next_after(day))
        categories = dict.fromkeys(rubric.categories, 0)
        full = dict.fromkeys(rubric.categories, 0)
        for code, one in points.items():
            categories[code[0]] += one.points_milli
            full[code[0]] += one.full_milli
        missing = any(points[code].stale for code in rubric.stars.evidence_items)
        limit = stars.limits(rubric.stars, categories, full, evidence_missing=missing)
        score = min(sum(categories.values()) + bonus, rubric.full_milli)
        return _Result(day, until, True, rated, score, points, bonus, caps, eligible, categories, limit)

    def _caps(self, day: Day, eligible: Eligibility) -> list[Cap]:
        caps = self._shelves.vetoes.caps(self.rubric.vetoes, day)
        if self._shelves.grave.at(day) > 0:
            caps.append(Cap(AUTOMATIC_HAZARD, self.rubric.vetoes.caps[AUTOMATIC_HAZARD]))
        if eligible.lost:
            caps.append(Cap(AUTOMATIC_ELIGIBILITY, self.rubric.vetoes.caps[AUTOMATIC_ELIGIBILITY]))
        return caps

    def pack(self) -> Plain:
        """What still matters from the last closed day on, as plain tuples; the book itself stays as it is."""
        head = (self.as_of_day, self.dirty_from, int(self.incomplete), self._newest, *self._fold)
        return (*head, packing.pack(self._shelves, self._terms, self.as_of_day))

    @classmethod
    def unpack(cls, compound: str, plain: Plain, rubric: Rubric, registry: Registry) -> "Book":
        """The book that `pack` made, under the same rubric and a registry that agrees for the past."""
        book = cls(compound, rubric, registry)
        book._facts = None
        as_of, dirty, incomplete, newest, star, up, down, shelves = plain
        book.as_of_day, book.dirty_from, book.incomplete, book._newest = (
            as_of,
            dirty,
            bool(incomplete),
            newest,
        )
        book._fold = Fold(star, up, down)
        book._shelves = packing.unpack(shelves, rubric)
        return book


def first_difference(before: Terms, after: Terms, horizon: Day) -> Day | None:
    """The first day up to `horizon` on which facts count or weigh differently; None without one."""
    starts = {0, *before.registry.boundaries, *after.registry.boundaries}
    for day in sorted(starts):
        if day > horizon:
            return None
        if _weight(before, day) != _weight(after, day):
            return day
    return None


def _weight(terms: Terms, day: Day) -> tuple[bool, int]:
    return terms.enrolled(day), terms.size_permille(day)


def _key(fact: Fact) -> tuple[str, int, str, str]:
    return fact.root, fact.revision, fact.source, fact.event_id


def _standing(result: _Result, day: Day, fold: Fold, rubric: Rubric) -> Standing:
    star = limited = None
    if result.score_milli is not None:
        limited = stars.limited_star(rubric.stars, result.score_milli, result.limit)
        if fold.star is not None and result.rated:
            star = min([fold.star, *(cap.cap for cap in result.caps)])
    return Standing(
        day=day,
        enrolled=result.enrolled,
        rated=result.rated,
        score_milli=result.score_milli,
        categories=result.categories,
        items={code: one.points_milli for code, one in result.points.items()},
        full_milli={code: one.full_milli for code, one in result.points.items()},
        bonus_milli=result.bonus_milli,
        unverified=tuple(code for code, one in result.points.items() if one.unverified),
        evidence_missing=any(
            result.points[code].stale for code in rubric.stars.evidence_items if result.points
        ),
        limited_star=limited,
        dynamic_star=fold.star if result.rated and result.score_milli is not None else None,
        star=star,
        up_run=fold.up_run,
        down_run=fold.down_run,
        caps=result.caps,
        eligibility=result.eligibility,
    )


def _signature(standing: Standing) -> object:
    return (
        standing.score_milli,
        standing.items,
        standing.bonus_milli,
        standing.dynamic_star,
        standing.star,
        standing.caps,
    )


def _step(standing: Standing) -> Step:
    return Step(
        day=standing.day,
        score_milli=standing.score_milli,
        star=standing.star,
        dynamic_star=standing.dynamic_star,
        up_run=standing.up_run,
        down_run=standing.down_run,
        items=standing.items,
        bonus_milli=standing.bonus_milli,
        caps=standing.caps,
    )
