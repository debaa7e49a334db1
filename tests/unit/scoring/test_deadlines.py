"""Deadlines of hazards: of what a closing reminds, and what is overdue when."""

from scoring.domain import facts as f
from scoring.domain.book import Book
from scoring.domain.deadlines import days_left, reminded_on
from scoring.domain.facts import NEVER, Fact

from tests.unit.scoring.making import book, day, fact


def hazard(
    hazard_class: str, age: int = 0, *, due: int | None = None, name: str = "h", item: str = "B1"
) -> Fact:
    opened = f.HazardOpened(name, item, "p", hazard_class, 1_000, None if due is None else day(due))
    return fact("hazard.opened", opened, age)


def reminded(made: Book, until: int = 120) -> list[tuple[int, int]]:
    """(age of the closed day, days left) of each reminder."""
    return [
        (age, days_left(life, day(age)))
        for age in range(until)
        for _, life in reminded_on(made.shelves.hazards.events, made.rubric.hazards, day(age))
    ]


def overdue(made: Book, *ages: int) -> list[bool]:
    return [bool(made.deadlines(day(age)).overdue) for age in ages]


def test_half_of_the_days_and_the_last_but_one() -> None:
    assert reminded(book(hazard("major"))) == [(4, 3), (6, 1)]
    assert reminded(book(hazard("capital"))) == [(45, 45), (89, 1)]
    assert reminded(book(hazard("ordinary"))) == [(2, 1)]
    assert reminded(book(hazard("ordinary", 5, due=15))) == [(10, 5), (14, 1)]


def test_what_is_immediate_is_told_on_opening_only() -> None:
    assert reminded(book(hazard("immediate", due=20))) == []


def test_who_has_done_his_part_is_not_reminded() -> None:
    made = book(hazard("major"), fact("hazard.rectified", f.HazardMoved("h"), 3))
    assert reminded(made) == []
    assert overdue(made, 8, 60) == [False, False]
    made.add(fact("hazard.rejected", f.HazardMoved("h"), 5))
    assert reminded(made) == [(6, 1)]
    assert overdue(made, 7, 8) == [False, True]


def test_an_extension_moves_the_reminders_too() -> None:
    made = book(hazard("major"), fact("hazard.extended", f.HazardExtended("h", day(17)), 6))
    assert reminded(made) == [(4, 3), (9, 8), (16, 1)]
    assert overdue(made, 8, 17, 18) == [False, False, True]


def test_overdue_until_verified_whatever_the_item() -> None:
    for item in ("B1", "Z9"):
        made = book(hazard("ordinary", item=item), fact("hazard.verified", f.HazardMoved("h"), 20))
        assert overdue(made, 3, 4, 19, 20) == [False, True, True, False]


def test_a_rejection_after_the_due_day_makes_it_overdue() -> None:
    made = book(
        hazard("ordinary"),
        fact("hazard.rectified", f.HazardMoved("h"), 3),
        fact("hazard.rejected", f.HazardMoved("h"), 9),
    )
    assert overdue(made, 4, 8, 9) == [False, False, True]


def test_a_closing_is_due_when_there_is_something_to_tell() -> None:
    made = book(hazard("major", item="Z9"), hazard("ordinary", 40, name="other"))
    notices = []
    at = day(0)
    while at < NEVER:
        at = made.deadlines(at).until
        notices.append(at - day(0))
    assert notices[:3] == [4, 6, 7]
    assert 42 in notices
    assert 43 in notices
