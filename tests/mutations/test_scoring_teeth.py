"""Each protection of scoring itself is taken out of a copy of the source: the simulator has to miss it."""

from pathlib import Path

import pytest

from tests.mutations.simulated import ROOT, Simulated, Tooth

SIMULATED = Simulated(
    "scoring", 120, (ROOT / "shared" / "src", ROOT / "services" / "scoring" / "src"), "scoring"
)

TEETH = [
    Tooth(
        "the version of a state is not compared",
        "store/states.py",
        "WHERE s.version = excluded.version - 1\n",
        "",
    ),
    Tooth("a day folds a compound again", "store/states.py", " AND as_of_day < $4\n", "\n"),
    Tooth(
        "an older revision counts",
        "domain/revisions.py",
        "arriving.revision > stored.revision",
        "arriving.revision < stored.revision",
    ),
    Tooth(
        "what was added to work while it was done is lost", "store/work.py", " AND w.merged = d.merged", ""
    ),
    Tooth(
        "a refold keeps the registry that it knew",
        "handlers/work.py",
        "await self._folds.open(touched, anew=True)",
        "await self._folds.open(touched)",
    ),
    Tooth("memory outlives its claims", "plans.py", "        self.memory.forget(numbers)\n", ""),
]


@pytest.mark.parametrize("tooth", TEETH, ids=lambda tooth: tooth.name)
def test_a_protection_that_is_gone_is_missed(tooth: Tooth, tmp_path: Path) -> None:
    assert SIMULATED.fails_without(tooth, tmp_path)


def test_and_nothing_is_missed_while_all_are_there(tmp_path: Path) -> None:
    assert not SIMULATED.fails_untouched(tmp_path)
