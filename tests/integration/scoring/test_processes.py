"""Several processes, killed processes, and processes that must not start."""

import asyncio
import json
import os
import signal
from collections import Counter
from typing import Any

from shared.events.topics import FACTS
from shared.runtime.clock import SystemClock

from tests.conftest import MakeDatabase, MakeKafka
from tests.eventually import eventually
from tests.integration.scoring.processes import run, serving
from tests.integration.scoring.stage import Stage, stage_on


async def _owners(stage: Stage) -> Counter[int]:
    rows = await stage.connection.fetch(
        "SELECT c.owner_pid FROM input_cursor c JOIN pg_stat_activity a"
        " ON a.pid = c.owner_pid AND a.backend_start = c.owner_started WHERE c.topic = $1",
        stage.kafka.name_of(FACTS),
    )
    return Counter(row[0] for row in rows)


async def test_two_processes_share_the_partitions(make_kafka: MakeKafka, make_database: MakeDatabase) -> None:
    kafka = await make_kafka(partitions=12)
    async with stage_on(kafka, await make_database("scoring"), SystemClock()) as stage:
        with serving(stage), serving(stage):

            async def shared() -> bool:
                return sorted((await _owners(stage)).values()) == [6, 6]

            await eventually(shared, 60)


async def test_killed_in_the_middle_and_started_again(stage: Stage) -> None:
    compounds = [f"C{number:03}" for number in range(40)]
    for compound in compounds:
        await stage.register(compound)
    facts = [
        stage.fact(compound, "incident.recorded", {"code": "010306", "status": "filed"})
        for _ in range(60)
        for compound in compounds
    ]
    # Each process dies in the middle of its half of the facts.
    for half in (facts[:1200], facts[1200:]):
        with serving(stage) as process:
            await eventually(lambda: _claimed(stage), 60)
            before = await _ledger(stage)
            feeding = asyncio.create_task(_feed(stage, half))
            await eventually(lambda before=before: _more(stage, before), 60)
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            await feeding
    # What repeats on the topic changes nothing.
    await stage.facts(facts[:200])
    async with stage.service() as client:
        await stage.at_rest(client, 90)
        listed: list[dict[str, Any]] = (await client.get("/v1/compounds?limit=1000")).json()["items"]
    assert await _ledger(stage) == len(facts)
    await stage.assert_dense()
    assert {one["id"] for one in listed} == set(compounds)
    # 60 thefts of 1,000 mp leave nothing of D1 and D3 below what few older ones give.
    assert {one["score_milli"] for one in listed} == {listed[0]["score_milli"]}
    outcomes = await stage.outcomes()
    given = await stage.connection.fetchval(
        "SELECT sum(out_seq) FROM input_cursor WHERE topic = $1", stage.kafka.name_of(FACTS)
    )
    assert len(outcomes) == given
    last = {one["subject"]: one["data"] for one in outcomes if one["type"].endswith("score.updated.v1")}
    assert {compound: last[compound]["score_milli"] for compound in compounds} == {
        one["id"]: one["score_milli"] for one in listed
    }


async def _feed(stage: Stage, facts: list[dict[str, Any]]) -> None:
    for start in range(0, len(facts), 20):
        await stage.facts(facts[start : start + 20])
        await asyncio.sleep(0.02)


async def _claimed(stage: Stage) -> bool:
    return (await _owners(stage)).total() == stage.kafka.partitions


async def _ledger(stage: Stage) -> int:
    count: int = await stage.connection.fetchval("SELECT count(*) FROM ledger")
    return count


async def _more(stage: Stage, before: int) -> bool:
    return await _ledger(stage) > before + 100


async def test_what_must_not_start_says_one_sentence(
    stage: Stage, make_kafka: MakeKafka, make_database: MakeDatabase
) -> None:
    async with stage.service():
        pass
    other = await make_kafka(partitions=3)

    def refused(**variables: str) -> str:
        done = run(stage, "serve", **variables)
        assert done.returncode == 2, done
        sentence = done.stderr.strip().splitlines()
        assert len(sentence) == 1, done.stderr
        assert "Traceback" not in done.stderr
        return sentence[0]

    fewer = {"ANXING_KAFKA__PARTITIONS": "3", "ANXING_KAFKA__TOPIC_PREFIX": other.topic_prefix}
    assert "ANXING_KAFKA__PARTITIONS" in refused(**fewer)
    assert "ANXING_TIMEZONE" in refused(ANXING_TIMEZONE="Europe/Berlin")
    assert "ANXING_FOLD__RUBRIC" in refused(ANXING_FOLD__RUBRIC="no-such")
    assert "scoring migrate" in refused(ANXING_DATABASE__URL=await make_database(None))
    await stage.connection.execute("UPDATE rubric SET hash = '\\x00'")
    assert "never changed" in refused()


async def test_verbs(stage: Stage) -> None:
    async with stage.service() as client:
        await stage.at_rest(client)
        assert (await client.get("/v1/rubrics")).json()["rubrics"][0]["active"]
        await stage.register("C1", enrolled_on="2026-01-01")
        await stage.facts([stage.fact("C1", "incident.recorded", {"code": "010301", "status": "filed"})])
        await stage.at_rest(client)
        answered = (await client.get("/v1/compounds/C1/explain")).json()
    told = run(stage, "explain", "C1", "--json")
    assert json.loads(told.stdout)["items"] == answered["items"]
    assert "D1" in run(stage, "explain", "C1").stdout
    assert run(stage, "explain", "nobody").returncode == 1
    assert run(stage, "migrate", "--json").returncode == 0
    assert "shangyu-v1" in run(stage, "rubric", "list").stdout
    assert run(stage, "close-days", "--json").returncode == 0
    assert "nothing is parked" in run(stage, "parked", "list").stdout
