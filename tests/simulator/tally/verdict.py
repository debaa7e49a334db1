"""Judges what a run has left behind: log, tables and published outcomes, read apart from the service."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from shared.runtime.records import Partition

from tests.simulator import outcomes
from tests.simulator.broker import Log, Stored
from tests.simulator.outcomes import Ghost, Position, Told
from tests.simulator.service import Verdict
from tests.simulator.tally.rules import POISON, POISON_IN_WRITE, REJECT, State, fold

BAD = {REJECT.encode(), POISON.encode(), POISON_IN_WRITE.encode()}


class Left(NamedTuple):
    """What is there when everything has come to rest."""

    facts: Mapping[Partition, Sequence[Stored]]
    outcomes: Mapping[int, Log]
    """By number of the partition."""
    tables: Mapping[str, Mapping[Any, Any]]
    chores: Mapping[str, str]
    """Rows of work that came from elsewhere: id -> key."""
    ghosts: Collection[Ghost]
    """Outcomes that were decided and lost by a fail-over."""


def judge(left: Left, *, coalesces: bool) -> Verdict:
    """What is to be said of a run: nothing is wrong with a good one."""
    wrong: list[str] = []
    hidden = 0
    chores = dict(left.chores)
    for partition, records in sorted(left.facts.items()):
        good = [record for record in records if record.value not in BAD]
        for record in good:
            if record.value == b"work":
                chores[f"{partition.partition}/{record.offset}"] = (record.key or b"").decode()
        wrong += _records(left, partition, records, good)
        number = partition.partition
        decided, cursor = (
            outcomes.told(left.tables, number),
            left.tables["input_cursor"].get(tuple(partition)),
        )
        last = 0 if cursor is None else cursor["out_seq"]
        heard = outcomes.compare(number, decided, last, left.outcomes[number], left.ghosts)
        wrong += heard.wrong
        hidden += heard.hidden
        wrong += _announced(number, decided, good, chores, coalesces=coalesces)
    wrong += _states(left, chores)
    wrong += [f"work is left: {key}" for key in left.tables["work"]]
    wrong += [f"the outbox is not empty: {key}" for key in left.tables["outbox"]]
    return Verdict(wrong, hidden)


def _records(
    left: Left, partition: Partition, records: Sequence[Stored], good: Sequence[Stored]
) -> list[str]:
    wrong = []
    number = partition.partition
    cursor = left.tables["input_cursor"].get(tuple(partition))
    if cursor is None:
        return [f"{number}: never claimed"] if records else []
    end = records[-1].offset + 1 if records else 0
    if cursor["next_offset"] != end:
        wrong.append(f"{number}: the cursor is at {cursor['next_offset']}, the log ends at {end}")
    taken = sorted((seq, offset) for (n, seq), offset in left.tables["taken"].items() if n == number)
    if [offset for _, offset in taken] != [record.offset for record in good]:
        wrong.append(f"{number}: taken {taken}, not {[record.offset for record in good]}")
    if [seq for seq, _ in taken] != list(range(1, cursor["ledger_seq"] + 1)):
        wrong.append(f"{number}: ledger numbers {taken} up to {cursor['ledger_seq']}")
    parked = sorted(offset for topic, n, offset in left.tables["parked"] if (topic, n) == tuple(partition))
    bad = [record.offset for record in records if record.value in BAD]
    if parked != bad:
        wrong.append(f"{number}: parked {parked}, not {bad}")
    return wrong


def _announced(
    number: int,
    told: Mapping[Position, Told],
    good: Sequence[Stored],
    chores: Mapping[str, str],
    *,
    coalesces: bool,
) -> list[str]:
    """Whether what was decided follows from the records: each once, or the last of each key at least."""
    wrong = []
    wanted: dict[str, bytes] = {}
    last: dict[bytes | None, str] = {}
    states: dict[bytes | None, State] = {}
    for record in good:
        states[record.key] = fold(states.get(record.key, State()), record.offset)
        last[record.key] = f"{number}/{record.offset}"
        wanted[last[record.key]] = str(states[record.key].chain).encode()
    wanted.update((f"work/{work}", b"done") for work, key in chores.items() if key.startswith(f"{number}k"))
    due = {*last.values(), *(f"work/{work}" for work in chores)} if coalesces else wanted.keys()
    for cause, value, _ in told.values():
        if wanted.pop(cause, None) != value:
            wrong.append(f"{number}: {cause} was announced as {value}, wrongly or once more")
    return wrong + [f"{number}: {cause} was not announced" for cause in wanted if cause in due]


def _states(left: Left, chores: Mapping[str, str]) -> list[str]:
    wanted: dict[str, State] = {}
    for records in left.facts.values():
        for record in records:
            if record.value not in BAD:
                key = (record.key or b"").decode()
                wanted[key] = fold(wanted.get(key, State()), record.offset)
    for key in chores.values():
        wanted[key] = wanted.get(key, State()).worked_on()
    return [
        f"{key}: is {left.tables['state'].get(key)}, should be {state}"
        for key, state in sorted(wanted.items())
        if left.tables["state"].get(key) != state
    ] + [f"{key}: nobody asked for it" for key in sorted(left.tables["state"].keys() - wanted.keys())]
