"""Scores through Kafka, PostgreSQL and HTTP equal the pure domain's."""

import json
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.integration.scoring.stage import Stage

EXAMPLES = json.loads(
    (Path(__file__).parents[2] / "unit" / "scoring" / "rubric-examples.json").read_text("utf-8")
)
CASES = [
    case
    for case in EXAMPLES
    if not case.get("domain_only")
    and (not case["name"].startswith("generated") or case["name"].endswith("seed 23"))
]


async def _register(stage: Stage, case: dict[str, Any]) -> None:
    for place, revision in enumerate(case["registry"]):
        received = stage.clock.now() + timedelta(seconds=place)
        await stage.register(case["compound"], received=received, **revision)


async def test_examples_of_the_rubric(stage: Stage) -> None:
    for case in CASES:
        await _register(stage, case)
    async with stage.service() as client:
        events = [event for case in CASES for event in case["facts"]]
        Random(7).shuffle(events)
        await stage.facts(events)
        await stage.at_rest(client, 60)
        for case in CASES:
            for expected in case["expected"]:
                answer = await client.get(
                    f"/v1/compounds/{case['compound']}/score", params={"day": expected["day"]}
                )
                assert answer.status_code == 200, answer.text
                body = answer.json()
                for key in ("score_milli", "items", "categories", "bonus_milli"):
                    assert body[key] == expected[key], (case["name"], expected["day"], key)
                assert sorted(body["unverified"]) == sorted(expected["unverified"])
    await stage.assert_dense()
    assert not await stage.connection.fetchval("SELECT count(*) FROM parked")


@pytest.mark.parametrize("seed", [1, 2])
async def test_any_order_and_repetition_gives_the_same_rows(
    stage: Stage, seed: int, make_kafka: Any, make_database: Any
) -> None:
    from tests.integration.scoring.stage import stage_on  # noqa: PLC0415 - a second installation

    cases = [case for case in CASES if len(case["facts"]) < 20][:8]
    events = [event for case in cases for event in case["facts"]]
    disorder = Random(seed)
    shuffled = events + disorder.choices(events, k=len(events) // 2)
    disorder.shuffle(shuffled)
    other_kafka = await make_kafka(partitions=4)
    async with stage_on(other_kafka, await make_database("scoring"), stage.clock) as other:
        received = stage.clock.now()
        for one, order in ((stage, events), (other, shuffled)):
            for case in cases:
                for place, revision in enumerate(case["registry"]):
                    await one.register(
                        case["compound"], received=received + timedelta(seconds=place), **revision
                    )
            async with one.service() as client:
                half = len(order) // 2
                await one.facts(order[:half])
                await one.at_rest(client)
                await one.facts(order[half:])
                await one.at_rest(client)
        assert await stage.scores() == await other.scores()
        await stage.assert_dense()
        await other.assert_dense()
