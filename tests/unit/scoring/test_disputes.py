"""E1 and E2 where the generated examples do not reach: sizes that change, facts that come before others."""

from typing import Any

from scoring.domain import facts as f
from scoring.domain.facts import Fact
from scoring.domain.registry import Registry

from tests.unit.scoring.making import book, day, fact, registration

GROWN = registration(root="r2", effective_from=day(15), occupied_households=2_500)
"""f falls from 1,000 to 500 on day 15."""


def recorded(age: int, code: str = "080101", **changes: Any) -> Fact:
    return fact("dispute.recorded", f.DisputeRecorded("x", code, **changes), age)


def escalated(age: int, level: str) -> Fact:
    return fact("dispute.escalated", f.DisputeEscalated("x", level), age)


def points(item: str, *facts: Fact, ages: tuple[int, ...], grown: bool = False) -> list[int]:
    made = book(*facts, registry=Registry([registration(), *([GROWN] if grown else [])]))
    return [made.standing(day(age)).items[item] for age in ages]


def test_what_was_not_mediated_weighs_by_the_size_of_its_deadline() -> None:
    assert points("E2", recorded(10), ages=(16, 17)) == [5_000, 4_500]
    assert points("E2", recorded(10), ages=(16, 17), grown=True) == [5_000, 4_750]
    assert points("E2", recorded(10, repeat=True), ages=(10, 17), grown=True) == [4_500, 4_250]


def test_a_registration_that_takes_effect_on_the_deadline_weighs_anew() -> None:
    made = book(recorded(10))
    made.close_through(day(12))
    made.registry = Registry([registration(), GROWN])
    assert made.standing(day(17)).items["E2"] == 4_750
    assert made.dirty_from is None


def test_mediated_on_the_seventh_day_is_too_late() -> None:
    mediated = [fact("dispute.mediated", f.DisputeMediated("x"), age) for age in (16, 17)]
    assert points("E2", recorded(10), mediated[0], ages=(17,)) == [5_000]
    assert points("E2", recorded(10), mediated[1], ages=(17,)) == [4_500]


def test_an_escalation_is_charged_until_its_dispute_turns_out_to_be_of_another_kind() -> None:
    assert points("E2", escalated(5, "county"), ages=(5,)) == [3_000]
    assert points("E2", escalated(5, "county"), recorded(9, "080109"), ages=(8, 9)) == [3_000, 5_000]
    assert points("E2", recorded(4, "080109"), escalated(5, "criminal_case"), ages=(5,)) == [5_000]


def test_the_highest_level_is_charged_on_its_own_day() -> None:
    levels = [escalated(10, "security_case"), escalated(20, "county"), escalated(30, "criminal_case")]
    assert points("E2", *levels, ages=(10, 20, 29, 30, 89, 90)) == [3_000, 3_000, 3_000, 2_000, 2_000, 3_500]


def test_a_dispute_that_came_from_a_call_is_charged_by_the_call() -> None:
    assert points("E1", recorded(10, incident="r1"), ages=(10,)) == [5_000]
    assert points("E1", recorded(10), recorded(9), ages=(9, 10)) == [4_700, 4_700]
