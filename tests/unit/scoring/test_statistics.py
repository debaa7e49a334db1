"""What a figure counts, and how changes and shares are rounded."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scoring.domain.figures import parse
from scoring.domain.statistics import Period, Tally, permyriad, statistics
from shared.events.taxonomy import TAXONOMY

from tests.unit.scoring.counted_calls import definitions
from tests.unit.scoring.rubric_examples import rubric


def figures(code: str, status: str = "filed", place: str = "inside") -> set[str]:
    rules = definitions()
    return {name for name, figure in rules.figures.items() if rules.counts(figure, code, status, place)}


def test_a_call_is_in_the_figures_of_its_code() -> None:
    every = {"calls", "calls_without_traffic"}
    named = "home_disputes_and_property_crimes"
    assert figures("010301") == {*every, "cases", "criminal_cases", named}
    assert figures("020200", "accepted") == {*every, "cases", "public_security_cases", named}
    assert figures("080104") == {*every, "disputes", named}
    assert figures("080105") == {*every, "disputes"}
    assert figures("050000", "received", "unknown") == every
    assert figures("030000") == {"calls"}
    # A crime and a case, but not one of the compound's property.
    assert figures("010701", "solved") == {*every, "cases", "criminal_cases"}
    assert figures("020300") == {*every, "cases", "public_security_cases"}


def test_a_call_becomes_a_case_when_it_is_filed_accepted_or_solved() -> None:
    for status in ("filed", "accepted", "solved"):
        assert "cases" in figures("010301", status)
    assert figures("010301", "received") == {
        "calls",
        "calls_without_traffic",
        "home_disputes_and_property_crimes",
    }


def test_what_is_invalid_or_elsewhere_is_in_no_figure() -> None:
    assert figures("090000", "received") == set()
    assert figures("010301", "invalid") == set()
    assert figures("010301", place="outside") == set()


def test_property_crime_is_theft_robbery_and_fraud_in_person() -> None:
    rules = definitions()
    figure = rules.figures["home_disputes_and_property_crimes"]
    counted = {code for code in TAXONOMY if rules.counts(figure, code, "filed", "inside")}
    assert counted == {
        "080101", "080103", "080104",
        "010200", "010301", "010302", "010303", "010304", "010305", "010306", "010702", "020200",
    }  # fmt: skip


def test_every_code_of_the_definitions_is_one_of_the_taxonomy() -> None:
    rules = definitions()
    for figure in rules.figures.values():
        for beginning in (*figure.codes, *figure.without, *rules.left_out_codes):
            assert any(code.startswith(beginning) for code in TAXONOMY), (figure.name, beginning)


@pytest.mark.parametrize(
    ("codes", "of", "rule"),
    [
        ('["01"]', '"no_such"', "no_such is not a figure"),
        ('["thefts"]', '"calls"', "figures.calls: thefts is neither a code nor a class"),
    ],
)
def test_definitions_that_name_nothing_are_refused(codes: str, of: str, rule: str) -> None:
    text = f"""
        untouched_by = "calls"
        left_out = {{ codes = [], statuses = [], places = [] }}
        figures = {{ calls = {{ title = "警情", codes = {codes} }} }}
        shares = [{{ part = "calls", of = {of} }}]
    """
    with pytest.raises(ValueError, match=rule):
        parse(text, rubric().incidents)


def test_the_years_meet_without_gap_and_are_365_days_whatever_the_calendar() -> None:
    period = Period(date(2028, 2, 29).toordinal())
    days = [date.fromordinal(day) for day in period_ends(period)]
    assert days == [date(2026, 3, 2), date(2027, 3, 1), date(2027, 3, 2), date(2028, 2, 29)]


def period_ends(period: Period) -> tuple[int, int, int, int]:
    return period.first_before, period.last_before, period.first, period.last


@given(st.integers(-(10**9), 10**9), st.integers(1, 10**9))
def test_a_share_is_rounded_half_away_from_zero(part: int, whole: int) -> None:
    exact = Fraction(part * 10_000, whole)
    found = permyriad(part, whole)
    assert found is not None
    assert abs(found - exact) <= Fraction(1, 2)
    if abs(found - exact) == Fraction(1, 2):
        assert abs(found) > abs(exact)


def test_nothing_before_is_no_change() -> None:
    found = statistics(definitions(), [Tally("010301", "filed", "inside", 3, 0)])
    assert {one.change_permyriad for one in found.figures} == {None}
    assert [one.permyriad for one in found.shares] == [10_000, 10_000]
    assert [one.permyriad_before for one in found.shares] == [None, None]
    assert statistics(definitions(), []).shares[0].permyriad is None
