"""Parked records are looked at, tried again exactly once, or given up with a name and a reason."""

import asyncio
import base64
import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import scoring.reading
from scoring.__main__ import main
from scoring.cli import parked as verbs
from scoring.handlers.absorb import FactAbsorption
from scoring.store import ledger, parked
from scoring.store.parked import Place, Wanted
from shared.events.errors import Malformed
from shared.events.topics import FACTS, PARKED
from shared.runtime.errors import StartupError
from shared.runtime.log_ends import LogEnds
from typer.testing import CliRunner

from tests.eventually import eventually
from tests.integration.scoring.processes import run, serving
from tests.integration.scoring.stage import Stage

BURGLARY = {"code": "010301", "status": "filed"}
BURGLARY_COSTS = 4_000 * 1_250 // 1_000


@pytest.fixture
def ignorant(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The program does not know yet what it reads; `undo()` is the next version."""
    unknown = [Malformed("unknown_code", "/data/code", "not in this version")]
    monkeypatch.setattr(scoring.reading, "validate", lambda *_: unknown)
    return monkeypatch


@pytest.fixture(autouse=True)
def at_hand(stage: Stage) -> Iterator[None]:
    """The verbs in this process: starting one for each would take longer than all that they do."""
    with pytest.MonkeyPatch.context() as patching:
        patching.setattr(verbs, "load", lambda _: stage.settings)
        patching.setattr(verbs, "configure", lambda *_, **__: None)
        patching.setattr(verbs, "print_json", _documents.append)
        yield


_documents: list[Any] = []


async def _verb(*words: str) -> tuple[int, Any]:
    """Exit code and document of `scoring parked … --json`."""
    _documents.clear()
    code, _ = await _said(*words, "--json")
    return code, _documents[-1] if _documents else None


async def _said(*words: str) -> tuple[int, str]:
    """Exit code and what people read."""
    done = await asyncio.to_thread(CliRunner().invoke, main, ["parked", *words])
    if isinstance(done.exception, StartupError):
        return 2, done.exception.sentence
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


async def _as_operators_do(stage: Stage, *words: str) -> tuple[int, Any]:
    done = await asyncio.to_thread(run, stage, "parked", *words, "--json")
    assert not done.stderr
    return done.returncode, json.loads(done.stdout)


async def _score(client: httpx.AsyncClient, compound: str = "C1") -> int:
    return int((await client.get(f"/v1/compounds/{compound}/score")).json()["items"]["D1"])


async def _parked(stage: Stage, count: int) -> None:
    async def all_parked() -> bool:
        found: int = await stage.connection.fetchval("SELECT count(*) FROM parked")
        return found == count

    await eventually(all_parked)


def _place(stage: Stage, compound: str, offset: int = 0) -> Place:
    return Place(stage.kafka.name_of(FACTS), stage.partition(compound), offset)


async def _causes(stage: Stage) -> Counter[str]:
    updated = [one for one in await stage.outcomes() if one["type"].endswith("score.updated.v1")]
    return Counter(one["cause"] for one in updated)


async def test_a_fact_and_a_registration_count_once_they_are_understood(
    stage: Stage, ignorant: pytest.MonkeyPatch
) -> None:
    event = stage.fact("C1", "incident.recorded", BURGLARY)
    await stage.register("C1")
    async with stage.service() as client:
        await stage.facts([event])
        await _parked(stage, 2)
        place = str(_place(stage, "C1"))
        code, shown = await _verb("show", place)
        assert (code, json.loads(shown["value"]), shown["code"]) == (0, event, "unknown_code")
        assert base64.b64decode(shown["value_base64"]) == json.dumps(event).encode()
        assert {one["name"] for one in shown["headers"]} >= {"content-type"}

        code, told = await _verb("retry", "--code", "unknown_code")
        assert (code, [(one["state"], one["attempts"]) for one in told]) == (1, [("parked", 1)] * 2)

        ignorant.undo()
        code, told = await _verb("retry", "--all", "--actor", "王警官")
        assert (code, {one["state"] for one in told}) == (0, {"counted"})
        await stage.at_rest(client)
        assert await _score(client) == 12_000 - BURGLARY_COSTS

        code, shown = await _verb("show", place)
        assert (code, shown["resolution"], shown["fate"], shown["actor"]) == (0, "counted", "new", "王警官")
        assert (shown["attempts"], shown["code"]) == (2, "unknown_code")
        assert shown["value_sha256"] == hashlib.sha256(json.dumps(event).encode()).hexdigest()
        assert await _verb("retry", place) == (1, [])
        assert await _verb("list") == (0, [])
        metrics = (await client.get("/metrics")).text
    assert 'anxing_scoring_retries_total{result="counted"} 2.0' in metrics
    assert (await _causes(stage)).total() == 1
    assert [tuple(row) for row in await stage.connection.fetch('SELECT root, "offset" FROM ledger')] == [
        (event["id"], 0)
    ]
    await stage.assert_dense()


async def test_asked_for_twice_and_shared_by_two_processes_each_counts_once(
    stage: Stage, ignorant: pytest.MonkeyPatch
) -> None:
    compounds = [f"C{number}" for number in range(8)]
    facts = [stage.fact(compound, "incident.recorded", BURGLARY) for compound in compounds for _ in range(3)]
    async with stage.service():
        await stage.facts(facts)
        await _parked(stage, len(facts))
    ignorant.undo()
    for compound in compounds:
        await stage.register(compound)
    with serving(stage), serving(stage):
        answers = await asyncio.gather(
            *(_as_operators_do(stage, "retry", "--all", "--wait", "90") for _ in range(2)),
            _verb("retry", *(str(_place(stage, compound)) for compound in compounds), "--wait", "90"),
        )
    # One who comes late finds nothing parked any more.
    assert {code for code, _ in answers} <= {0, 1}
    assert {one["state"] for _, told in answers for one in told} == {"counted"}
    async with stage.service() as client:
        await stage.at_rest(client)
        assert {await _score(client, compound) for compound in compounds} == {0}
    counted = await stage.connection.fetch("SELECT root FROM ledger")
    assert sorted(row[0] for row in counted) == sorted(fact["id"] for fact in facts)
    resolved = await stage.connection.fetchrow(
        'SELECT count(*), count(DISTINCT (partition, "offset")) FROM parked_resolved'
    )
    assert tuple(resolved) == (len(facts), len(facts))
    assert await stage.connection.fetchval("SELECT count(*) FROM ledger_history") == 0
    assert max((await _causes(stage)).values()) == 1
    await stage.assert_dense()


async def test_one_that_has_come_another_way_meanwhile_is_a_repeat(
    stage: Stage, ignorant: pytest.MonkeyPatch
) -> None:
    event = stage.fact("C1", "incident.recorded", BURGLARY)
    async with stage.service() as client:
        await stage.facts([event])
        await _parked(stage, 1)
        ignorant.undo()
        await stage.register("C1")
        await stage.facts([event])
        await stage.at_rest(client)
        before = await stage.scores()
        code, told = await _verb("retry", str(_place(stage, "C1")))
        assert (code, told[0]["state"], told[0]["fate"]) == (0, "counted", "repeat")
        await stage.at_rest(client)
        assert await stage.scores() == before
    assert (await _causes(stage)).total() == 1


async def test_what_stays_broken_is_given_up_by_name_with_reason_and_hash(stage: Stage) -> None:
    broken = b'\x1b[31m{"not": json\xff'
    async with stage.service() as client:
        await stage.send(FACTS, broken, key="C1")
        await _parked(stage, 1)
        place = str(_place(stage, "C1"))
        code, told = await _verb("retry", place)
        assert (code, told[0]["state"], told[0]["code"]) == (1, "parked", "invalid_json")
        assert (await _verb("retry", place))[0] == 1
        assert (await _verb("list"))[1][0]["attempts"] == 2
        assert "\x1b[31m" not in (await _said("show", place))[1]

        ends = LogEnds(stage.kafka, (PARKED,), client_id="test")

        async def announced() -> bool:
            return sum((await ends.read()).values()) == 1

        # The announcement follows the commit in its own time; what is given up before it is not announced.
        await eventually(announced)
        await ends.stop()

        assert (await _verb("drop", place))[0] == 2
        assert (await _verb("drop", place, "--reason", " "))[0] == 2
        assert (await _verb("drop", "--reason", "nothing named"))[0] == 2
        code, told = await _verb("drop", place, "--reason", "测试设备", "--actor", "li")
        assert (code, told[0]["value_sha256"]) == (0, hashlib.sha256(broken).hexdigest())
        assert await _verb("drop", place, "--reason", "again") == (1, [])
        assert await _verb("retry", place) == (1, [])
        await stage.at_rest(client)
    kept = await stage.connection.fetchrow("SELECT * FROM parked_resolved")
    assert (kept["resolution"], kept["actor"], kept["reason"]) == ("dropped", "li", "测试设备")
    assert (kept["code"], kept["attempts"], kept["value_bytes"]) == ("invalid_json", 2, len(broken))
    assert kept["value_sha256"] == hashlib.sha256(broken).digest()
    assert await stage.connection.fetchval("SELECT count(*) FROM parked") == 0
    assert "dropped" in (await _said("show", place))[1]


async def test_verbs_refuse_what_names_nothing(stage: Stage) -> None:
    assert (await _verb("show", "nowhere"))[0] == 2
    assert (await _verb("retry"))[0] == 2
    assert await _verb("show", "facts/0/0") == (1, [])
    assert await _verb("retry", "--all") == (1, [])
    assert "nothing like that" in (await _said("show", "facts/0/0"))[1]


async def test_asked_for_while_nothing_runs_it_waits_for_a_process(
    stage: Stage, ignorant: pytest.MonkeyPatch
) -> None:
    async with stage.service():
        await stage.facts([stage.fact("C1", "incident.recorded", BURGLARY)])
        await _parked(stage, 1)
    ignorant.undo()
    code, told = await _verb("retry", "--all", "--wait", "0")
    assert (code, told[0]["state"]) == (3, "waiting")
    await stage.register("C1")
    async with stage.service() as client:
        await stage.at_rest(client)
        assert await _score(client) == 12_000 - BURGLARY_COSTS


@pytest.mark.parametrize("step", ["prepare", "write"])
async def test_one_that_meets_a_bug_stays_parked_and_holds_up_nothing(
    stage: Stage, ignorant: pytest.MonkeyPatch, step: str
) -> None:
    async with stage.service() as client:
        bad = stage.fact("C1", "incident.recorded", BURGLARY)
        await stage.facts([bad, stage.fact("C2", "incident.recorded", BURGLARY)])
        await _parked(stage, 2)
        ignorant.undo()
        _break(ignorant, step, bad["id"])
        for compound in ("C1", "C2"):
            await stage.register(compound)
        code, told = await _verb("retry", "--all", "--wait", "60")
        assert code == 1
        assert sorted(one["state"] for one in told) == ["counted", "parked"]
        stuck = next(one for one in told if one["state"] == "parked")
        assert (stuck["place"], stuck["code"]) == (str(_place(stage, "C1")), "bug")
        assert "ValueError" in stuck["detail"]
        await stage.at_rest(client)
        assert await _score(client, "C1") == 12_000
        ignorant.undo()
        assert (await _verb("retry", "--all"))[0] == 0
        await stage.at_rest(client)
        assert await _score(client, "C1") == await _score(client, "C2") == 12_000 - BURGLARY_COSTS
    assert max((await _causes(stage)).values()) == 1
    await stage.assert_dense()


def _break(monkeypatch: pytest.MonkeyPatch, step: str, event: str) -> None:
    """A bug about one event."""
    absorb, write = FactAbsorption.absorb_batch, ledger.write

    async def absorb_batch(self: Any, arrivals: Any, now: Any) -> Any:
        plan = await absorb(self, arrivals, now)
        if step == "prepare" and any(one.fact.event_id == event for one in arrivals):
            raise ValueError("a bug")
        return plan

    async def write_ledger(tx: Any, plan: Any, last: Any) -> None:
        await write(tx, plan, last)
        if step == "write" and any(one.arrival.fact.event_id == event for one in plan.ledger):
            raise ValueError("a bug")

    monkeypatch.setattr(FactAbsorption, "absorb_batch", absorb_batch)
    monkeypatch.setattr(ledger, "write", write_ledger)


async def test_dropped_while_it_is_tried_it_does_not_count(
    stage: Stage, ignorant: pytest.MonkeyPatch
) -> None:
    async with stage.service() as client:
        await stage.facts([stage.fact("C1", "incident.recorded", BURGLARY)])
        await _parked(stage, 1)
        ignorant.undo()
        await stage.register("C1")
        await stage.at_rest(client)
        settle = parked.settle

        async def late(tx: Any, retried: Any) -> bool:
            await parked.drop(stage.connection, Wanted(everything=True), "li", "not ours")
            return await settle(tx, retried)

        ignorant.setattr(parked, "settle", late)
        code, told = await _verb("retry", "--all")
        assert (code, told[0]["state"]) == (0, "dropped")
        await stage.at_rest(client)
        assert await _score(client) == 12_000
    assert await stage.connection.fetchval("SELECT count(*) FROM ledger") == 0
    assert await stage.connection.fetchval("SELECT array_agg(resolution) FROM parked_resolved") == ["dropped"]
    await stage.assert_dense()
