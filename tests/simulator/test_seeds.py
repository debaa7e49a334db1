"""A fixed number of seeds on every run of the tests, and whether a seed says all that happens."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from shared.runtime.records import Partition

from tests.simulator import outcomes
from tests.simulator.broker import Log, Stored
from tests.simulator.outcomes import Told
from tests.simulator.tally.rules import State, fold
from tests.simulator.tally.verdict import Left, judge

ROOT = Path(__file__).parents[2]
SEEDS = {"tally": 300, "scoring": 60}
KINDS = (
    "crashes",
    "fenced",
    "commit_was_in_doubt",
    "fail_overs",
    "long_freezes",
    "members_expelled",
)
FACTS = Partition("facts", 0)


def live(*arguments: str) -> tuple[int, dict[str, Any], str]:
    # In a process of its own: it replaces the event loop, the logs and the order of sets.
    run = subprocess.run(
        [sys.executable, "-m", "tests.simulator", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    lines = run.stdout.splitlines()
    assert lines, run.stderr[-3000:]
    return run.returncode, json.loads(lines[-1]), "\n".join(lines[:-1])


@pytest.mark.parametrize("service", SEEDS)
def test_nothing_is_lost_or_doubled_whatever_happens(service: str) -> None:
    seeds = SEEDS[service]
    code, figures, failures = live("--service", service, "--seeds", str(seeds))
    print(json.dumps(figures))
    assert code == 0, failures
    assert figures["seeds"] == seeds
    # Each kind of trouble was really there.
    for kind in KINDS:
        assert figures[kind] >= seeds / 10, kind


@pytest.mark.parametrize(("service", "seeds"), [("tally", "60"), ("scoring", "15")])
def test_a_seed_gives_the_same_run_in_any_process(service: str, seeds: str) -> None:
    one = live("--service", service, "--from", "7", "--seeds", seeds)[1]
    other = live("--service", service, "--from", "7", "--seeds", seeds, "--processes", "2")[1]
    assert one["digest"] == other["digest"]
    assert one["steps"] == other["steps"]


def left(**changes: Any) -> Left:
    """What a faultless run of two records leaves behind, but for the changes."""
    first = fold(State(), 0)
    second = fold(first, 1)
    told = {
        (0, 1, 1): Told("0/0", str(first.chain).encode(), 1.0),
        (0, 1, 2): Told("0/1", str(second.chain).encode(), 2.0),
    }
    good = {
        "facts": {FACTS: [Stored(n, b"0k0", b"plain", (), 0.0) for n in range(2)]},
        "outcomes": {0: topic(told.values())},
        "tables": {
            "input_cursor": {("facts", 0): {"next_offset": 2, "ledger_seq": 2, "out_seq": 2}},
            "taken": {(0, 1): 0, (0, 2): 1},
            "told": told,
            "state": {"0k0": second},
            "parked": {},
            "work": {},
            "outbox": {},
        },
        "chores": {},
        "ghosts": set(),
    }
    tables = {**good["tables"], **changes.pop("tables", {})}
    return Left(**{**good, **changes, "tables": tables})


def topic(rows: Any, sequences: tuple[int, ...] | None = None) -> Log:
    log = Log()
    rows = list(rows)
    for row, sequence in zip(rows, sequences or range(1, len(rows) + 1), strict=True):
        headers = {"incarnation": "1", "partition-sequence": str(sequence), "cause-id": row.cause}
        log.append(b"0k0", row.value, tuple((n, v.encode()) for n, v in headers.items()), row.at, gap=0)
    return log


def test_the_verdict_has_nothing_to_say_of_a_good_run() -> None:
    assert judge(left(), coalesces=False) == ([], 0)


TOLD = list(left().tables["told"].values())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tables": {"taken": {(0, 1): 0}}}, "taken"),
        ({"tables": {"taken": {(0, 1): 0, (0, 2): 1, (0, 3): 1}}}, "taken"),
        ({"tables": {"taken": {(0, 1): 0, (0, 3): 1}}}, "ledger numbers"),
        ({"tables": {"state": {"0k0": fold(State(), 0)}}}, "should be"),
        ({"tables": {"parked": {("facts", 0, 1): {}}}}, "parked"),
        ({"tables": {"work": {"out0": None}}}, "work is left"),
        ({"outcomes": {0: topic(TOLD[:1])}}, "was heard as None"),
        ({"outcomes": {0: topic([TOLD[1], TOLD[0]], (2, 1))}}, "was heard as None"),
        ({"outcomes": {0: topic([*TOLD, TOLD[0]], (1, 2, 3))}}, "never decided"),
        ({"outcomes": {0: topic([*TOLD, Told("0/1", b"other", 3.0)], (1, 2, 2))}}, "never decided"),
    ],
)
def test_the_verdict_sees_one_fault(changes: dict[str, Any], words: str) -> None:
    assert any(words in each for each in judge(left(**changes), coalesces=False).wrong)


def test_a_repeat_with_the_same_sequence_is_none() -> None:
    again = left(outcomes={0: topic([*TOLD, *TOLD], (1, 2, 1, 2))})
    assert judge(again, coalesces=False) == ([], 0)


def test_a_ghost_is_forgiven_only_if_nobody_could_have_seen_it() -> None:
    ghost = Told("work/lost", b"done", 5.0)
    told = {(1, 1): Told("0/0", b"1", 4.0)}
    late = topic([ghost])
    assert outcomes.compare(0, told, 1, late, {((0, 1, 1), ghost.cause, ghost.value)}) == ([], 1)
    early = topic([ghost._replace(at=1.0)])
    early.looks.append(2.0)
    assert outcomes.compare(0, told, 1, early, {((0, 1, 1), ghost.cause, ghost.value)}).wrong
    assert outcomes.compare(0, told, 1, late, set()).wrong
