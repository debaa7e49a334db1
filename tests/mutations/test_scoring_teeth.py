"""Each protection of scoring itself is taken out of a copy of the source: the simulator has to miss it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = (ROOT / "shared" / "src", ROOT / "services" / "scoring" / "src")
SEEDS = 120
SECONDS_MAX = 170


class Tooth(NamedTuple):
    """In a module of `scoring`, `old` becomes `new`."""

    name: str
    module: str
    old: str
    new: str


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


def live(source: Path) -> dict[str, Any]:
    """Seeds in a process that imports the product from there; the figures of the run."""
    run = subprocess.run(
        [sys.executable, "-m", "tests.simulator", "--service", "scoring", "--seeds", str(SEEDS), "--stop"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    assert run.stdout, run.stderr[-3000:]
    figures: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return figures


def copied(folder: Path) -> Path:
    for source in SOURCES:
        shutil.copytree(source, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.mark.parametrize("tooth", TEETH, ids=lambda tooth: tooth.name)
def test_a_protection_that_is_gone_is_missed(tooth: Tooth, tmp_path: Path) -> None:
    source = copied(tmp_path)
    module = source / "scoring" / tooth.module
    text = module.read_text()
    assert text.count(tooth.old) == 1, "the protection has moved: follow it"
    module.write_text(text.replace(tooth.old, tooth.new))
    assert live(source)["failed"]


def test_and_nothing_is_missed_while_all_are_there(tmp_path: Path) -> None:
    assert live(copied(tmp_path))["failed"] == []
