"""Every lost point has its fact, its days and what would give it back."""

from typing import Any

import pytest
from scoring.domain import facts as f
from scoring.domain.costs import Cost, costs
from scoring.domain.distance import distance_down, distance_up
from scoring.domain.explain import Ignored, explain
from scoring.domain.rubric_sections import BONUS

from tests.unit.scoring.making import book, day, fact
from tests.unit.scoring.rubric_examples import Example, book_of, examples, ordinal, rubric
from tests.unit.scoring.test_stars_and_caps import proven

GENERATED = [pytest.param(one, id=one.name) for one in examples()]


@pytest.mark.parametrize("example", GENERATED)
def test_the_costs_of_an_item_are_what_it_has_lost(example: Example) -> None:
    made = book_of(example.registry, example.facts)
    for expected in example.expected:
        standing = made.standing(ordinal(expected["day"]))
        found = costs(made, ordinal(expected["day"]))
        for code, points in standing.items.items():
            full, item = standing.full_milli[code], rubric().items[code]
            lost = sum(cost.points_milli for cost in found.get(code, ()))
            if item.model != "state":
                assert max(full - lost, 0) == points, code
            elif points < full:
                assert lost > 0, code
        gained = sum(cost.points_milli for cost in found.get(BONUS, ()))
        assert min(gained, 5_000) == expected["bonus_milli"]


@pytest.mark.parametrize("example", GENERATED)
def test_a_cost_becomes_lighter_and_ends_on_the_day_it_says(example: Example) -> None:
    made = book_of(example.registry, example.facts)
    for expected in example.expected[-2:]:
        on = ordinal(expected["day"])
        later = [one.day for one in made.facts() if one.day > on]
        for cost in [one for of in costs(made, on).values() for one in of if one.lighter_milli is not None]:
            assert cost.lighter_on is not None
            assert cost.lighter_on > on
            if not any(one <= cost.lighter_on for one in later) and cost.kind != "hazard.opened":
                assert _same(costs(made, cost.lighter_on), cost) == cost.lighter_milli
                assert _same(costs(made, cost.lighter_on - 1), cost) == cost.points_milli


def _same(found: dict[str, list[Cost]], cost: Cost) -> int:
    """What the same cost is on another day."""
    return sum(one.points_milli for one in found.get(cost.item, ()) if one[:6] == cost[:6])


def only(item: str, *facts: f.Fact, age: int) -> list[dict[str, Any]]:
    found = costs(book(*facts), day(age)).get(item, [])
    return [one._asdict() for one in found]


def test_an_incident_says_what_it_costs_until_when() -> None:
    burglary = fact("incident.recorded", f.IncidentRecorded("010301", "filed"), 10)
    assert only("D1", burglary, age=20) == [
        {
            "item": "D1",
            "kind": "incident.recorded",
            "root": burglary.root,
            "day": day(10),
            "subject": "010301",
            "reason": "filed",
            "points_milli": 4_000,
            "lighter_on": day(100),
            "lighter_milli": 2_000,
            "ends_on": day(375),
        }
    ]


def test_a_hazard_is_open_then_overdue_then_a_residue() -> None:
    opened = fact("hazard.opened", f.HazardOpened("h", "B1", "p", "ordinary", 1_000), 10)
    verified = fact("hazard.verified", f.HazardMoved("h"), 40)
    told = [
        (age, one["reason"], one["points_milli"], one["lighter_on"], one["ends_on"])
        for age in (10, 14, 40, 130)
        for one in only("B1", opened, verified, age=age)
    ]
    assert told == [
        (10, "open", 1_000, day(14), None),
        (14, "overdue", 1_500, day(29), None),
        (40, "residue", 250, day(130), day(220)),
        (130, "residue", 125, day(220), day(220)),
    ]


def test_the_ideas_are_real_gains_the_best_first() -> None:
    made = book(
        *proven(130),
        fact("hazard.opened", f.HazardOpened("h", "B1", "p", "major", 3_000), 120),
        fact("inspection.recorded", f.InspectionRecorded("routine", (f.Check("B2", "q", "fail"),)), 120),
        fact("facility.status", f.FacilityStatus("C1", 20, 40), 120),
        fact("guards.updated", f.GuardsUpdated(9, 0, 5_000, True, day(120)), 121),  # noqa: FBT003 - by place
    )
    before = made.standing(day(125)), made.facts()
    actions = explain(made, day(125)).actions
    assert [(one.item, one.idea, one.subject) for one in actions] == [
        ("C1", "repair_devices", "20"),
        ("B1", "close_hazard", "h"),
        ("B2", "repair_checkpoint", "q"),
    ]
    assert [one.gain_milli for one in actions] == [8_000, 2_250, 2_000]
    assert (made.standing(day(125)), made.facts()) == before


def test_the_distance_to_the_next_stars() -> None:
    made = book(*proven(130), fact("incident.recorded", f.IncidentRecorded("010100", "filed"), 50))
    standing = made.settled(day(100))
    assert (standing.score_milli, standing.dynamic_star) == (93_000, 5)
    assert distance_up(rubric(), standing) is None
    down = distance_down(rubric(), standing)
    assert down is not None
    assert (down.star, down.score_milli, down.points_milli, down.days) == (4, 88_000, 5_000, 14)
    worse = book(*proven(130), *(fact("incident.recorded", f.IncidentRecorded("010301", "filed"), 50),) * 1)
    for number in range(3):
        worse.add(fact("incident.recorded", f.IncidentRecorded("010100", "filed"), 60 + number))
    standing = worse.settled(day(100))
    up = distance_up(rubric(), standing)
    assert up is not None
    assert standing.score_milli is not None
    assert (up.star, up.score_milli) == (5, 92_000)
    assert up.points_milli == 92_000 - standing.score_milli
    assert distance_up(rubric(), worse.settled(day(50))) is None


def test_checks_that_no_rule_judges_are_listed() -> None:
    checks = [f.Check(item, "p", "fail") for item in ("A1", "A2", "B1", "D1", "Z9")]
    visit = fact("inspection.recorded", f.InspectionRecorded("routine", tuple(checks)), 10)
    later = fact("inspection.recorded", f.InspectionRecorded("routine", tuple(checks)), 12)
    found = explain(book(visit, later), day(11)).ignored
    assert found == tuple(Ignored(visit.root, visit.day, item, "p") for item in ("A2", "D1", "Z9"))


def test_a_day_without_a_score_has_nothing_to_explain() -> None:
    explanation = explain(book(), day(-3))
    assert (explanation.items, explanation.bonus, explanation.actions) == ((), (), ())
    assert explanation.next_change_day == day(0)
