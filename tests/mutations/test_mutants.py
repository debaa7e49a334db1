"""Changing a number or condition of the rubric makes a test fail: each mutant is killed by the unit tests."""

import asyncio
import os
import shutil
import sys
from pathlib import Path

import pytest
import pytest_asyncio

from tests.mutations import rules
from tests.mutations.mutants import SCORING, Mutant, numbers, points

ROOT = Path(__file__).parents[2]
KILLED = 1
"""The exit code of the probe, and of pytest when tests fail."""
SECONDS_MAX = 120
MUTANTS = [*numbers(), *points(), *rules.MUTANTS]

PROBE = ("-m", "tests.mutations.probe")


def changed_copy(mutant: Mutant | None, place: Path) -> Path:
    """A copy of the scoring package with that one change; answers the folder to import it from."""
    shutil.copytree(SCORING, place / "scoring")
    if mutant is not None:
        if mutant.file.endswith(".py"):
            compile(mutant.text(), mutant.file, "exec")
        (place / "scoring" / mutant.file).write_text(mutant.text(), "utf-8")
    return place


async def probed(folder: Path) -> tuple[int, str]:
    """Exit code and words of the probe, run with the package in that folder."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *PROBE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        out, _ = await asyncio.wait_for(process.communicate(), SECONDS_MAX)
    except TimeoutError:
        process.kill()
        await process.wait()
        return KILLED, "it never ended"
    assert process.returncode is not None
    return process.returncode, out.decode(errors="replace")


async def fate(mutant: Mutant | None, place: Path) -> tuple[int, str]:
    """What the probe says of a mutant."""
    found = await probed(changed_copy(mutant, place))
    shutil.rmtree(place)
    return found


@pytest_asyncio.fixture(scope="module")
async def fates(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[Mutant, tuple[int, str]]:
    """What became of each mutant that was asked for, as many at once as there are processors."""
    calls = [getattr(item, "callspec", None) for item in request.session.items]
    chosen = [call.params["mutant"] for call in calls if call is not None and "mutant" in call.params]
    folder = tmp_path_factory.mktemp("mutants")
    gate = asyncio.Semaphore(os.cpu_count() or 1)

    async def one(number: int, mutant: Mutant) -> tuple[int, str]:
        async with gate:
            return await fate(mutant, folder / str(number))

    found = await asyncio.gather(*(one(number, each) for number, each in enumerate(chosen)))
    return dict(zip(chosen, found, strict=True))


async def test_without_a_change_all_is_well(tmp_path: Path) -> None:
    code, words = await fate(None, tmp_path / "unchanged")
    assert code == 0, words[-2000:]


@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
async def test_it_does_not_survive(mutant: Mutant, fates: dict[Mutant, tuple[int, str]]) -> None:
    code, words = fates[mutant]
    assert code == KILLED, words[-1000:]
