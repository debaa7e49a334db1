"""Which days of two histories differ."""

import pytest
from scoring.domain.standing import Step
from scoring.handlers.work import revised_days


def _step(day: int, score: int, *, run: int = 0) -> Step:
    return Step(day, score, 3, 3, run, 0, {"A1": score}, 0, ())


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ([], [], None),
        ([_step(1, 5)], [_step(1, 5, run=3)], None),
        ([_step(1, 5)], [_step(1, 5), _step(4, 3), _step(7, 5)], (4, 6)),
        ([_step(1, 5)], [_step(1, 5), _step(4, 3)], (4, 10)),
        ([_step(1, 5), _step(6, 4)], [_step(1, 5), _step(3, 4), _step(6, 4)], (3, 5)),
        ([], [_step(2, 5)], (2, 10)),
        ([_step(2, 5), _step(5, 6)], [_step(2, 5), _step(5, 6), _step(8, 6)], None),
        ([_step(1, 5), _step(3, 6), _step(8, 1)], [_step(1, 4), _step(3, 6), _step(8, 2)], (1, 10)),
    ],
)
def test_first_and_last_day(old: list[Step], new: list[Step], expected: tuple[int, int] | None) -> None:
    assert revised_days(old, new, 10) == expected
