"""A Book keeps everything that decides the score of one compound, and answers for any day.

    Book(compound, rubric, registry)      empty; `registry` may be set later, which judges everything anew
    .add(fact) / .remove(fact)            a counted revision comes, or the one counted before goes
    .standing(day) -> Standing            any day from the last closed one on; any day at all while `whole`
    .settled(day) -> Standing             with the star that `day` has, or would have once closed
    .close_through(day) -> list[Step]     folds closed days; steps only where something changed
    .refold(through) -> list[Step]        folds all days from the first; needs `whole`
    .next_change_day(day) -> Day          the first later day on which anything can differ; asked with
                                          `as_of_day` it includes the moves of the dynamic star
    .as_of_day, .dirty_from               the last closed day; the earliest closed day touched since
    .pack() -> plain parts                Book.unpack(compound, plain, rubric, registry)
    .remember() -> plain                  what it has worked out, for `unpack`; may be lost at any time
    .whole, .facts()                      whether all facts are here, and the facts
    .incomplete                           its answers are not to be used: make a whole book of all facts

A book made by adding facts is `whole`: it keeps them and can answer for every past day. An unpacked one has
only what still matters from its last closed day on. When a fact touches what was left out, or a new registry
changes the past, it becomes `incomplete`.
"""

from collections.abc import Iterator

from scoring.domain.board import Look
from scoring.domain.course import START, Closed, Course, follow, next_move
from scoring.domain.deadlines import Deadlines
from scoring.domain.facts import NEVER, Day, Fact, HazardExtended, HazardMoved, HazardOpened
from scoring.domain.hazards import Life, counting, life
from scoring.domain.items import points_of
from scoring.domain.packing import Packer
from scoring.domain.recall import Recall
from scoring.domain.registry import Registry
from scoring.domain.routes import ROUTES, change
from scoring.domain.rubric_sections import Rubric
from scoring.domain.shelf import Forgotten, Opener, Plain, Points, as_it_is
from scoring.domain.shelves import Shelves
from scoring.domain.size import Terms, difference
from scoring.domain.standing import Standing, Step, standing_of, step_of

FactKey = tuple[str, int, str, str]


class Book:
    """See the module."""

    def __init__(self, compound: str, rubric: Rubric, registry: Registry) -> None:
        self._begin(compound, Terms(rubric, registry))
        self._facts: dict[FactKey, Fact] | None = {}
        self._shelves = Shelves(rubric)
        self._packer = Packer(rubric)
        self._recall = Recall(rubric)

    def _begin(self, compound: str, terms: Terms) -> None:
        self.compound = compound
        self.rubric = terms.rubric
        self.as_of_day: Day | None = None
        self.dirty_from: Day | None = None
        self.incomplete = False
        self._course = START
        self._terms = terms
        self._dirtied = False

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
        self._recall = Recall(self.rubric)
        changed = difference(before, self._terms)
        if changed is None:
            return
        self._touch(changed.first_day)
        if not changed.facts_count_otherwise:
            return
        if self._facts is None:
            self.incomplete = True
            return
        self._packer.clear(self.rubric)
        self._shelves = Shelves(self.rubric)
        for fact in self._facts.values():
            if self._terms.enrolled(fact.day):
                change(self._shelves, fact, self._terms, 1)

    def add(self, fact: Fact) -> None:
        """Counts a fact: the revision of its root that counts now. Withdrawals count nothing."""
        if fact.withdrawn or fact.kind not in ROUTES:
            return
        if self._facts is not None:
            self._facts[_key(fact)] = fact
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
            touched = change(self._shelves, fact, self._terms, sign)
            if isinstance(fact.data, (HazardOpened, HazardMoved, HazardExtended)):
                self._recall.touch_hazard(self._shelves, fact.data.hazard_id)
        except Forgotten:
            self.incomplete = True
            touched = ()
        if touched:
            self._recall.touch(touched)
            self._packer.touch(touched)
        self._touch(fact.day)

    def _touch(self, day: Day) -> None:
        if self.as_of_day is None or day > self.as_of_day:
            return
        if self.dirty_from is None or day < self.dirty_from:
            self.dirty_from = day
            self._dirtied = True

    def stand_like(self, other: "Book") -> None:
        """Continues where another book of this compound stands: last closed day, star, runs, dirty days."""
        self.as_of_day, self.dirty_from = other.as_of_day, other.dirty_from
        self._course = other._course  # noqa: SLF001 - the same class
        self._packer.clear(self.rubric)

    @property
    def changed(self) -> bool:
        """Whether it is another book than the one that was packed or unpacked last."""
        return self._dirtied or self._packer.stale

    @property
    def shelves(self) -> Shelves:
        """The facts that count, on the shelves of their families; to be read only."""
        return self._shelves

    @property
    def terms(self) -> Terms:
        """The rubric and the registry, asked by day."""
        return self._terms

    def points(self, code: str, day: Day) -> Points:
        """The points of one item on `day`."""
        return points_of(self.rubric.items[code], self._shelves, self._terms, day)

    def hazard(self, hazard_id: str, day: Day) -> Life | None:
        """A hazard as known on `day`; None before it was opened. Raises Forgotten when it was left out."""
        return life(counting(self._shelves.hazards.of(hazard_id)), self.rubric.hazards, day)

    def deadlines(self, day: Day, *, exact: bool = False) -> Deadlines:
        """The deadlines of open hazards as known on `day`, a day from the last closed one on.

        `exact`: with the very day on which to look again; without, that may be too early.
        """
        return self._recall.deadlines(self._shelves, day, exact=exact)

    @property
    def course(self) -> Course:
        """Star and warnings after the last closed day."""
        return self._course

    def standing(self, day: Day) -> Standing:
        """The result of `day` with the star of the last closed day."""
        return standing_of(self._look(day), day, self._course, self.rubric)

    def settled(self, day: Day) -> Standing:
        """The result of `day` with the star that it has once it is closed, by the facts known now.

        A past day needs a whole book (else Forgotten); a day ahead is a projection.
        """
        if self.as_of_day is not None and self.as_of_day <= day:
            start, course = self.as_of_day + 1, self._course
        elif self._facts is not None:
            start, course = self._first_day(), START
        else:
            raise Forgotten
        for closed in self._days(start, day, course):
            course = closed.course
        return standing_of(self._look(day), day, course, self.rubric)

    def close_through(self, day: Day) -> list[Step]:
        """Folds the days after the last closed one up to `day`; answers those on which something changed."""
        if self.as_of_day is None:
            return self.refold(day)
        if day <= self.as_of_day:
            return []
        before = step_of(self._look(self.as_of_day), self.as_of_day, self._course)
        return self._close(self.as_of_day + 1, day, before)

    def refold(self, through: Day) -> list[Step]:
        """Folds all days from the first enrolled one up to `through`; raises Forgotten when not whole."""
        if self._facts is None:
            raise Forgotten
        self._course = START
        self.dirty_from = None
        return self._close(self._first_day(), through, None)

    def _first_day(self) -> Day:
        first = self.registry.first_enrolled
        return NEVER if first is None else first

    def _close(self, start: Day, through: Day, before: Step | None) -> list[Step]:
        steps: list[Step] = []
        for closed in self._days(start, through, self._course):
            self._course = closed.course
            if not closed.new:
                continue
            step = step_of(closed.look, closed.day, closed.course)
            if step.score_milli is not None if before is None else not step.same_as(before):
                steps.append(step)
                before = step
        self.as_of_day = through
        return steps

    def _days(self, start: Day, through: Day, course: Course) -> Iterator[Closed]:
        """Each day from `start` to `through`, folded."""
        return follow(self.spans(start, through), self.rubric, course)

    def spans(self, start: Day, through: Day) -> Iterator[tuple[Look, Day, Day]]:
        """The days from `start` to `through` as (look, first day, day after the last) of equal days."""
        day = start
        while day <= through:
            look = self._recall.look(self._shelves, self._terms, day, closed=True)
            yield look, day, min(look.until, through + 1)
            day = look.until

    def next_change_day(self, day: Day) -> Day:
        """The first day after `day` on which anything can differ from `day`; NEVER without one.

        Asked with `as_of_day` it includes the day whose closing moves the dynamic star or a warning.
        """
        look = self._look(day)
        if day != self.as_of_day:
            return look.until
        move = next_move(self.rubric, self._course, look, day)
        return look.until if move is None else min(look.until, move)

    def _look(self, day: Day) -> Look:
        closed = self.as_of_day is not None and day <= self.as_of_day
        return self._recall.look(self._shelves, self._terms, day, closed=closed)

    def pack(self) -> Plain:
        """What still matters from the last closed day on; the book itself stays as it is."""
        self._dirtied = False
        parts = self._packer.pack(self._shelves, self._terms, self.as_of_day)
        return (self.as_of_day, self.dirty_from, int(self.incomplete), *self._course.pack(), parts)

    def remember(self) -> Plain:
        """What the book has worked out and need not find again, as long as its registry stays the same."""
        return (self.registry.mark, self._recall.pack())

    @classmethod
    def unpack(cls, compound: str, plain: Plain, rubric: Rubric, registry: Registry) -> "Book":
        """The book that `pack` made, under the same rubric and a registry that agrees for the past."""
        return cls.reopen(compound, plain, Terms(rubric, registry))

    @classmethod
    def reopen(
        cls,
        compound: str,
        plain: Plain,
        terms: Terms,
        remembered: Plain = (),
        open_part: Opener = as_it_is,
    ) -> "Book":
        """The same with what the book remembered, under terms that may serve many books of a compound.

        One that remembers another registry is incomplete: it is to be made anew from its facts.

        Its parts may be anything that `open_part` makes plain; those that nobody needs are never opened.
        """
        book = object.__new__(cls)
        book._begin(compound, terms)
        as_of, dirty, incomplete, *course, parts = plain
        book.as_of_day, book.dirty_from, book.incomplete = as_of, dirty, bool(incomplete)
        book._course = Course.unpack(*course)
        book._facts = None
        book._shelves, book._packer = Shelves(terms.rubric, parts, open_part), Packer(terms.rubric, parts)
        mark, recall = remembered or (None, ())
        if mark == terms.registry.mark:
            book._recall = Recall.unpack(recall, terms.rubric)
            return book
        book._recall = Recall(terms.rubric)
        # Its facts were put on the shelves under another registry, by which others of them may have counted.
        book.incomplete = book.incomplete or mark is not None
        return book


def _key(fact: Fact) -> FactKey:
    return fact.root, fact.revision, fact.source, fact.event_id
