"""The checks of one item, packed after every change: what is left of them says what all of them say."""

from hypothesis import given, settings
from hypothesis import strategies as st
from scoring.domain.checkpoints import CheckpointShelf
from scoring.domain.shelf import ORIGIN, Forgotten

from tests.unit.scoring.rubric_examples import rubric

DAYS = 5
orders = st.tuples(st.integers(ORIGIN - 2, ORIGIN + DAYS), st.integers(0, 3), st.sampled_from("ab"))
results = st.tuples(st.sampled_from("pq"), orders, st.integers(0, 3))


@settings(max_examples=2_000, deadline=None)
@given(st.lists(st.tuples(results, st.booleans(), st.integers(ORIGIN - 2, ORIGIN + DAYS))))
def test_the_last_results_are_kept_or_it_says_that_they_are_not(
    changes: list[tuple[tuple[str, tuple[int, int, str], int], bool, int]],
) -> None:
    whole, thin = CheckpointShelf(), CheckpointShelf()
    as_of, rules = ORIGIN - 3, rubric().state
    ranks: dict[tuple[str, tuple[int, int, str]], int] = {}
    for (checkpoint, order, rank), takes, closed in changes:
        known = ranks.get((checkpoint, order))
        if known is not None and not takes:
            continue
        try:
            for shelf in (whole, thin):
                if known is None:
                    shelf.add(checkpoint, order, rank)
                else:
                    shelf.remove(checkpoint, order, known)
        except Forgotten:
            thin = packed(whole, as_of)
        if known is None:
            ranks[checkpoint, order] = rank
        else:
            del ranks[checkpoint, order]
        as_of = max(as_of, closed)
        thin = packed(thin, as_of)
        for day in range(as_of, ORIGIN + DAYS + 1):
            assert thin.reading(rules, day) == whole.reading(rules, day)


def packed(shelf: CheckpointShelf, as_of: int) -> CheckpointShelf:
    plain = shelf.pack(as_of)
    return CheckpointShelf.unpack(plain) if plain else CheckpointShelf()
