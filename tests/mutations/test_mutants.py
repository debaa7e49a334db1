"""Changing a number or condition of the rubric makes a test fail: each mutant is killed by the unit tests."""

import asyncio
import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.mutations.mutants import MUTANTS, Mutant

ROOT = Path(__file__).parents[2]
SCORING = ROOT / "services" / "scoring" / "src" / "scoring"
KILLED = 1  # of the probe, and pytest's exit code for failed tests
SECONDS_MAX = 120


def changed_copy(mutant: Mutant | None, place: Path) -> Path:
    """A copy of the scoring package with that one change; answers the folder to import it from."""
    shutil.copytree(SCORING, place / "scoring", ignore=shutil.ignore_patterns("__pycache__"))
    if mutant is not None:
        file = place / "scoring" / mutant.file
        text = file.read_text("utf-8")
        assert text.count(mutant.old) == 1, f"{mutant}: found {text.count(mutant.old)} times"
        file.write_text(text.replace(mutant.old, mutant.new), "utf-8")
    return place


async def verdict(folder: Path, *command: str) -> tuple[int, str]:
    """Exit code and words of a command of this Python, run with the package in that folder."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await asyncio.wait_for(process.communicate(), SECONDS_MAX)
    assert process.returncode is not None
    return process.returncode, out.decode(errors="replace")


PROBE = ("-m", "tests.mutations.probe")
TESTS = ("-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "tests/unit/scoring")


@pytest.mark.timeout(900)
async def test_no_mutant_survives(tmp_path: Path) -> None:
    assert len(MUTANTS) >= 40
    unchanged = changed_copy(None, tmp_path / "unchanged")
    for command in (PROBE, TESTS):
        code, words = await verdict(unchanged, *command)
        assert code == 0, words[-2000:]
    gate = asyncio.Semaphore(os.cpu_count() or 1)

    async def survives(number: int, mutant: Mutant) -> str | None:
        async with gate:
            place = tmp_path / str(number)
            changed_copy(mutant, place)
            code, words = await verdict(place, *PROBE)
            if code != KILLED:
                code, words = await verdict(place, *TESTS)
            shutil.rmtree(place)
        return None if code == KILLED else f"{mutant} (exit {code}): {words[-300:]}"

    survivors = await asyncio.gather(*(survives(number, each) for number, each in enumerate(MUTANTS)))
    assert [each for each in survivors if each] == []
