"""Every example of the rubric, to the last milli-point."""

from datetime import date

import pytest
from scoring.domain.annual import assess

from tests.unit.scoring.rubric_examples import Example, book_of, examples, ordinal

CASES = [pytest.param(example, id=example.name) for example in examples()]


@pytest.mark.parametrize("example", CASES)
def test_points_of_each_day(example: Example) -> None:
    book = book_of(example.registry, example.facts)
    for expected in example.expected:
        standing = book.standing(ordinal(expected["day"]))
        found = {
            "day": expected["day"],
            "score_milli": standing.score_milli,
            "items": dict(standing.items),
            "bonus_milli": standing.bonus_milli,
            "unverified": list(standing.unverified),
            "categories": dict(standing.categories),
        }
        assert found == expected


@pytest.mark.parametrize("example", CASES)
def test_changes_of_the_dynamic_star(example: Example) -> None:
    book = book_of(example.registry, example.facts)
    star, changes = None, []
    for step in book.close_through(example.last_day):
        if step.dynamic_star is not None and step.dynamic_star != star:
            star = step.dynamic_star
            changes.append(
                {
                    "day": date.fromordinal(step.day).isoformat(),
                    "score_milli": step.score_milli,
                    "star": star,
                }
            )
    assert changes == example.star_changes


ANNUAL = [pytest.param(example, id=example.name) for example in examples() if example.has_annual]


@pytest.mark.parametrize("example", ANNUAL)
def test_annual_result(example: Example) -> None:
    found = [assess(book_of(example.registry, example.facts), year) for year in years(example)]
    results = [
        {
            "year": one.year,
            "days": one.days,
            "score_milli": one.score_milli,
            "star": one.star,
            "reward_yuan": one.reward_yuan,
        }
        for one in found
        if one is not None
    ]
    assert results == ([] if example.annual is None else [example.annual])


def years(example: Example) -> list[int]:
    if example.annual is not None:
        return [example.annual["year"]]
    return [date.fromordinal(example.last_day).year]
