"""F1 on the days around a due day."""

from scoring.domain import facts as f
from scoring.domain.facts import Fact

from tests.unit.scoring.making import book, day, fact


def hazard(name: str, opened: int, due: int, **moves: int) -> list[Fact]:
    """A major hazard with moves by the kind of fact."""
    data = f.HazardOpened(name, "Z9", "p", "major", 1_000, day(due))
    return [
        fact("hazard.opened", data, opened),
        *(fact(f"hazard.{kind}", f.HazardMoved(name), age) for kind, age in moves.items()),
    ]


def points(*facts: Fact, ages: tuple[int, ...]) -> list[int]:
    made = book(*facts)
    return [made.standing(day(age)).items["F1"] for age in ages]


def test_a_hazard_counts_from_the_day_after_its_due_day_for_half_a_year() -> None:
    assert points(*hazard("h", 5, 10), ages=(10, 11, 189, 190)) == [4_000, 3_000, 3_000, 4_000]


def test_one_put_right_on_its_due_day_counts_from_the_next_day_too() -> None:
    late = [*hazard("a", 1, 2), *hazard("b", 1, 2), *hazard("c", 1, 2)]
    good = [one for name in "defghij" for one in hazard(name, 15, 20, rectified=18, verified=20)]
    assert points(*late, *good, ages=(19, 20, 21)) == [1_000, 1_000, 1_000]
    # 21 of 24 in time are 87 per cent: 2.6 points instead of 3.
    more = [one for number in range(14) for one in hazard(f"m{number}", 15, 20, rectified=18, verified=20)]
    assert points(*late, *good, *more, ages=(20, 21)) == [1_000, 1_400]


def test_what_waits_for_the_officer_is_left_out() -> None:
    waiting = hazard("w", 5, 10, rectified=10)
    assert points(*waiting, ages=(11, 30)) == [4_000, 4_000]
    rejected = [*waiting, fact("hazard.rejected", f.HazardMoved("w"), 20)]
    assert points(*rejected, ages=(19, 20)) == [4_000, 3_000]
    assert points(*waiting, fact("hazard.verified", f.HazardMoved("w"), 20), ages=(20,)) == [4_000]


def test_the_first_rectification_after_the_last_rejection_stands() -> None:
    again = fact("hazard.rectified", f.HazardMoved("h"), 14)
    assert points(*hazard("h", 5, 10, rectified=9), again, ages=(14,)) == [4_000]
    rejected = fact("hazard.rejected", f.HazardMoved("h"), 12)
    assert points(*hazard("h", 5, 10, rectified=9), rejected, again, ages=(11, 14)) == [4_000, 3_000]
