"""Books as bytes: what comes back, and what an older program has written."""

import msgspec
from scoring.domain import facts as f
from scoring.domain.book import Book
from scoring.domain.registry import Registry
from scoring.handlers.fold import rebuilt, shown
from scoring.ports import StoredState
from scoring.store.books import StoredBooks

from tests.unit.scoring.making import book, day, fact, registration

BOOKS = StoredBooks()


def made() -> Book:
    made = book(
        fact("incident.recorded", f.IncidentRecorded("010301", "filed"), 100),
        fact("hazard.opened", f.HazardOpened("h", "B1", "p", "ordinary", 1_000), 110),
    )
    made.close_through(day(120))
    return made


def stored(made: Book, packed: bytes | None = None) -> StoredState:
    state = BOOKS.write(made, 7, day(121), shown(made, day(121)))
    return state if packed is None else state._replace(packed=packed)


def test_a_book_comes_back_and_so_does_what_it_showed() -> None:
    whole = made()
    state = stored(whole)
    thin = BOOKS.read(state, whole.terms)
    assert not thin.whole
    assert BOOKS.shown(state) == shown(whole, day(121)) == shown(thin, day(121))
    assert BOOKS.write(thin, 7, day(121), shown(thin, day(121))) == state


def test_a_registry_that_came_after_the_book_was_stored_asks_for_its_facts() -> None:
    whole = made()
    state = stored(whole)
    whole.registry = Registry([registration(event_id="r2", enrolled_on=day(105), effective_from=day(105))])
    thin = BOOKS.read(state, whole.terms)
    assert thin.incomplete
    # The incident of day 100 was on the shelf, and would be taken away from a place where it is no more.
    again = rebuilt(thin, whole.facts())
    again.refold(day(120))
    whole.refold(day(120))
    assert not again.incomplete
    assert again.standing(day(121)) == whole.standing(day(121))


def test_parts_that_nobody_opened_are_the_same_bytes() -> None:
    whole = made()
    thin = BOOKS.read(stored(whole), whole.terms)
    more = fact("survey.recorded", f.SurveyRecorded(9, 10), 115)
    for one in (whole, thin):
        one.add(more)
        one.standing(day(121))
    assert BOOKS.write(thin, 8, day(121), shown(thin, day(121))) == BOOKS.write(
        whole, 8, day(121), shown(whole, day(121))
    )


def test_a_state_in_another_format_stands_where_it_stood_and_asks_for_its_facts() -> None:
    whole = made()
    *head, _ = whole.pack()
    first = msgspec.msgpack.encode((*head, ()))
    second = msgspec.msgpack.encode((2, head, {"trend": "?"}, ()))
    for packed in (first, second):
        thin = BOOKS.read(stored(whole, packed), whole.terms)
        assert thin.incomplete
        assert (thin.as_of_day, thin.dirty_from, thin.course) == (
            whole.as_of_day,
            whole.dirty_from,
            whole.course,
        )
