"""The Book against a naive daily recomputation: any order, corrections, withdrawals, registrations."""

from collections.abc import Iterable
from typing import Any

import msgspec
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from scoring.domain import deadlines
from scoring.domain.book import Book, Standing
from scoring.domain.facts import NEVER, Fact
from scoring.domain.registry import Assessed, Registry
from scoring.domain.revisions import choose, counted

from tests.properties.naive_rubric import Day, Naive
from tests.properties.scoring_facts import DAYS, FIRST, World, days, worlds
from tests.unit.scoring.rubric_examples import rubric

often = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
seldom = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def feed(book: Book, arrivals: Iterable[Fact]) -> dict[str, Fact]:
    """What a worker does: of each root the counted revision is in the book, whatever the order of arrival."""
    heads: dict[str, Fact] = {}
    for arriving in arrivals:
        stored = heads.get(arriving.root)
        if stored is not None:
            if not choose(stored, arriving).counts:
                continue
            book.remove(stored)
        heads[arriving.root] = arriving
        book.add(arriving)
    return heads


def whole(world: World, facts: Iterable[Fact] | None = None) -> Book:
    book = Book("C1", rubric(), Registry(world.compounds, world.companies))
    feed(book, world.facts if facts is None else facts)
    return book


def naive(world: World) -> Naive:
    return Naive(world.facts, world.compounds, world.companies)


def seen(standing: Standing) -> Day:
    return Day(
        standing.score_milli,
        dict(standing.items),
        standing.bonus_milli,
        list(standing.unverified),
        dict(standing.full_milli),
        standing.evidence_missing,
        [(cap.veto, cap.cap) for cap in standing.caps],
    )


def some_day(world: World, data: st.DataObject) -> int:
    """A day, often one near those on which much happens."""
    near = [day + after for day in world.pool for after in (0, 1, 7, 40, 179)]
    return FIRST + data.draw(st.one_of(st.sampled_from(near), days) if near else days)


def result(standing: Standing) -> Standing:
    """A standing without its day and its star."""
    return standing._replace(day=0, dynamic_star=None, star=None, up_run=0, down_run=0)


@often
@given(worlds(), st.lists(days, min_size=1, max_size=4))
def test_every_day_equals_the_naive_day(world: World, asked: list[int]) -> None:
    book, slow = whole(world), naive(world)
    for day in asked:
        assert seen(book.standing(FIRST + day)) == slow.day(FIRST + day)


@often
@given(worlds(), st.data())
def test_order_repetition_and_splitting_do_not_matter(world: World, data: st.DataObject) -> None:
    order = data.draw(st.permutations(world.facts))
    again = order + data.draw(st.lists(st.sampled_from(order), max_size=5)) if order else order
    cut = data.draw(st.integers(0, len(again)))
    book = Book("C1", rubric(), Registry(world.compounds, world.companies))
    heads: dict[str, Fact] = {}
    for part in (again[:cut], again[cut:]):
        for arriving in part:
            stored = heads.get(arriving.root)
            if stored is None or choose(stored, arriving).counts:
                if stored is not None:
                    book.remove(stored)
                book.add(arriving)
                heads[arriving.root] = arriving
        book.standing(FIRST + data.draw(days))
    expected = whole(world, counted(world.facts).values())
    for day in data.draw(st.lists(days, min_size=1, max_size=3)):
        assert book.standing(FIRST + day) == expected.standing(FIRST + day)
    through = FIRST + data.draw(days)
    assert book.close_through(through) == expected.close_through(through)
    assert packed(book) == packed(expected)


@often
@given(worlds(), worlds(max_facts=4), days)
def test_adding_and_removing_is_nothing(world: World, more: World, day: int) -> None:
    book = whole(world)
    before = book.standing(FIRST + day), book.pack()
    others = [fact._replace(root="other-" + fact.root, event_id="zz" + fact.event_id) for fact in more.facts]
    for fact in counted(others).values():
        book.add(fact)
    book.standing(FIRST + day)
    for fact in counted(others).values():
        book.remove(fact)
    after = book.standing(FIRST + day), book.pack()
    assert after[0] == before[0]


@seldom
@given(worlds())
def test_the_next_change_is_never_missed(world: World) -> None:
    """Between two change days nothing differs; the naive way is asked for each day before and on a change."""
    book, slow = whole(world), naive(world)
    day = FIRST - 1
    while day < FIRST + DAYS + 400:
        now, until = book.standing(day), book.next_change_day(day)
        last = min(until - 1, FIRST + DAYS + 400)
        assert until > day
        assert slow.day(last) == seen(now)
        middle = (day + last) // 2
        assert slow.day(middle) == seen(now)
        assert result(book.standing(last)) == result(now)
        day = last + 1


@seldom
@given(worlds(max_facts=15), st.integers(91, 260))
def test_stars_equal_the_naive_fold(world: World, days_closed: int) -> None:
    book, slow = whole(world), naive(world)
    assume(slow.e is not None)
    through = slow.e + days_closed
    expected = slow.stars(through)
    steps = book.close_through(through)
    stars = {step.day: (step.dynamic_star, step.up_run, step.down_run) for step in steps}
    for day, fold in stars.items():
        scored = slow.day(day).score is not None and day - slow.e >= 90
        assert fold == (expected[day] if scored else (None, *expected[day][1:]))
    moves = [day for day in range(slow.e + 1, through + 1) if expected[day][0] != expected[day - 1][0]]
    assert set(moves) <= set(stars)
    assert (book.standing(through).up_run, book.standing(through).down_run) == expected[through][1:]


@settings(seldom, max_examples=25)
@given(
    worlds(max_facts=8),
    st.lists(
        st.tuples(st.integers(60, 330), st.sampled_from((0, 2, 3, 4, 5))),
        max_size=3,
        unique_by=lambda o: o[0],
    ),
)
def test_warnings_equal_the_naive_ladder(world: World, decisions: list[tuple[int, int]]) -> None:
    """Also when only the days are closed on which something can change, and through packing."""
    slow = naive(world)
    assume(slow.e is not None)
    decided = [Assessed(slow.e + after, star) for after, star in decisions]
    registry = Registry(world.compounds, world.companies, decided)
    through = slow.e + 330
    expected = slow.warnings(through, [tuple(one) for one in decided])
    book = Book("C1", rubric(), registry)
    feed(book, world.facts)
    assert book.settled(through).warning == expected[through]
    book.close_through(slow.e)
    day = slow.e
    while day < through:
        until = min(book.next_change_day(day), through + 1)
        for quiet in (day, until - 1):
            assert expected[quiet] == book.standing(day).warning
        day = min(until, through)
        book.close_through(day)
        book = repacked(book)
    assert book.standing(through).warning == expected[through]


@often
@given(worlds(), st.data())
def test_closing_day_by_day_or_at_once_is_the_same(world: World, data: st.DataObject) -> None:
    """Also through packing, and through sleeping until the next change."""
    at_once = whole(world)
    through = FIRST + data.draw(st.integers(0, 500))
    expected = at_once.close_through(through)
    book = whole(world)
    found = []
    closed = FIRST - 1
    while closed < through:
        closed = min(through, closed + data.draw(st.integers(1, 120)))
        found += book.close_through(closed)
        if data.draw(st.booleans()):
            book = repacked(book)
        if book.as_of_day is not None:
            until = book.next_change_day(book.as_of_day)
            if until > closed + 1:
                closed = min(through, until - 1)
                assert book.close_through(closed) == []
    assert found == expected
    assert book.standing(through) == at_once.standing(through)


def packed(book: Book) -> Any:
    """What a store would keep of it."""
    return plain(book.pack())


def plain(value: Any) -> Any:
    return msgspec.msgpack.decode(msgspec.msgpack.encode(value))


def repacked(book: Book) -> Book:
    return Book.reopen(book.compound, packed(book), book.terms, plain(book.remember()))


@often
@given(worlds(), st.data())
def test_a_packed_book_answers_like_a_whole_one(world: World, data: st.DataObject) -> None:
    """It takes late facts, corrections and withdrawals, or says that it cannot."""
    cut = data.draw(st.integers(0, len(world.facts)))
    book = whole(world, [])
    heads = feed(book, world.facts[:cut])
    as_of = some_day(world, data)
    book.close_through(as_of)
    thin = repacked(book)
    assert packed(repacked(thin)) == packed(thin)
    fold = book.standing(as_of)
    for day in (as_of, as_of + 1, as_of + data.draw(days)):
        assert thin.standing(day) == book.standing(day)
        assert thin.next_change_day(day) == book.next_change_day(day)
    for arriving in world.facts[cut:]:
        stored = heads.get(arriving.root)
        if stored is not None and not choose(stored, arriving).counts:
            continue
        for one in (book, thin):
            if stored is not None:
                one.remove(stored)
            one.add(arriving)
            assert one.standing(as_of + 1)
            assert one.pack()
        heads[arriving.root] = arriving
        assert thin.dirty_from == book.dirty_from
    if thin.incomplete:
        return
    anew = whole(world, heads.values())
    anew.stand_like(book)
    assert packed(book) == packed(anew)
    for day in (as_of, as_of + 1, as_of + data.draw(days)):
        assert thin.standing(day) == book.standing(day)
    assert fold.dynamic_star == book.standing(as_of).dynamic_star or book.dirty_from is not None
    later = as_of + data.draw(days)
    assert thin.close_through(later) == book.close_through(later)
    assert repacked(thin).standing(later) == book.standing(later)


@often
@given(worlds(), st.data())
def test_a_book_packed_after_every_change_lives_like_a_whole_one(world: World, data: st.DataObject) -> None:
    """What untouched parts and a memory of earlier days say holds on later ones, deadlines included."""
    book = whole(world, [])
    as_of = FIRST + data.draw(st.integers(0, 40))
    book.close_through(as_of)
    thin = repacked(book)
    heads: dict[str, Fact] = {}
    for arriving in world.facts:
        stored = heads.get(arriving.root)
        if stored is not None and not choose(stored, arriving).counts:
            continue
        heads[arriving.root] = arriving
        for one in (book, thin):
            if stored is not None:
                one.remove(stored)
            one.add(arriving)
        if thin.incomplete:
            anew = whole(world, heads.values())
            anew.stand_like(thin)
            thin = anew
        if data.draw(st.booleans()):
            as_of += data.draw(st.integers(1, 30))
            assert thin.close_through(as_of) == book.close_through(as_of)
        assert thin.standing(as_of + 1) == book.standing(as_of + 1)
        assert thin.deadlines(as_of + 1).overdue == book.deadlines(as_of + 1).overdue
        thin = repacked(thin)
        assert thin.standing(as_of + 1) == book.standing(as_of + 1)
        assert thin.next_change_day(as_of + 1) == book.next_change_day(as_of + 1)
        assert thin.deadlines(as_of, exact=True).until == upcoming(book, as_of)
        assert thin.dirty_from == book.dirty_from


def upcoming(book: Book, day: int) -> int:
    return deadlines.upcoming(book.shelves.hazards.events, book.rubric.hazards, day).until


@often
@given(worlds(), worlds(max_facts=0), st.data())
def test_a_new_registry_judges_everything_anew(world: World, other: World, data: st.DataObject) -> None:
    book = whole(world)
    as_of = FIRST + data.draw(days)
    steps = book.close_through(as_of)
    thin = repacked(book)
    registry = Registry([*world.compounds, *other.compounds], other.companies)
    anew = whole(world._replace(compounds=[*world.compounds, *other.compounds], companies=other.companies))
    book.registry = registry
    thin.registry = registry
    day = as_of + data.draw(days)
    assert result(book.standing(day)) == result(anew.standing(day))
    if not thin.incomplete:
        assert result(thin.standing(day)) == result(anew.standing(day))
    if book.dirty_from is not None:
        steps = book.refold(as_of)
    assert steps == anew.close_through(as_of)
    assert thin.incomplete or thin.standing(as_of).items == anew.standing(as_of).items


@often
@given(worlds(), st.data())
def test_a_late_fact_leaves_the_same_as_if_it_had_come_in_time(world: World, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(world.facts)))
    book = whole(world, [])
    heads = feed(book, world.facts[:cut])
    through = FIRST + data.draw(days)
    book.close_through(through)
    for arriving in world.facts[cut:]:
        stored = heads.get(arriving.root)
        if stored is None or choose(stored, arriving).counts:
            if stored is not None:
                book.remove(stored)
            book.add(arriving)
            heads[arriving.root] = arriving
    in_time = whole(world)
    steps = in_time.close_through(through)
    if book.dirty_from is not None:
        assert book.refold(through) == steps
    assert book.dirty_from is None
    assert book.standing(through) == in_time.standing(through)
    past = FIRST + data.draw(st.integers(0, through - FIRST))
    assert book.settled(past) == in_time.settled(past)


def test_never_is_after_every_day() -> None:
    assert whole(World([], [], [], [])).next_change_day(FIRST) == NEVER
