"""Each protection is taken out of a copy of the source, and the simulator has to miss it by itself.

Where the teeth of each protection are:

| Protection | Tooth |
|---|---|
| epoch, offset, seek after claim, outbox in the transaction | here; some in `test_engine_teeth` too |
| state version check | `test_scoring_teeth` (a state is not the loaded one) |
| idempotent day | `test_scoring_teeth` (a day folds a compound again) |
| revision rule | `test_scoring_teeth` (an older revision counts); `rules` for each of its conditions |
| incarnation: a database that went back | here |
| incarnation: what a relay deletes | `test_engine_teeth` (a relay deletes by sequence alone) |
| drop by sequence in notify | `test_engine_teeth` |
| a parked record counts once, or is dropped | `test_engine_teeth` |
| merged work, registry of a refold, memory of lost claims | `test_scoring_teeth` |
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "shared" / "src"
SEEDS = 600
SECONDS_MAX = 170

COMPARE = "WHERE c.epoch = w.epoch AND c.next_offset = w.old_offset"
ADVANCE = "            before = await _advance(connection, steps)\n"


class Tooth(NamedTuple):
    """In a module of `shared.runtime`, `old` becomes `new`."""

    name: str
    module: str
    old: str
    new: str


TEETH = [
    Tooth("the epoch is not compared", "cursor.py", COMPARE, "WHERE c.next_offset = w.old_offset"),
    Tooth("the offset is not compared", "cursor.py", COMPARE, "WHERE c.epoch = w.epoch"),
    Tooth("cursors are looked at without a lock", "cursor.py", "    FOR UPDATE OF c\n", ""),
    Tooth(
        "a claim does not raise the epoch", "cursor.py", "SET epoch = c.epoch + 1,", "SET epoch = c.epoch,"
    ),
    Tooth(
        "a part of the cursors is enough",
        "consume/writer.py",
        "if len(before) < len(steps):",
        "if not before:",
    ),
    Tooth(
        "the cursor is committed before the rest",
        "consume/writer.py",
        ADVANCE,
        f"{ADVANCE}"
        "            await transaction.commit()\n"
        "            transaction = connection.transaction()\n"
        "            await transaction.start()\n",
    ),
    Tooth(
        "the outbox is not in the transaction",
        "outbox/rows.py",
        "        await tx.execute(_APPEND, *zip(*columns, strict=True))\n",
        "        import asyncio\n"
        "        asyncio.get_running_loop().call_later(\n"
        "            0.05,\n"
        "            lambda: asyncio.ensure_future(tx.execute(_APPEND, *zip(*columns, strict=True))),\n"
        "        )\n",
    ),
    Tooth(
        "a frozen owner is waited for",
        "consume/claimer.py",
        "ended = await cursor.terminate_owner(connection, partition)",
        "ended = False",
    ),
    Tooth(
        "a claim does not seek",
        "consume/inbox.py",
        "            self._log.seek(partition, reading.expected)\n        self._log.resume(self._readings)",
        "            pass\n        self._log.resume(self._readings)",
    ),
    Tooth(
        "every jump is taken for a gap",
        "consume/offsets.py",
        "if first in {self.expected, self.begins}",
        "if first >= self.expected",
    ),
    Tooth(
        "memory is kept after a failure",
        "consume/recovery.py",
        "self._absorber.forget(self._dirty | claims.keys())",
        "self._dirty.clear()",
    ),
    Tooth(
        "side work overlaps what is written before it",
        "consume/engine.py",
        "if work.starts is None and writing is not None:",
        "if False:",
    ),
    Tooth("claims outlive their connection", "consume/recovery.py", "        self._ownership.void()\n", ""),
    Tooth(
        "a database that went back goes on",
        "tail.py",
        "    return tail.incarnation + 1",
        "    return incarnation",
    ),
    Tooth(
        "a relay deletes what was not acknowledged",
        "outbox/relay.py",
        "        elif number not in cut:\n            reached[number] = Tail",
        "        if True:\n            reached[number] = Tail",
    ),
]


def live(source: Path) -> dict[str, Any]:
    """Seeds in a process that imports `shared` from there; the figures of the run."""
    run = subprocess.run(
        [sys.executable, "-m", "tests.simulator", "--service", "tally", "--seeds", str(SEEDS), "--stop"],
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
    shutil.copytree(SOURCE, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.mark.parametrize("tooth", TEETH, ids=lambda tooth: tooth.name)
def test_a_protection_that_is_gone_is_missed(tooth: Tooth, tmp_path: Path) -> None:
    source = copied(tmp_path)
    module = source / "shared" / "runtime" / tooth.module
    text = module.read_text()
    assert text.count(tooth.old) == 1, "the protection has moved: follow it"
    module.write_text(text.replace(tooth.old, tooth.new))
    assert live(source)["failed"]


def test_and_nothing_is_missed_while_all_are_there(tmp_path: Path) -> None:
    assert live(copied(tmp_path))["failed"] == []
