"""Warnings against the decided star, and the annual result under vetoes."""

from datetime import date

from scoring.domain import facts as f
from scoring.domain.annual import Annual, assess, frozen
from scoring.domain.facts import Fact
from scoring.domain.registry import Registry
from scoring.domain.warnings import WarningFold, decided, fold

from tests.unit.scoring.making import FIRST, book, day, fact, registration
from tests.unit.scoring.rubric_examples import ZONE, rubric
from tests.unit.scoring.test_stars_and_caps import proven, veto

RULES = rubric().warnings
STARS = {"b": 3, "a": 4, ".": None}


def levels(days: str, start: int = FIRST) -> list[tuple[int, str | None]]:
    """The changes as (number of the day from 1, level); b is below, a at or above, a dot without a star."""
    state, found = WarningFold(), []
    for number, one in enumerate(days):
        after = fold(RULES, state, start + number, STARS[one], 4)
        if after.level != state.level:
            found.append((number + 1, after.level))
        state = after
    return found


def test_yellow_on_the_thirtieth_day_and_red_on_the_ninetieth() -> None:
    assert levels("b" * 100) == [(30, "yellow"), (90, "red")]
    assert levels("b" * 29 + "a" + "b" * 29) == []


def test_a_day_without_a_star_breaks_the_run() -> None:
    assert levels("b" * 29 + "." + "b" * 30) == [(60, "yellow")]


def test_fourteen_days_at_or_above_clear_it() -> None:
    assert levels("b" * 30 + "a" * 13 + "b" + "a" * 14) == [(30, "yellow"), (58, None)]


def test_the_third_yellow_of_a_calendar_year_is_red() -> None:
    wave = "b" * 30 + "a" * 14
    assert levels(wave * 3)[-2:] == [(118, "red"), (132, None)]
    december = date(2025, 12, 1).toordinal()
    assert [level for _, level in levels(wave * 3, december)] == [
        "yellow",
        None,
        "yellow",
        None,
        "yellow",
        None,
    ]


def test_counts_start_anew_when_an_assessment_is_decided() -> None:
    assert decided(WarningFold("yellow", 40, 0, 2025, 2)) == WarningFold("yellow")


def result(*more: Fact, registry: Registry | None = None) -> Annual:
    found = assess(book(*proven(400), *more, registry=registry), 2025)
    assert found is not None
    return found


def test_a_good_year_is_a_basis_for_the_model_compound() -> None:
    good = result()
    assert (good.star, good.reward_yuan, good.days, good.inspected_quarters) == (5, 5_000, 275, 4)
    assert good.is_basis(rubric())


def test_a_veto_counts_for_the_year_in_which_it_occurred() -> None:
    assert result(veto(370, "V4", 360)).star == 2
    assert result(veto(370, "V4", 366)).star == 5
    assert result(veto(300, "V1", 290), fact("veto.lifted", f.VetoLifted("x"), 371)).star == 5
    assert result(veto(300, "V1", 290)).reward_yuan == 0


def test_lost_eligibility_counts_from_the_sixty_first_day() -> None:
    def broken_for(days: int) -> Annual:
        wall = registration(root="r2", effective_from=day(200), enclosed=False)
        back = registration(root="r3", effective_from=day(200 + days))
        return result(registry=Registry([registration(), wall, back]))

    assert [broken_for(days).star for days in (60, 61)] == [5, 0]
    assert broken_for(61).ineligible_days == 61


def test_an_overdue_major_hazard_is_no_basis() -> None:
    late = result(fact("hazard.opened", f.HazardOpened("h", "Z9", "p", "major", 1_000), 350))
    assert late.star == 5
    assert not late.is_basis(rubric())
    assert result(fact("hazard.opened", f.HazardOpened("h", "Z9", "p", "major", 1_000), 330)).star == 3


def test_a_year_too_short_is_not_assessed() -> None:
    assert assess(book(*proven(400), registry=Registry([registration(withdrawn_on=day(269))])), 2025) is None
    assert (
        assess(book(*proven(400), registry=Registry([registration(withdrawn_on=day(270))])), 2025) is not None
    )
    assert assess(book(), 2031) is not None
    assert assess(book(registry=Registry([])), 2025) is None


def test_evidence_is_that_of_the_last_of_december_also_after_the_enrolment() -> None:
    def left_with_evidence_until(last: int) -> int:
        found = assess(book(*proven(last), registry=Registry([registration(withdrawn_on=day(275))])), 2025)
        assert found is not None
        assert found.score_milli > 92_000
        return found.star

    assert [left_with_evidence_until(last) for last in (170, 201)] == [4, 5]


def test_what_is_received_after_the_freeze_does_not_count() -> None:
    freeze_us = 1_768_060_800_000_000  # 2026-01-11T00:00:00+08:00
    facts = [veto(1, "V1", 1)._replace(received_us=freeze_us + late) for late in (-1, 0)]
    assert frozen(facts, rubric().year, 2025, ZONE) == facts[:1]
