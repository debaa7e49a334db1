"""Statistics against a naive count over the facts: any revisions, withdrawals, codes, days."""

from datetime import date

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scoring.domain.revisions import counted

from tests.properties import naive_statistics as naive
from tests.properties.scoring_facts import DAYS, FIRST, revisions, seeds
from tests.unit.scoring.counted_calls import statistics, untouched


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(seeds, max_size=40),
    st.lists(st.sampled_from([0, 1, 364, 365, 366, 729, 730]), max_size=4),
    st.integers(0, DAYS + 800),
)
def test_figures_equal_a_naive_count(roots: list[int], pool: list[int], last: int) -> None:
    facts = [
        one
        for number, seed in enumerate(roots)
        for one in revisions(seed, f"f{number}", pool, ["incident", "dispute"])
    ]
    ordinal = FIRST + last
    found = statistics(counted(facts).values(), date.fromordinal(ordinal))
    expected = naive.counts(facts, ordinal)
    for one in found.figures:
        assert (one.within, one.before) == expected.get(one.figure.name, (0, 0)), one.figure.name
        assert one.change_permyriad == naive.change(one.within, one.before)
    assert {one.part.figure.name: one.of.figure.name for one in found.shares} == naive.SHARES
    for one in found.shares:
        part, of = (expected.get(name, (0, 0)) for name in (one.part.figure.name, one.of.figure.name))
        assert (one.permyriad, one.permyriad_before) == tuple(map(naive.share, part, of))
    expected_untouched = {"C1"} if naive.untouched(facts, ordinal) else set()
    assert untouched(counted(facts).values(), date.fromordinal(ordinal), {"C1"}) == expected_untouched
