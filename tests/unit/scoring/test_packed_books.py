"""What a packed book still knows, and that it says so when it does not."""

import pytest
from scoring.domain import facts as f
from scoring.domain.book import Book
from scoring.domain.registry import Registry
from scoring.domain.shelf import Forgotten, pack_id, unpack_id

from tests.unit.scoring.making import book, day, fact, registration
from tests.unit.scoring.rubric_examples import Example, book_of, examples


def packed(made: Book) -> Book:
    return Book.unpack(made.compound, made.pack(), made.rubric, made.registry)


def checked(result: str, age: int) -> f.Fact:
    return fact("inspection.recorded", f.InspectionRecorded("routine", (f.Check("B1", "p", result),)), age)


def test_an_earlier_check_changes_nothing_and_a_later_one_counts() -> None:
    made = book(checked("fail", 5), checked("pass", 20))
    made.close_through(day(50))
    thin = packed(made)
    thin.add(checked("fail", 10))
    assert not thin.incomplete
    assert thin.dirty_from == day(10)
    assert thin.standing(day(51)).items["B1"] == 5_000
    thin.add(checked("fail", 30))
    assert not thin.incomplete
    assert thin.standing(day(51)).items["B1"] == 0


def points(made: Book) -> int:
    return made.standing(day(51)).items["B1"]


def test_the_latest_check_can_be_taken_back_once() -> None:
    before, latest = checked("fail", 15), checked("pass", 20)
    made = book(checked("partial", 5), before, latest)
    made.close_through(day(50))
    thin = packed(made)
    thin.remove(latest)
    assert not thin.incomplete
    assert points(thin) == 0
    again = packed(thin)
    again.add(checked("pass", 17))
    assert points(again) == 5_000
    thin.remove(before)
    assert thin.incomplete
    assert packed(thin).incomplete
    made.remove(latest)
    made.remove(before)
    assert points(made) == 2_500


def test_a_correction_of_the_latest_check_finds_what_came_meanwhile() -> None:
    latest = checked("pass", 20)
    made = book(latest)
    made.close_through(day(50))
    thin = packed(made)
    thin.add(checked("fail", 10))
    thin = packed(thin)
    thin.remove(latest)
    assert not thin.incomplete
    assert points(thin) == 0
    made = book(latest)
    made.close_through(day(50))
    alone = packed(made)
    alone.remove(latest)
    assert alone.standing(day(51)).unverified.count("B1") == 1


def test_another_result_on_the_very_day_of_the_latest_needs_all_facts() -> None:
    made = book(checked("pass", 20))
    made.close_through(day(50))
    like, unlike = packed(made), packed(made)
    like.add(checked("pass", 20))
    assert not like.incomplete
    unlike.add(checked("fail", 20))
    assert unlike.incomplete


def test_of_two_results_of_a_day_the_one_that_is_taken_back_may_be_the_other() -> None:
    first, second, third = checked("pass", 20), checked("fail", 20), checked("pass", 20)
    made = book(first, second, third)
    made.close_through(day(50))
    thin = packed(made)
    thin.remove(first)
    assert thin.incomplete
    thin = packed(made)
    thin.remove(second)
    assert points(thin) == 5_000
    thin = packed(made)
    thin.add(checked("pass", 20))
    assert not thin.incomplete
    assert points(thin) == 5_000


def test_a_finding_of_a_week_that_is_known_costs_nothing_more() -> None:
    # Day 5 is a Monday, day 11 the Sunday after it.
    def found(result: str, age: int) -> f.Fact:
        check = f.Check("A1", "gate", result, "post_empty")
        return fact("inspection.recorded", f.InspectionRecorded("night", (check,)), age)

    made = book(found("fail", 5))
    made.close_through(day(100))
    thin = packed(made)
    thin.add(found("partial", 11))
    assert thin.standing(day(101)).items["A1"] == made.standing(day(101)).items["A1"]
    thin.add(found("partial", 12))
    assert thin.standing(day(101)).items["A1"] == made.standing(day(101)).items["A1"] - 375


def test_the_last_closed_day_is_dirty_too() -> None:
    made = book()
    made.close_through(day(50))
    made.add(checked("fail", 51))
    assert made.dirty_from is None
    made.add(checked("fail", 50))
    assert made.dirty_from == day(50)


def test_a_hazard_that_is_over_is_remembered_by_its_mark() -> None:
    made = book(
        fact("hazard.opened", f.HazardOpened("h", "B1", "p", "ordinary", 1_000), 5),
        fact("hazard.verified", f.HazardMoved("h"), 6),
    )
    made.close_through(day(300))
    thin = packed(made)
    with pytest.raises(Forgotten):
        thin.hazard("h", day(301))
    thin.add(fact("hazard.rejected", f.HazardMoved("other"), 290))
    assert not thin.incomplete
    thin.add(fact("hazard.opened", f.HazardOpened("h", "B1", "p", "ordinary", 1_000), 290))
    assert thin.incomplete


def test_the_past_is_asked_of_whole_books_only() -> None:
    made = book(checked("fail", 5))
    made.close_through(day(120))
    thin = packed(made)
    for ask in (thin.facts, lambda: thin.refold(day(120)), lambda: thin.settled(day(100))):
        with pytest.raises(Forgotten):
            ask()
    assert made.settled(day(100)).dynamic_star is not None


def test_a_registry_that_changes_the_past_needs_all_facts() -> None:
    made = book(checked("fail", 5))
    made.close_through(day(120))
    thin = packed(made)
    thin.registry = Registry([registration(), registration(root="r2", effective_from=day(130), name="新名")])
    assert not thin.incomplete
    thin.registry = Registry([registration(occupied_households=3)])
    assert thin.incomplete
    assert thin.dirty_from == 0
    made.registry = Registry([registration(enrolled_on=day(9), effective_from=day(9))])
    assert made.standing(day(121)).unverified.count("B1") == 1


def test_a_day_that_is_closed_is_not_closed_again() -> None:
    made = book(checked("fail", 5))
    made.close_through(day(120))
    before = made.pack()
    assert made.close_through(day(100)) == []
    assert made.pack() == before


@pytest.mark.parametrize("example", [pytest.param(one, id=one.name) for one in examples()])
def test_it_agrees_with_a_whole_one_for_two_years(example: Example) -> None:
    whole = book_of(example.registry, example.facts)
    first = min(fact.day for fact in whole.facts())
    for as_of in range(first, example.last_day, 97):
        whole.close_through(as_of)
        thin = packed(whole)
        for later in range(as_of, as_of + 760, 19):
            assert thin.standing(later) == whole.standing(later)
            assert thin.next_change_day(later) == whole.next_change_day(later)


def test_it_stays_small_whatever_happened() -> None:
    made = book()
    for age in range(1_000):
        made.add(fact("incident.recorded", f.IncidentRecorded("010306", "filed"), age))
        made.add(checked("pass", age))
        made.add(fact("facility.status", f.FacilityStatus("C1", 30, 40), age))
    made.close_through(day(3_000))
    assert len(repr(made.pack())) < 500


@pytest.mark.parametrize(
    "name",
    [
        "",
        "x",
        "0190b3a1-7c1e-7d3a-9f00-0123456789ab",
        "0190b3a17c1e7d3a9f000123456789abcdef",
        "é" * 36,
        "-" * 36,
    ],
)
def test_ids_survive_packing(name: str) -> None:
    assert unpack_id(pack_id(name)) == name


def test_ids_of_the_usual_form_are_packed_short() -> None:
    assert len(pack_id("0190b3a1-7c1e-7d3a-9f00-0123456789ab")) == 16
    assert pack_id("0190B3A1-7c1e-7d3a-9f00-0123456789ab") == "0190B3A1-7c1e-7d3a-9f00-0123456789ab"
