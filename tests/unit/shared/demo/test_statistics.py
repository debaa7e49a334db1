"""The invented district shows the figures of the article: counted from its facts, whatever day it is told."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import pytest
from scoring.domain.facts import Fact, IncidentRecorded
from scoring.domain.statistics import Statistics
from shared.demo.district import ZONE, build_district
from shared.demo.plan import Plan
from shared.demo.story import tell

from tests.unit.scoring.counted_calls import counted_facts, untouched
from tests.unit.scoring.counted_calls import statistics as counted_statistics

DAYS = [
    (2017, date(2026, 11, 24)),
    (7, date(2026, 12, 31)),
    (2017, date(2027, 1, 1)),
    (3, date(2028, 2, 29)),
    (11, date(2028, 3, 1)),
    (5, date(2029, 2, 28)),
    (2017, date(2030, 7, 15)),
]


def facts_of(seed: int, today: date, plan: Plan | None = None) -> list[Fact]:
    return counted_facts(
        (event.raw for event in tell(build_district(seed=seed, today=today, plan=plan)).facts), ZONE
    )


def shown(found: Statistics) -> dict[str, int | None]:
    figures = {one.figure.name: one.change_permyriad for one in found.figures}
    shares = {f"{one.part.figure.name} of {one.of.figure.name}": one.permyriad for one in found.shares}
    return {name: figures[name] for name in ("calls", "cases", "disputes")} | shares


ARTICLE = {
    "calls": -1262,
    "cases": -1530,
    "disputes": -1423,
    "home_disputes_and_property_crimes of calls": 1502,
    "cases of calls_without_traffic": 2745,
}


@pytest.mark.parametrize(("seed", "today"), DAYS)
def test_the_figures_are_those_of_the_article(seed: int, today: date) -> None:
    facts = facts_of(seed, today)
    compounds = {compound.id for compound in build_district(seed=seed, today=today).compounds}
    # The demo may run over midnight, or be looked at again tomorrow.
    for last in (today - timedelta(days=1), today, today + timedelta(days=1)):
        assert shown(counted_statistics(facts, last)) == ARTICLE
        assert len(untouched(facts, last, compounds)) == 17


def test_statistics_follow_the_plan() -> None:
    plan = Plan()
    calmer = replace(
        plan,
        this_year=replace(plan.this_year, home_disputes=20, criminal_property=60, traffic=0),
        last_year=replace(plan.last_year, other=400),
        without_criminal_case=9,
    )
    today = date(2026, 11, 24)
    facts = facts_of(7, today, calmer)
    found = counted_statistics(facts, today)
    counts = {one.figure.name: (one.within, one.before) for one in found.figures}
    assert counts["calls"] == (852 - 20 + 14 - 25, 975 - 31)
    assert counts["calls_without_traffic"] == (852 - 20 + 14 - 25, 975 - 31 - 30)
    assert counts["cases"] == (227 + 14, 268)
    assert counts["criminal_cases"] == (88 + 14, 104)
    assert counts["disputes"] == (191, 246)
    assert counts["home_disputes_and_property_crimes"] == (20 + 60 + 42, 48 + 55 + 50)
    assert all(number != ARTICLE[name] for name, number in shown(found).items())
    compounds = {compound.id for compound in build_district(seed=7, today=today).compounds}
    assert len(untouched(facts, today, compounds)) == 9


def test_what_is_told_apart_is_there() -> None:
    """Withdrawn, corrected and invalid calls, telecom fraud, traffic: who ignored them would count wrong."""
    facts = facts_of(2017, date(2026, 11, 24))
    codes = Counter(fact.data.code for fact in facts if isinstance(fact.data, IncidentRecorded))
    assert min(codes[code] for code in ("010701", "030000", "090000", "080103", "020700")) > 0
    assert sum(fact.withdrawn for fact in facts) >= 24
    assert sum(fact.revision > 1 for fact in facts if fact.kind == "incident.recorded") == 40
