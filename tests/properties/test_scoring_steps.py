"""Sums of steps against the plainest way to say the same, packed and not, whatever the numbers are."""

from hypothesis import given
from hypothesis import strategies as st
from scoring.domain.facts import NEVER
from scoring.domain.shelf import ORIGIN
from scoring.domain.steps import StepSum

days = st.one_of(
    st.integers(ORIGIN - 5, ORIGIN + 5),
    st.integers(719_163, 803_533),  # 1970 to 2200
)
amounts = st.one_of(st.integers(-3, 3), st.integers(-(2**40), 2**40))


@given(st.lists(st.tuples(days, amounts), max_size=30), days, st.lists(days, min_size=1, max_size=5))
def test_a_sum_is_what_was_added_up_to_the_day(
    added: list[tuple[int, int]], packed_on: int, asked: list[int]
) -> None:
    made = StepSum()
    for day, amount in added:
        made.add(day, amount)
    changes: dict[int, int] = {}
    for day, amount in added:
        changes[day] = changes.get(day, 0) + amount
    again = StepSum.unpack(made.pack(packed_on))
    for day in [*asked, *(day for day, _ in added)]:
        total = sum(amount for on, amount in changes.items() if on <= day)
        following = min((on for on, amount in changes.items() if on > day and amount), default=NEVER)
        assert (made.at(day), made.next_after(day)) == (total, following)
        if day >= packed_on:
            assert (again.at(day), again.next_after(day)) == (total, following)
    assert bool(made.pack(packed_on)) == any(
        again.at(day) for day in [packed_on, *(on for on in changes if on > packed_on)]
    )
