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

from pathlib import Path

import pytest

from tests.mutations.simulated import ROOT, Simulated, Tooth

SIMULATED = Simulated("tally", 600, (ROOT / "shared" / "src",), "shared/runtime")
COMPARE = "WHERE c.epoch = w.epoch AND c.next_offset = w.old_offset"
ADVANCE = "            before = await _advance(connection, steps)\n"

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


@pytest.mark.parametrize("tooth", TEETH, ids=lambda tooth: tooth.name)
def test_a_protection_that_is_gone_is_missed(tooth: Tooth, tmp_path: Path) -> None:
    assert SIMULATED.fails_without(tooth, tmp_path)


def test_and_nothing_is_missed_while_all_are_there(tmp_path: Path) -> None:
    assert not SIMULATED.fails_untouched(tmp_path)
