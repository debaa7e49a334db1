"""Stars that follow slowly, caps that act at once, and what ends them."""

from scoring.domain import facts as f
from scoring.domain.book import Book
from scoring.domain.facts import Fact
from scoring.domain.registry import Permit, Registry
from scoring.domain.stars import Fold, Limits, days_to_move, fold, limited_star, star_of

from tests.unit.scoring.making import book, company, day, fact, registration
from tests.unit.scoring.rubric_examples import rubric

RULES = rubric().stars
FREE = Limits(5)


def test_the_star_of_a_score_changes_on_the_threshold() -> None:
    scores = (0, 59_999, 60_000, 69_999, 70_000, 80_000, 89_999, 90_000, 100_000)
    assert [star_of(RULES, score) for score in scores] == [0, 0, 2, 2, 3, 4, 4, 5, 5]
    assert limited_star(RULES, 95_000, Limits(3)) == 3


def test_a_star_moves_one_step_after_fourteen_days_and_counts_anew() -> None:
    state = Fold(2)
    moved = []
    for number in range(1, 60):
        before, state = state.star, fold(RULES, state, 95_000, FREE)
        if state.star != before:
            moved.append((number, state))
    assert moved == [(14, Fold(3)), (28, Fold(4)), (42, Fold(5))]


def test_a_run_needs_the_margin_and_breaks_on_one_day_without_it() -> None:
    state = Fold(4)
    for score in (91_999, 92_000, 92_000, 91_999, 92_000):
        state = fold(RULES, state, score, FREE)
    assert state == Fold(4, up_run=1)
    assert fold(RULES, Fold(4), 77_999, FREE).down_run == 1
    assert fold(RULES, Fold(4), 78_000, FREE).down_run == 0


def test_the_day_of_the_next_move_is_known() -> None:
    for state in (Fold(), Fold(3), Fold(3, 5, 0), Fold(3, 0, 9), Fold(3, 13, 0), Fold(5)):
        for score in (50_000, 69_000, 75_000, 95_000):
            expected, now = None, state
            for number in range(1, 30):
                after = fold(RULES, now, score, FREE)
                if after.star != now.star:
                    expected = number
                    break
                now = after
            assert days_to_move(RULES, state, score, FREE) == expected


def veto(age: int, name: str, occurred: int, veto_id: str = "x") -> Fact:
    return fact("veto.confirmed", f.VetoStated(veto_id, name, day(occurred)), age)


def proven(last: int) -> list[Fact]:
    """Facts that keep every item at full points."""
    found = []
    for age in range(0, last, 25):
        states = [item for item in rubric().items.values() if item.model == "state"]
        checks = tuple(f.Check(item.code, "p", "pass") for item in states)
        found += [
            fact("inspection.recorded", f.InspectionRecorded("routine", checks), age),
            fact("patrol.logged", f.PatrolLogged("g", 60, 60), age),
            fact("volunteers.logged", f.VolunteersLogged(9), age),
            fact(
                "guards.updated",
                f.GuardsUpdated(9, 9, 5_000, self_recruit_filed=True, trained_on=day(age)),
                age,
            ),
        ]
    return found


def shown(made: Book, *ages: int) -> list[int | None]:
    return [made.settled(day(age)).star for age in ages]


def test_a_confirmed_veto_holds_a_year_from_what_happened_or_until_it_is_lifted() -> None:
    made = book(*proven(600), veto(100, "V4", 95), veto(120, "V1", 110, "y"))
    made.add(fact("veto.lifted", f.VetoLifted("y"), 130))
    assert shown(made, 99, 100, 120, 129, 130, 95 + 364, 95 + 365) == [5, 2, 0, 0, 2, 2, 5]
    assert made.settled(day(120)).dynamic_star == 5
    assert [(cap.veto, cap.veto_id) for cap in made.standing(day(121)).caps] == [("V1", "y"), ("V4", "x")]
    assert made.next_change_day(day(110)) <= day(120)


def test_a_proposed_veto_does_nothing() -> None:
    made = book(*proven(200), fact("veto.proposed", f.VetoStated("x", "V1", day(90)), 95))
    assert shown(made, 100) == [5]


def test_a_grave_hazard_overdue_for_long_caps_until_it_is_verified() -> None:
    opened = f.HazardOpened("h", "Z9", "p", "major", 1_000)
    made = book(*proven(300), fact("hazard.opened", opened, 100))
    assert shown(made, 100 + 7 + 15, 100 + 7 + 16) == [5, 3]
    made.add(fact("hazard.verified", f.HazardMoved("h"), 140))
    assert shown(made, 139, 140) == [3, 5]
    slow = book(*proven(300), fact("hazard.opened", opened._replace(hazard_class="ordinary"), 100))
    assert shown(slow, 200) == [5]


def test_eligibility_names_each_failed_clause_and_caps_at_once() -> None:
    bad = registration(
        root="r2", effective_from=day(120), buildings=2, enclosed=False, occupied_households=500
    )
    ends = Permit(day(-9), day(140))
    registry = Registry([registration(), bad], [company(market_registration=ends)])
    made = book(*proven(300), registry=registry)
    assert shown(made, 119, 120) == [5, 0]
    assert made.standing(day(119)).eligibility.failed == ()
    assert made.standing(day(140)).eligibility.failed == ("buildings", "enclosed", "occupancy")
    assert made.standing(day(141)).eligibility.failed[-1] == "market_registration"
    assert made.next_change_day(day(125)) <= day(141)
    assert made.standing(day(150)).dynamic_star is None or made.settled(day(150)).dynamic_star == 5


def test_a_company_that_nobody_registered_is_unknown_and_no_reason() -> None:
    made = book(*proven(200), registry=Registry([registration()], [company(company_id="P2")]))
    assert made.standing(day(100)).eligibility == ((), ("company",))
    assert shown(made, 100) == [5]


def test_nothing_is_shown_before_ninety_days_or_outside_of_the_enrolment() -> None:
    registry = Registry([registration(withdrawn_on=day(120))])
    made = book(*proven(300), registry=registry)
    assert shown(made, 89, 90, 119, 120) == [None, 5, 5, None]
    assert made.settled(day(120)).score_milli is None
