"""Scoring is hurt for half a minute, and the reader of its own sees whatever is lost, doubled or changed."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from shared.embedded.servers import Servers

from tests.databases import Databases
from tests.faults import strikes
from tests.faults.reading import Reading, Told
from tests.faults.scoring_run import Run, run
from tests.faults.strikes import Pace
from tests.faults.verdict import judge

SECONDS = 30.0
SEED = 12
# No restart of Kafka: it would take a third of the time, and test_engine_servers.py has one.
SHORT = Pace(strikes=(0.3, 0.9), freezes=(0.2, 0.5), postgres=(8.0, 10.0), kafka=None)


@pytest.fixture(scope="module")
async def hurt(own: Servers, tmp_path_factory: pytest.TempPathFactory) -> Run:
    databases = Databases(own.postgres)
    url = await databases.make("scoring")
    folder = tmp_path_factory.mktemp("run")
    done = await run(
        own,
        url,
        await databases.make("notify"),
        folder,
        seed=SEED,
        seconds=SECONDS,
        everybody=True,
        pace=SHORT,
        day_seconds=2.0,
        days_after=20,
    )
    await databases.remove_all()
    return done


def test_nothing_is_lost_and_nothing_counts_twice(hurt: Run) -> None:
    print(json.dumps(hurt.figures))
    assert hurt.clean, f"{hurt.troubles}\n{hurt.findings}"
    faults = hurt.figures["faults"]
    cheap = (strikes.KILL, strikes.TERMINATE, strikes.CUT, strikes.CLOCK, strikes.POSTGRES)
    assert all(faults[kind] for kind in cheap), faults
    assert hurt.figures["fenced"] > 0
    assert hurt.figures["records"] > 300


def _rows(table: str, number: int = 0) -> Callable[[Reading], None]:
    """A row is lost."""
    return lambda reading: reading.tables[table].pop(number)


def _again(table: str) -> Callable[[Reading], None]:
    """A row is there twice."""
    return lambda reading: reading.tables[table].append(dict(reading.tables[table][0]))


def _set(table: str, column: str, change: Callable[[object], object]) -> Callable[[Reading], None]:
    """A value is another."""

    def corrupt(reading: Reading) -> None:
        row = next(row for row in reading.tables[table] if row[column] is not None)
        row[column] = change(row[column])

    return corrupt


def _outcome_lost(reading: Reading) -> None:
    of_first = [one for one in reading.outcomes if one.partition == reading.outcomes[0].partition]
    # In the middle: all its repeats too.
    gone = dict(of_first[len(of_first) // 2].headers)["partition-sequence"]
    reading.outcomes = [
        one
        for one in reading.outcomes
        if one.partition != of_first[0].partition or dict(one.headers)["partition-sequence"] != gone
    ]


def _outcome_doubled(reading: Reading) -> None:
    """Published again under a number of its own."""
    last = max(reading.outcomes, key=lambda one: (one.partition, one.offset))
    number = int(dict(last.headers)["partition-sequence"]) + 1
    headers = {**dict(last.headers), "partition-sequence": str(number).encode()}
    reading.outcomes.append(last._replace(offset=last.offset + 1, headers=tuple(headers.items())))


def _outcome_changed(reading: Reading) -> None:
    """A repeat with the same number says something else."""
    first = reading.outcomes[0]
    other = next(one for one in reading.outcomes if one.value != first.value)
    reading.outcomes.append(first._replace(value=other.value, offset=10**6))


def _fact_told(reading: Reading) -> None:
    """A fact lies on the topic that is nowhere else."""
    one = next(one for one in reading.facts if one.value and b'"type"' in one.value)
    event = json.loads(one.value or b"")
    event["id"] = "00000000-0000-4000-8000-000000000000"
    reading.facts.append(Told(one.partition, one.offset, one.key, json.dumps(event).encode()))


def _unheard(table: str) -> Callable[[Reading], None]:
    """A row of notify is lost."""
    return lambda reading: reading.notified[table].pop()


def _heard_again(table: str) -> Callable[[Reading], None]:
    """A row of notify is there twice."""
    return lambda reading: reading.notified[table].append(dict(reading.notified[table][0]))


def _behind(reading: Reading) -> None:
    """Notify has not read the last outcome of a partition."""
    reading.notified["source_position"][0]["sequence"] -= 1


DAMAGE = {
    "fact never absorbed": _fact_told,
    **{f"{table} lost": _rows(table, -1) for table in ("ledger", "ledger_history", "ledger_body")},
    **{f"{table} lost": _rows(table) for table in ("incident", "hazard", "parked", "unassigned")},
    **{f"{table} lost": _rows(table) for table in ("compound_state", "score_step", "input_cursor")},
    **{f"{table} lost": _rows(table) for table in ("compound_revision", "company_revision")},
    **{f"{table} doubled": _again(table) for table in ("ledger", "ledger_history", "ledger_body")},
    **{f"{table} doubled": _again(table) for table in ("incident", "hazard", "parked", "unassigned")},
    **{f"{table} doubled": _again(table) for table in ("compound_state", "score_step", "input_cursor")},
    **{f"{table} doubled": _again(table) for table in ("compound_revision", "company_revision")},
    "outcome lost": _outcome_lost,
    "outcome doubled": _outcome_doubled,
    "outcome changed": _outcome_changed,
    "score changed": _set("compound_state", "score_milli", lambda score: score + 1),
    "star changed": _set("score_step", "dynamic_star", lambda star: star + 1),
    "run changed": _set("score_step", "up_run", lambda run: run + 1),
    "day changed": _set("ledger", "day", lambda day: day + timedelta(days=1)),
    "cursor ahead": _set("input_cursor", "next_offset", lambda offset: offset + 1),
    "numbers given away": _set("input_cursor", "out_seq", lambda number: number + 1),
    "another incarnation": _set("input_cursor", "incarnation", lambda number: number + 1),
    "counted revision changed": _set("compound_revision", "counted", lambda counted: not counted),
    "outcome not heard": _unheard("inbox_event"),
    "outcome heard twice": _heard_again("inbox_event"),
    "decision not taken": _unheard("decision"),
    "decision taken twice": _heard_again("decision"),
    "notify behind": _behind,
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_the_reader_sees(damage: str, hurt: Run) -> None:
    assert hurt.reading is not None
    tables = {table: [dict(row) for row in rows] for table, rows in hurt.reading.tables.items()}
    reading = replace(
        hurt.reading,
        facts=[*hurt.reading.facts],
        outcomes=[*hurt.reading.outcomes],
        tables=tables,
        notified={table: [dict(row) for row in rows] for table, rows in hurt.reading.notified.items()},
    )
    DAMAGE[damage](reading)
    findings, _ = judge(reading)
    assert not findings.clean
    if damage.endswith("lost"):
        assert findings.lost or findings.differences
    if damage.endswith("doubled"):
        assert findings.repeated or findings.differences
