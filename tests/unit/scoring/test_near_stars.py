"""When another star is near enough to tell: within a point of where a run begins."""

from scoring.domain.distance import Near, near
from scoring.domain.standing import Standing

from tests.unit.scoring.making import book, day
from tests.unit.scoring.rubric_examples import rubric
from tests.unit.scoring.test_stars_and_caps import proven


def standing(score_milli: int, star: int | None, star_max: int = 5) -> Standing:
    made = book(*proven(130)).settled(day(100))
    return made._replace(score_milli=score_milli, dynamic_star=star, star_max=star_max)


def test_up_and_down_within_a_point_and_not_beyond() -> None:
    scores = (80_999, 81_000, 81_999, 82_000, 95_000)
    found = [near(rubric(), standing(score, 3)) for score in scores]
    assert found == [None, Near("up", 4, 1_000), Near("up", 4, 1), Near("up", 4, 0), Near("up", 4, 0)]
    scores = (69_001, 69_000, 68_000, 50_000)
    found = [near(rubric(), standing(score, 3)) for score in scores]
    assert found == [None, Near("down", 2, 1_000), Near("down", 2, 0), Near("down", 2, 0)]


def test_no_star_no_neighbour() -> None:
    assert near(rubric(), standing(81_500, None)) is None
    assert near(rubric(), standing(99_000, 5)) is None
    assert near(rubric(), standing(10_000, 0)) is None


def test_a_star_that_something_else_holds_back_is_not_near() -> None:
    assert near(rubric(), standing(91_500, 4, star_max=4)) is None
    assert near(rubric(), standing(91_500, 4, star_max=3)) == Near("down", 3, 0)
