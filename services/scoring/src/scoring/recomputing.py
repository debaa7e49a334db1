"""One compound computed from its facts alone, and how what is stored of it differs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple

import msgspec

from scoring.domain.book import Book
from scoring.domain.facts import NEVER, Day, Fact
from scoring.domain.registry import Registry
from scoring.domain.rubric_sections import Rubric
from scoring.domain.size import Terms
from scoring.domain.standing import Step
from scoring.handlers import fold
from scoring.handlers.days import as_date
from scoring.ports import Shown, StoredState
from scoring.store.books import StoredBooks

AHEAD_DAYS = 400
"""A packed book is also asked for a day on which all that it holds now has run out."""


class Kept(NamedTuple):
    """All that is stored of one compound."""

    state: StoredState
    as_of_day: date | None
    next_change_day: date | None
    steps: Sequence[Step]


def differences(kept: Kept, rubric: Rubric, registry: Registry, facts: Sequence[Fact]) -> Iterator[str]:
    """What is stored and should be otherwise, by all facts and the registry; nothing when all agrees."""
    state = kept.state
    if kept.as_of_day is None:
        yield "it was never folded"
        return
    as_of = kept.as_of_day.toordinal()
    book = Book(state.compound, rubric, registry)
    for fact in facts:
        book.add(fact)
    yield from _of_steps(kept.steps, book.refold(as_of))
    books = StoredBooks()
    yield from _of_shown(books.shown(state), fold.shown(book, state.day))
    until = book.next_change_day(state.day)
    if (NEVER if kept.next_change_day is None else kept.next_change_day.toordinal()) != until:
        yield f"next_change_day is {kept.next_change_day}, should be {_date(until)}"
    yield from _of_packed(books, state, book)


def _of_steps(stored: Sequence[Step], computed: Sequence[Step]) -> Iterator[str]:
    """The first step that differs: the rest follows from it."""
    before = {step.day: step for step in stored}
    after = {step.day: step for step in computed}
    for day in sorted(before.keys() | after.keys()):
        if day not in after:
            yield f"step {as_date(day)} should not be there"
        elif day not in before:
            yield f"step {as_date(day)} is missing"
        elif before[day] != after[day]:
            yield f"step {as_date(day)}: {_parts(before[day], after[day])}"
        else:
            continue
        return


def _of_shown(stored: Shown, computed: Shown) -> Iterator[str]:
    if stored != computed:
        yield f"state: {_parts(stored, computed)}"


def _of_packed(books: StoredBooks, state: StoredState, book: Book) -> Iterator[str]:
    try:
        packed = books.read(state, Terms(book.rubric, book.registry))
        if packed.incomplete:
            # It will be made anew before it is used.
            return
        later = state.day + AHEAD_DAYS
        same = (
            packed.as_of_day == book.as_of_day
            and packed.standing(state.day) == book.standing(state.day)
            and packed.settled(later) == book.settled(later)
        )
    except (msgspec.DecodeError, ValueError, TypeError, LookupError) as error:
        yield f"the packed book cannot be opened: {type(error).__name__}"
    else:
        if not same:
            yield "the packed book gives another score"


def _parts(stored: Shown | Step, computed: Shown | Step) -> str:
    told = [
        f"{name} is {before}, should be {after}"
        for name, before, after in zip(stored._fields, stored, computed, strict=True)
        if before != after
    ]
    return "; ".join(told)


def _date(day: Day) -> str:
    return "none" if day >= NEVER else as_date(day).isoformat()
