"""Every example of the rubric, to the last milli-point."""

from datetime import date

import pytest
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
