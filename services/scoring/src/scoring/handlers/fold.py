"""Opening compounds from what is stored, and settling a change: steps, standing, state."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from typing import NamedTuple

from scoring.domain.book import Book
from scoring.domain.distance import near
from scoring.domain.facts import NEVER, Day, Fact
from scoring.domain.registry import Registry
from scoring.domain.rubric_sections import Rubric
from scoring.domain.size import Terms
from scoring.domain.standing import Step
from scoring.handlers.memory import Compounds, Held
from scoring.handlers.plan import Plan, StateRow, StepsRow
from scoring.ports import NO_MARKS, Archive, Books, Marks, Shown, StoredState


class Change(NamedTuple):
    """What a compound showed before a plan, and shows after it."""

    held: Held
    before: Shown | None
    after: Shown
    next_change_day: Day | None


class Folds:
    """Opens and settles the compounds of one process."""

    def __init__(self, archive: Archive, memory: Compounds, rubric: Rubric, books: Books) -> None:
        self._archive = archive
        self._memory = memory
        self._rubric = rubric
        self._books = books

    async def open(self, compounds: Mapping[str, int], *, anew: bool = False) -> dict[str, Held]:
        """The compounds by id and awake, loaded where they are not in memory; see `held` and `wake`.

        `anew`: with the registry as it is now. A compound that the registry does not know has no book.
        """
        found = await self.held(compounds, anew=anew)
        for one in found.values():
            self.wake(one)
        await self.complete([one for one in found.values() if one.book is not None and one.book.incomplete])
        return found

    async def held(self, compounds: Mapping[str, int], *, anew: bool = False) -> dict[str, Held]:
        """The compounds by id, loaded where they are not in memory, asleep where they are."""
        held: dict[str, Held] = {}
        missing: list[str] = []
        for compound in compounds:
            one = self._memory.get(compound)
            if one is None or one.terms is None or anew:
                missing.append(compound)
            if one is not None:
                held[compound] = one
        if missing:
            held.update(await self._load(missing, compounds, held))
        return held

    async def _load(
        self, missing: Collection[str], partitions: Mapping[str, int], known: Mapping[str, Held]
    ) -> dict[str, Held]:
        unstored = [compound for compound in missing if compound not in known]
        states, registries = await asyncio.gather(
            self._archive.states(unstored), self._archive.registries(missing)
        )
        found: dict[str, Held] = {}
        for compound in missing:
            held = known.get(compound) or _held(compound, partitions[compound], states.get(compound))
            registry = registries.get(compound)
            if registry is not None:
                self._register(held, registry)
            found[compound] = held
            self._memory.put(held)
        return found

    def _register(self, held: Held, registry: Registry) -> None:
        """The compound under the registry as it is now."""
        if held.terms is not None and self.wake(held) is not None:
            assert held.book is not None
            held.book.registry = registry
            # What is stored is of the registry before.
            held.stored = None
            held.terms = held.book.terms
        else:
            held.terms = Terms(self._rubric, registry)

    def wake(self, held: Held) -> Book | None:
        """The book of a compound, opened where it is asleep; it may be incomplete. None: not registered."""
        if held.book is None and held.terms is not None:
            if held.stored is None:
                held.book = Book(held.compound, self._rubric, held.terms.registry)
                held.book.incomplete = True
            else:
                held.book = self._books.read(held.stored, held.terms)
                held.shown = self._books.shown(held.stored)
        return held.book

    async def complete(self, incomplete: Collection[Held]) -> None:
        """Make books whole from the ledger; they stand where the incomplete ones stood."""
        if not incomplete:
            return
        compounds = [held.compound for held in incomplete]
        await self._memory.settled(compounds)
        facts = await self._archive.facts_of(compounds)
        for held in incomplete:
            assert held.book is not None
            held.book = rebuilt(held.book, facts.get(held.compound, []))

    def settle_change(self, plan: Plan, held: Held, day: Day, closed: Day, *, due_day: Day) -> Change:
        """The same after facts came, of which many change nothing: then there is nothing to write."""
        book, known = held.book, held.shown
        assert book is not None
        stands = (held.day, book.as_of_day) == (day, closed)
        if stands and known is not None and held.stored is not None and not book.changed:
            return Change(held, known, known, None)
        return self.settle(plan, held, day, closed, due_day=due_day)

    def settle(self, plan: Plan, held: Held, day: Day, closed: Day, *, due_day: Day | None = None) -> Change:
        """Fold what is closed, look at `day`, and put the state into the plan.

        `due_day`: when closings must look at the compound again, if the caller knows; to find the exact day
        costs a look at the last closed one.
        """
        book = held.book
        assert book is not None
        self.close(plan, held, closed)
        assert book.as_of_day is not None
        if due_day is None:
            as_of = book.as_of_day
            due_day = min(book.next_change_day(as_of), book.deadlines(as_of, exact=True).until)
        after = shown(book, day)
        change = Change(held, held.shown, after, _or_none(book.next_change_day(day)))
        registered = book.registry.in_force(day)
        assert registered is not None
        held.version, held.day, held.shown = held.version + 1, day, after
        held.stored = self._books.write(book, held.version, day, after)
        plan.states.append(
            StateRow(
                held.stored,
                held.partition,
                book.as_of_day,
                change.next_change_day,
                _or_none(due_day),
                registered,
            )
        )
        plan.compounds[held.compound] = held.partition
        return change

    def close(self, plan: Plan, held: Held, closed: Day) -> None:
        """Fold the days up to `closed` that are not folded yet; their steps go into the plan."""
        book = held.book
        assert book is not None
        anew = book.as_of_day is None
        if anew or (book.as_of_day is not None and book.as_of_day < closed):
            add_steps(plan, held.compound, book.close_through(closed), anew=anew)


def shown(book: Book, day: Day) -> Shown:
    """What a compound shows on `day`, from its last closed day on."""
    standing = book.standing(day)
    if not standing.enrolled:
        return Shown.of(standing, NO_MARKS)
    close = near(book.rubric, standing)
    failed, unknown = standing.eligibility
    # Told day by day: after an absence, what was overdue for a while in between is told as well.
    following = day if book.as_of_day is None else min(day, book.as_of_day + 1)
    marks = Marks(
        failed,
        unknown,
        None if close is None else (close.direction, close.star, close.distance_milli),
        standing.warning,
        book.deadlines(following).overdue,
    )
    return Shown.of(standing, NO_MARKS if marks == NO_MARKS else marks)


def _held(compound: str, partition: int, stored: StoredState | None) -> Held:
    if stored is None:
        return Held(compound, partition)
    return Held(compound, partition, version=stored.version, day=stored.day, stored=stored)


def _or_none(day: Day) -> Day | None:
    return None if day >= NEVER else day


def add_steps(plan: Plan, compound: str, steps: list[Step], *, anew: bool) -> None:
    """Put steps into a plan: more of a compound, or `anew` all that it has."""
    if steps or anew:
        before = plan.steps.get(compound)
        if before is not None and not anew:
            steps, anew = before.steps + steps, before.anew
        plan.steps[compound] = StepsRow(compound, steps, anew)


def rebuilt(book: Book, facts: Collection[Fact]) -> Book:
    """A whole book of these facts that stands where `book` stands: closed day, star, runs, dirty days."""
    whole = Book(book.compound, book.rubric, book.registry)
    for fact in facts:
        whole.add(fact)
    whole.stand_like(book)
    return whole
