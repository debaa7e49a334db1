"""Each protection of intake is taken out of a copy of the source, and the reader of its faults misses it."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICE = ROOT / "services" / "intake"
TEST = "tests/faults/test_intake_short.py::test_what_was_answered_is_stored_once"
SECONDS_MAX = 500


@dataclass(frozen=True)
class Tooth:
    """Replace `old` by `new` in a module of `intake`: the reader must say one of `said`."""

    name: str
    module: str
    old: str
    new: str
    said: tuple[str, ...]


TEETH = [
    Tooth(
        "an id that was used is given away again",
        "store/reserving.py",
        '    if row["offset"] is not None:\n        return Settled(receipt_of(row))',
        '    if row["offset"] is not None:\n        return FRESH',
        ("contents lie under the id", "was stored again without need"),
    ),
    Tooth(
        "what is not acknowledged is answered as stored",
        "topics/publishing.py",
        "            self._circuit.trip()\n",
        "            self._circuit.trip()\n            return 0\n",
        ("is not on its topic", ": not at ("),
    ),
    Tooth(
        "receipts are not completed",
        "handlers/door.py",
        "            await self._receipts.complete(stored)\n",
        "            stored = ()\n",
        ("does not say where it lies",),
    ),
    Tooth(
        "receipts go by the clock of any replica",
        "store/statements.py",
        " AND deadline < now() - $3::interval",
        " AND $3::interval IS NOT NULL",
        ("contents lie under the id", "was stored again without need", "is not there", "unknown afterwards"),
    ),
]


@pytest.mark.timeout(SECONDS_MAX + 30)
@pytest.mark.parametrize("tooth", TEETH, ids=lambda tooth: tooth.name)
def test_a_protection_that_is_gone_is_missed(tooth: Tooth, tmp_path: Path) -> None:
    shutil.copytree(SERVICE, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    module = tmp_path / "src" / "intake" / tooth.module
    text = module.read_text()
    assert text.count(tooth.old) == 1, "the protection has moved: follow it"
    module.write_text(text.replace(tooth.old, tooth.new))
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "--no-header", "-p", "no:cacheprovider", TEST],
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(tmp_path / "src"), os.environ.get("PYTHONPATH", "")]),
        },
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    # 1: a test failed. Anything else would only mean that nothing could be run.
    assert run.returncode == 1, run.stdout[-3000:] + run.stderr[-1000:]
    assert any(said in run.stdout for said in tooth.said), run.stdout[-3000:]
