"""One rule at a time, on the days on which it changes: where whole lives would not tell a change apart."""

import pytest
from scoring.domain import facts as f
from scoring.domain.annual import Annual, assess
from scoring.domain.facilities import status_permille
from scoring.domain.facts import Fact
from scoring.domain.registry import Assessed, Permit, Registry
from scoring.domain.stars import Limits, limits

from tests.properties.naive_rubric import D1, D2, E1
from tests.unit.scoring.making import book, company, day, fact, registration
from tests.unit.scoring.rubric_examples import rubric
from tests.unit.scoring.test_stars_and_caps import proven, shown, veto

TAXONOMY = [*D1.items(), *D2.items(), *E1.items(), ("060200", 500)]


def points(item: str, *facts: Fact, ages: tuple[int, ...], registry: Registry | None = None) -> list[int]:
    made = book(*facts, registry=registry)
    return [made.standing(day(age)).items[item] for age in ages]


def score_lost(one: Fact, age: int) -> int:
    """What the items that incidents are charged to lose for `one`."""
    items = book(one).standing(day(age)).items
    return sum(rubric().items[code].points_milli - items[code] for code in ("D1", "D2", "E1", "F2"))


@pytest.mark.parametrize(("code", "base"), TAXONOMY)
def test_each_code_costs_its_base(code: str, base: int) -> None:
    assert score_lost(fact("incident.recorded", f.IncidentRecorded(code, "filed"), 5), 5) == base


def test_an_incident_that_was_received_or_invalid_costs_nothing() -> None:
    for status, lost in (
        ("received", 0),
        ("invalid", 0),
        ("filed", 4_000),
        ("accepted", 4_000),
        ("solved", 2_400),
    ):
        assert score_lost(fact("incident.recorded", f.IncidentRecorded("010301", status), 5), 5) == lost


def test_a_report_of_cooperation_fades_on_its_days() -> None:
    missed = fact("cooperation.recorded", f.CooperationRecorded("meeting_missed"), 0)
    unanswered = fact("cooperation.recorded", f.CooperationRecorded("request_unanswered"), 0)
    ages = (0, 119, 120, 239, 240, 364, 365)
    lost = [500, 500, 250, 250, 125, 125, 0]
    assert [3_000 - one for one in points("F3", missed, ages=ages)] == lost
    assert points("F3", missed, ages=ages) == points("F3", unanswered, ages=ages)
    concealed = fact("cooperation.recorded", f.CooperationRecorded("concealment"), 0)
    assert points("F2", concealed, ages=(0, 179, 180, 364, 365)) == [1_000, 1_000, 1_500, 1_500, 2_000]


def test_a_finding_that_has_no_number_of_its_own_counts_as_other() -> None:
    def lost(item: str, finding: str | None) -> int:
        check = f.Check(item, "p", "fail", finding)
        made = book(fact("inspection.recorded", f.InspectionRecorded("routine", (check,)), 3))
        return rubric().items[item].points_milli - made.standing(day(3)).items[item]

    assert [lost("A1", finding) for finding in ("post_empty", "no_register", "odd", None)] == [
        1_500,
        500,
        500,
        500,
    ]
    assert [lost("F2", finding) for finding in ("rule_missing", "odd", None)] == [500, 500, 500]


# A2 to A5, F4


def roster(guards: int, licensed: int, trained_on: int | None = None) -> Fact:
    data = f.GuardsUpdated(guards, licensed, 0, self_recruit_filed=False, trained_on=trained_on)
    return fact("guards.updated", data, 1)


def test_need_rises_with_each_two_hundred_households() -> None:
    def one_guard(households: int) -> int:
        registry = Registry([registration(households=households)])
        return points("A3", roster(1, 0), ages=(5,), registry=registry)[0]

    assert [one_guard(households) for households in (0, 200, 201, 400, 401)] == [
        2_000,
        2_000,
        1_000,
        1_000,
        666,
    ]


def test_guards_without_licences_count_as_guards() -> None:
    assert points("A3", roster(5, 0), ages=(5,)) == [2_000]
    assert points("A3", roster(5, 3), ages=(5,)) == [2_900]


def test_training_counts_from_its_day_for_half_a_year() -> None:
    assert points("A4", roster(1, 1, day(10)), ages=(9, 10, 189, 190)) == [0, 1_000, 1_000, 0]


def test_a_survey_counts_that_asked_enough() -> None:
    def asked(number: int, occupied: int) -> int:
        survey = fact("survey.recorded", f.SurveyRecorded(0, number), 1)
        registry = Registry([registration(occupied_households=occupied)])
        return points("F4", survey, ages=(5,), registry=registry)[0]

    assert [asked(number, 1_000) for number in (29, 30)] == [1_000, 0]
    assert [asked(number, 105) for number in (10, 11)] == [1_000, 0]


# STATE


def test_a_status_counts_as_state_for_cameras_and_phones_only() -> None:
    for item, left in (("B1", 5_000), ("C1", 0), ("C2", 0), ("C3", 3_000), ("C4", 3_000)):
        status = fact("facility.status", f.FacilityStatus(item, 1, 2), 5)
        assert points(item, status, ages=(5,)) == [left]


def test_more_devices_than_there_are_count_as_all() -> None:
    assert [status_permille(rubric().state, online, 40) for online in (24, 25, 39, 40, 41)] == [
        0,
        62,
        937,
        1_000,
        1_000,
    ]


def test_an_item_of_which_only_a_hazard_is_known_is_not_absent() -> None:
    hazard = fact("hazard.opened", f.HazardOpened("h", "C3", "p", "ordinary", 1_000), 5)
    assert points("C3", hazard, ages=(5,)) == [2_000]
    assert points("C1", hazard, ages=(5,)) == [8_000]


def test_the_mean_of_checkpoints_is_floored() -> None:
    checks = tuple(
        f.Check("B1", at, result) for at, result in zip("pqr", ("pass", "pass", "fail"), strict=True)
    )
    visit = fact("inspection.recorded", f.InspectionRecorded("routine", checks), 5)
    assert points("B1", visit, ages=(5,)) == [5_000 - 5_000 * (1_000 - 666) // 1_000]


# Hazards


def test_what_the_company_found_leaves_nothing_when_in_time_and_a_residue_when_late() -> None:
    def left(verified: int, *, by_company: bool) -> list[int]:
        hazard = [
            fact("hazard.opened", f.HazardOpened("h", "B1", "p", "major", 1_000), 10, by_company=by_company),
            fact("hazard.verified", f.HazardMoved("h"), verified),
        ]
        return points("B1", *hazard, ages=(verified, verified + 89, verified + 90, verified + 180))

    assert left(17, by_company=True) == [5_000] * 4
    assert left(18, by_company=True) == left(18, by_company=False) == [4_750, 4_750, 4_875, 5_000]


def test_a_grave_hazard_caps_from_the_sixteenth_day_also_when_something_happens_on_the_fifteenth() -> None:
    hazard = fact("hazard.opened", f.HazardOpened("h", "Z9", "p", "major", 1_000), 100)
    refused = fact("hazard.rejected", f.HazardMoved("h"), 100 + 7 + 15)
    assert shown(book(*proven(300), hazard, refused), 100 + 7 + 15, 100 + 7 + 16) == [5, 3]


def test_one_late_among_many_costs_its_share() -> None:
    def share(hazard_class: str) -> int:
        facts = []
        for number in range(20):
            name = f"h{number}"
            opened = f.HazardOpened(name, "Z9", "p", hazard_class, 1_000, day(10))
            facts.append(fact("hazard.opened", opened, 5))
            if number:
                facts.append(fact("hazard.verified", f.HazardMoved(name), 9))
        return points("F1", *facts, ages=(11,))[0]

    assert [share(one) for one in ("immediate", "ordinary", "major", "capital")] == [
        3_000,
        3_500,
        3_000,
        3_500,
    ]


# Disputes


def dispute(kind: str, age: int, **changes: object) -> Fact:
    data: f.FactData = {
        "recorded": f.DisputeRecorded("x", "080101"),
        "mediated": f.DisputeMediated("x"),
        "county": f.DisputeEscalated("x", "county"),
        "security_case": f.DisputeEscalated("x", "security_case"),
    }[kind]
    name = kind if kind in ("recorded", "mediated") else "escalated"
    return fact(f"dispute.{name}", data, age, **changes)


def test_a_mediation_dated_before_the_dispute_counts() -> None:
    facts = [dispute("mediated", 4), dispute("recorded", 5, by_company=True)]
    assert points("E1", *facts, ages=(5, 12)) == [5_000, 5_000]
    assert points("E2", *facts, ages=(5, 12)) == [5_000, 5_000]


def test_of_equal_levels_the_first_is_charged_and_of_equal_amounts_the_higher() -> None:
    twice = [dispute("county", 10), dispute("county", 30)]
    assert points("E2", *twice, ages=(69, 70)) == [3_000, 4_000]
    grown = [dispute("county", 10), dispute("security_case", 30)]
    assert points("E2", *grown, ages=(70, 89, 90)) == [3_000, 3_000, 4_000]


# D3


def trend(*recent: str) -> int:
    """The points of D3 two years on, with five burglaries a year in the first."""
    old = [
        fact("incident.recorded", f.IncidentRecorded("010301", "filed"), 10 + number) for number in range(5)
    ]
    new = [fact("incident.recorded", f.IncidentRecorded(code, "solved"), 700) for code in recent]
    return points("D3", *old, *new, ages=(735,))[0]


def test_half_for_no_change_all_for_a_tenth_less_none_for_a_tenth_more() -> None:
    four, one = ["010301"] * 4, "010306"
    assert trend(*four, "010301") == 2_500
    assert [trend(*four, *[one] * number) for number in (2, 3, 4, 5, 6)] == [5_000, 3_750, 2_500, 1_250, 0]
    assert [trend(one), trend(*["010301"] * 9), trend()] == [5_000, 0, 5_000]


# Stars, vetoes, eligibility


def test_no_score_is_beyond_a_hundred() -> None:
    gained = fact("cooperation.recorded", f.CooperationRecorded("tip_solved_case"), 20)
    standing = book(*proven(60), gained).standing(day(50))
    assert (sum(standing.items.values()), standing.bonus_milli, standing.score_milli) == (
        100_000,
        1_000,
        100_000,
    )


@pytest.mark.parametrize(("name", "cap"), [("V1", 0), ("V2", 0), ("V3", 0), ("V4", 2), ("V5", 2)])
def test_each_veto_has_its_cap(name: str, cap: int) -> None:
    assert shown(book(*proven(200), veto(100, name, 95)), 99, 100) == [5, cap]


def test_evidence_of_each_of_four_items_must_be_fresh() -> None:
    assert rubric().stars.evidence_items == ("B1", "B2", "C1", "C2")
    for item in ("B1", "B2", "B3", "B4", "C1", "C2", "C3", "C4"):
        facts = [one for one in proven(400) if one.kind != "inspection.recorded"]
        for age in range(0, 400, 25):
            codes = [code for code in rubric().layout.states if code != item or not age]
            checks = tuple(f.Check(code, "p", "pass") for code in codes)
            facts.append(fact("inspection.recorded", f.InspectionRecorded("routine", checks), age))
        made = book(*facts)
        old = item in rubric().stars.evidence_items
        assert [made.standing(day(age)).star_max for age in (180, 181)] == [5, 4 if old else 5], item


def test_old_evidence_lifts_no_other_cap() -> None:
    weak = limits(rubric().stars, {"A": 2}, {"A": 10}, evidence_missing=True)
    assert weak == Limits(3)
    assert limits(rubric().stars, {"A": 3, "B": 6}, {"A": 10, "B": 10}, evidence_missing=False) == Limits(4)
    assert limits(rubric().stars, {"B": 6}, {"B": 10}, evidence_missing=False) == Limits(5)


def failed(*companies: object, **changes: object) -> tuple[str, ...]:
    registry = Registry([registration(**changes)], [company(**one) for one in companies])  # type: ignore[arg-type]
    return book(registry=registry).standing(day(100)).eligibility.failed


def test_eligibility_on_its_edges() -> None:
    assert [failed(buildings=number) for number in (2, 3)] == [("buildings",), ()]
    assert [failed(occupied_households=number) for number in (500, 501)] == [("occupancy",), ()]
    first, last = Permit(day(100), day(100)), Permit(day(101), day(200))
    for name in ("construction_permit", "market_registration"):
        assert failed({name: first}) == ()
        assert failed({name: last}) == (name,)
        assert failed({name: Permit(day(0), day(99))}) == (name,)


def test_a_failed_clause_counts_although_the_company_is_unknown() -> None:
    registry = Registry([registration(buildings=2)])
    assert shown(book(*proven(200), registry=registry), 100) == [0]


# Warnings


def warnings(*decided: int, ages: tuple[int, ...]) -> list[str | None]:
    """The warnings of a compound with five stars that a veto holds at two from day 120 to 215.

    Its assessments were decided on days `decided` with five stars.
    """
    registry = Registry([registration()], [], [Assessed(day(age), 5) for age in decided])
    lifted = fact("veto.lifted", f.VetoLifted("x"), 215)
    made = book(*proven(400), veto(120, "V4", 119), lifted, registry=registry)
    return [made.settled(day(age)).warning for age in ages]


def test_a_warning_measures_the_shown_star_against_the_last_decided_one() -> None:
    assert warnings(100, ages=(148, 149, 208, 209, 227, 228)) == [
        None,
        "yellow",
        "yellow",
        "red",
        "red",
        None,
    ]
    assert warnings(ages=(149, 209)) == [None, None]
    assert warnings(300, ages=(149, 209)) == [None, None]


def test_days_count_anew_from_the_day_on_which_an_assessment_is_decided() -> None:
    assert warnings(100, 140, ages=(149, 168, 169, 209, 214)) == [None, None, "yellow", "yellow", "yellow"]


def test_a_book_wakes_when_a_warning_moves() -> None:
    """Closing only on the days that it asks for misses none."""
    registry = Registry([registration()], [], [Assessed(day(100), 5)])
    lifted = fact("veto.lifted", f.VetoLifted("x"), 215)
    made = book(*proven(600), veto(120, "V4", 119), lifted, registry=registry)
    made.close_through(day(130))
    changes, before = [], None
    while made.as_of_day is not None and made.as_of_day < day(240):
        made.close_through(made.next_change_day(made.as_of_day))
        warning = made.standing(made.as_of_day).warning
        if warning != before:
            changes.append((made.as_of_day - day(0), warning))
            before = warning
    assert changes == [(149, "yellow"), (209, "red"), (228, None)]


# The year


def year(*facts: Fact, registry: Registry | None = None) -> Annual:
    found = assess(book(*facts, registry=registry), 2025)
    assert found is not None
    return found


def failing(*items: str) -> list[Fact]:
    """Visits that find these items failed, again and again."""
    checks = tuple(f.Check(item, "p", "fail") for item in items)
    return [
        fact("inspection.recorded", f.InspectionRecorded("routine", checks), age, event_id=f"z{age}")
        for age in range(0, 400, 25)
    ]


def test_a_weak_category_holds_the_star_of_a_year() -> None:
    weak = year(*proven(400), *failing("B1", "B3"))
    assert (weak.score_milli, weak.categories["B"], weak.star, weak.reward_yuan) == (92_000, 7_000, 4, 4_000)
    assert weak.is_basis(rubric())


def test_three_and_two_stars_are_rewarded_and_no_basis() -> None:
    three = year(*proven(400), *failing("B1", "B2", "B3", "C1"))
    assert (three.score_milli, three.star, three.reward_yuan) == (80_000, 3, 3_000)
    assert not three.is_basis(rubric())
    two = year(*proven(400), *failing("B1", "B2", "B3", "C1", "C2", "C4"))
    assert (two.score_milli, two.star, two.reward_yuan) == (71_000, 3, 3_000)
    least = year(*proven(400), *failing("B1", "B2", "B3", "B4", "C1", "C2", "C4"))
    assert (least.score_milli, least.star, least.reward_yuan) == (68_000, 2, 2_000)


def test_an_inspection_outside_of_the_enrolment_makes_no_quarter() -> None:
    once = [one for one in proven(400) if one.kind != "inspection.recorded" or one.day < day(60)]
    late = fact("inspection.recorded", f.InspectionRecorded("routine", (f.Check("B1", "p", "pass"),)), 300)
    left = Registry([registration(withdrawn_on=day(290))])
    found = year(*once, late, registry=left)
    assert (found.inspected_quarters, found.star) == (1, 0)
    assert year(*once, late).inspected_quarters == 2
