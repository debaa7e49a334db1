"""The score of any day: from the state when it is the open day, else from all facts, by the pure domain."""

from __future__ import annotations

from dataclasses import dataclass

from scoring.domain.book import Book
from scoring.domain.facts import Day
from scoring.domain.rubric_sections import Rubric
from scoring.domain.standing import Standing
from scoring.store.views import Compounded


@dataclass(frozen=True, slots=True)
class DayScore:
    """The standing of a day, whether that day is closed, and the state's version it belongs to."""

    standing: Standing
    closed: bool
    version: int
    book: Book


def score_on(compound: str, compounded: Compounded, rubric: Rubric, day: Day, open_day: Day) -> DayScore:
    """The score of a past day as it closed, of the open day as it stands, of a day ahead as a projection."""
    book = Book(compound, rubric, compounded.registry)
    for fact in compounded.facts:
        book.add(fact)
    closed = open_day - 1 if compounded.closed is None else compounded.closed
    book.close_through(closed)
    is_open = closed < day <= max(open_day, closed + 1)
    standing = book.standing(day) if is_open else book.settled(day)
    return DayScore(standing, day <= closed, compounded.version, book)
