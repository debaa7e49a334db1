"""What must hold is found to hold on a lively installation, and each kind of damage is told."""

import asyncio
import json
from typing import Any

import pytest
from scoring.cli.invariants import Asked, Verdict, check

from tests.integration.scoring.processes import run
from tests.integration.scoring.stage import Stage

ASKED = Asked(sample=100, seed=7, patience_seconds=300, outcomes=1_000)
TABLES = (
    "input_cursor",
    "ledger",
    "ledger_body",
    "ledger_history",
    "outbox",
    "work",
    "compound_state",
    "score_step",
    "compound_revision",
    "unassigned",
)
COMPOUNDS = [f"C{number}" for number in range(12)]
BURGLARY = {"code": "010301", "status": "filed"}
THEFT = {"code": "010306", "status": "filed"}


def _traffic(stage: Stage, rounds: int) -> list[dict[str, Any]]:
    """Facts, late ones, corrections, withdrawals, repeats, and some of a compound that nobody knows."""
    events = []
    for number in range(rounds):
        for compound in (*COMPOUNDS, "UNKNOWN"):
            first = stage.fact(compound, "incident.recorded", BURGLARY if number % 3 else THEFT)
            events.append(first)
            if number % 4 == 1:
                events.append(
                    stage.fact(compound, "incident.recorded", THEFT, rootid=first["id"], revision=2)
                )
            if number % 4 == 2:
                events.append(
                    stage.fact(compound, "fact.withdrawn", {"reason": "x"}, rootid=first["id"], revision=2)
                )
            if number % 4 == 3:
                late = first["time"][:10].replace("2026-1", "2026-0")
                events.append(
                    {**stage.fact(compound, "incident.recorded", THEFT), "time": f"{late}T08:00:00+08:00"}
                )
                events.append(first)
    return events


def _broken(verdict: Verdict) -> set[str]:
    return {name for name, total in verdict.checked.items() if total}


async def test_a_lively_installation_holds_at_every_moment(stage: Stage) -> None:
    for compound in COMPOUNDS:
        await stage.register(compound)
    events = _traffic(stage, 12)
    async with stage.service() as client:

        async def feed() -> None:
            for start in range(0, len(events), 10):
                await stage.facts(events[start : start + 10])
                if start % 40 == 0:
                    await stage.register(COMPOUNDS[start % 12], households=700 + start)
                await asyncio.sleep(0.05)

        feeding = asyncio.create_task(feed())
        looks = 0
        while not feeding.done():
            verdict = await check(stage.settings, ASKED)
            assert not verdict.broken, verdict.broken
            looks += 1
        await feeding
        await stage.at_rest(client)
        verdict = await check(stage.settings, ASKED)
    assert not verdict.broken, verdict.broken
    assert looks >= 2
    assert verdict.sampled == len(COMPOUNDS)
    assert verdict.outcomes > len(COMPOUNDS)
    assert set(verdict.document()["checked"]) >= {
        "sample_agrees",
        "outcomes_have_states",
        "outcomes_published",
    }


async def test_verb(stage: Stage) -> None:
    assert run(stage, "migrate").returncode == 0
    # Nothing was ever served here: there is nothing to be wrong.
    assert run(stage, "invariants").returncode == 0
    await stage.register("C1")
    async with stage.service() as client:
        await stage.facts([stage.fact("C1", "incident.recorded", BURGLARY)])
        await stage.at_rest(client)
        done = await asyncio.to_thread(run, stage, "invariants", "--json", "--seed", "5")
        assert (done.returncode, done.stderr) == (0, "")
        told = json.loads(done.stdout)
        assert (told["clean"], told["sampled"], told["seed"], told["broken"]) == (True, 1, 5, [])
    await stage.connection.execute("UPDATE compound_state SET score_milli = 1")
    done = run(stage, "invariants", "--outcomes", "0")
    assert done.returncode == 1
    assert "score_milli is 1, should be" in done.stdout
    away = run(stage, "invariants", ANXING_KAFKA__BOOTSTRAP="127.0.0.1:1")
    assert away.returncode == 2
    assert away.stderr.strip().splitlines()[-1].startswith("Kafka does not answer")
    assert "Traceback" not in away.stderr


@pytest.fixture
async def resting(stage: Stage) -> Stage:
    """An installation that has come to rest, whose tables can be put back."""
    for compound in COMPOUNDS:
        await stage.register(compound)
    async with stage.service() as client:
        await stage.facts(_traffic(stage, 5))
        await stage.at_rest(client)
    for table in TABLES:
        await stage.connection.execute(f"CREATE TABLE kept_{table} AS TABLE {table}")
    return stage


async def _put_back(stage: Stage) -> None:
    async with stage.connection.transaction():
        for table in TABLES:
            await stage.connection.execute(f"DELETE FROM {table}")
            await stage.connection.execute(
                f"INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM kept_{table}"
            )


OF_C1 = "WHERE partition = (SELECT partition FROM compound_state WHERE compound = 'C1')"
CURSOR = f"{OF_C1} AND topic LIKE '%facts%'"
TOLD = """'{"type": "anxing.outcome.score.updated.v1", "data": {"version": 1}}'::bytea"""


def _waits(ahead: int, age: str) -> str:
    """An outcome in the outbox so far ahead of the last number given out."""
    return f"""
        INSERT INTO outbox (partition, seq, incarnation, topic, key, value, headers, created_at)
        SELECT partition, out_seq + {ahead}, incarnation, 't', 'C1', {TOLD}, '{{}}', now() - interval '{age}'
        FROM input_cursor {CURSOR}
    """


DAMAGES: list[tuple[str, set[str]]] = [
    (f"DELETE FROM input_cursor {CURSOR}", {"cursors_complete", "ledger_dense"}),
    (f"UPDATE input_cursor SET ledger_seq = ledger_seq + 1 {CURSOR}", {"ledger_dense"}),
    (
        """
        DELETE FROM ledger_body b USING ledger l
        WHERE l.compound = 'C1' AND l.partition = b.partition AND l.ledger_seq = b.ledger_seq
        """,
        {"ledger_dense", "facts_have_events", "sample_agrees"},
    ),
    (
        """
        UPDATE ledger SET ledger_seq = (SELECT min(ledger_seq) FROM ledger WHERE compound = 'C1')
        WHERE compound = 'C1'
        """,
        {"facts_have_events", "sample_agrees"},
    ),
    (_waits(-1, "1 s"), {"outbox_dense"}),
    (_waits(2, "1 s"), {"outbox_dense", "outcomes_published"}),
    (_waits(0, "1 hour"), {"outbox_young"}),
    (f"UPDATE input_cursor SET out_seq = out_seq + 3 {CURSOR}", {"outcomes_published"}),
    (f"UPDATE input_cursor SET out_seq = out_seq - 1 {CURSOR}", {"outcomes_published"}),
    ("UPDATE compound_state SET version = 0 WHERE compound = 'C1'", {"outcomes_have_states"}),
    (
        "DELETE FROM compound_state WHERE compound = 'C1'",
        {"outcomes_have_states", "registered_have_states"},
    ),
    (
        """
        INSERT INTO work (partition, kind, key, cause, not_before)
        VALUES (0, 'refold', 'C1', 'x', now() - interval '1 hour')
        """,
        {"work_done"},
    ),
    (f"UPDATE input_cursor SET closed_day = closed_day - 5 {CURSOR}", {"days_closed"}),
    (f"UPDATE input_cursor SET closed_day = NULL {CURSOR}", {"days_closed"}),
    (
        "UPDATE compound_state SET due_day = as_of_day, as_of_day = as_of_day - 1 WHERE compound = 'C1'",
        {"days_folded", "sample_agrees"},
    ),
    ("UPDATE compound_revision SET counted = false WHERE compound = 'C1'", {"states_registered"}),
    ("INSERT INTO unassigned (compound, partition, facts) VALUES ('C1', 0, 3)", {"waiting_facts_released"}),
    ("UPDATE compound_state SET partition = (partition + 1) % 4 WHERE compound = 'C1'", {"sample_agrees"}),
    ("UPDATE compound_state SET score_milli = score_milli + 1 WHERE compound = 'C1'", {"sample_agrees"}),
    ("UPDATE compound_state SET star = 0 WHERE compound = 'C1'", {"sample_agrees"}),
    (
        "UPDATE compound_state SET next_change_day = next_change_day + 1 WHERE compound = 'C1'",
        {"sample_agrees"},
    ),
    (
        "UPDATE compound_state SET packed = substring(packed FROM 1 FOR 40) WHERE compound = 'C1'",
        {"sample_agrees"},
    ),
    ("UPDATE score_step SET score_milli = score_milli - 1 WHERE compound = 'C1'", {"sample_agrees"}),
    (
        """
        DELETE FROM score_step
        WHERE compound = 'C1' AND day = (SELECT max(day) FROM score_step WHERE compound = 'C1')
        """,
        {"sample_agrees"},
    ),
    ("DELETE FROM ledger WHERE compound = 'C1' AND kind = 'incident.recorded'", {"sample_agrees"}),
]


async def test_each_damage_is_told(resting: Stage) -> None:
    assert not (await check(resting.settings, ASKED)).broken
    for statement, expected in DAMAGES:
        status = await resting.connection.execute(statement)
        assert not status.endswith(" 0"), statement
        verdict = await check(resting.settings, ASKED)
        assert _broken(verdict) == expected, (statement, verdict.broken)
        assert {one.invariant for one in verdict.broken} == expected
        await _put_back(resting)
    assert not (await check(resting.settings, ASKED)).broken
