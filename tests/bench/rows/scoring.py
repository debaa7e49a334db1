"""S rows: how fast facts become committed scores, and what a compound weighs."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from itertools import chain

from shared.events import topics

from tests.bench import traffic
from tests.bench.harness import Row, Sample
from tests.bench.place import Place, fill, make_topics, run_floor, run_module
from tests.bench.rows.stock import WARM_FACTS, Stock, absorbed, large

SUBSCRIBED_FACTS = 400_000
BATCH_RECORDS_MAX = 10_000


async def s1(place: Place) -> Row:
    """Full scoring path against bare consume and store (F1)."""
    stock = Stock(place, compounds=10_000, facts_each=200, measured=150_000)
    await stock.prepare()
    return _path(
        place,
        stock,
        "S1",
        "full scoring path, one process, 10,000 compounds with 200 facts each already there",
        "at least 0.20 of F1",
    )


async def s2(place: Place) -> Row:
    """The same when no compound is in memory yet."""
    return _path(
        place,
        await large(place),
        "S2",
        "full scoring path, one process, 500,000 compounds with 10 facts each already there, cold cache",
        "at least 0.18 of F1",
        runs=3,
    )


def _path(place: Place, stock: Stock, name: str, what: str, target: str, *, runs: int = 5) -> Row:
    async def value() -> Sample:
        url = await stock.fresh()
        environment = place.environment(stock.kafka, url)
        async with place.service("scoring", environment, ready=False) as (_, process):
            return await absorbed(url, process, stock.facts, WARM_FACTS, stock.measured)

    async def floor() -> Sample:
        done = await run_floor(
            "f1", stock.kafka.bootstrap, stock.facts, stock.kafka.partitions, place.postgres, stock.measured
        )
        return Sample(done["events"] / done["seconds"], done)

    return Row(name=name, what=what, unit="facts/s", target=target, value=value, floor=floor, runs=runs)


async def s6(place: Place) -> Row:
    """The subscriber as the product builds it against bare getmany (F4)."""
    kafka = place.kafka()
    await make_topics(kafka)
    topic = kafka.name_of(topics.FACTS)
    compounds = traffic.compound_ids(10_000)
    once = list(traffic.facts(SUBSCRIBED_FACTS // 4, compounds, datetime.now(UTC)))
    await fill(kafka, topic, chain(once, once, once, once))

    async def side(module: str) -> Sample:
        arguments = (kafka.bootstrap, topic, BATCH_RECORDS_MAX, SUBSCRIBED_FACTS)
        done = json.loads(await run_module(f"tests.bench.{module}", os.environ, *arguments))
        return Sample(
            done["cpu_seconds"] / done["events"] * 1e6,
            {"per_second": round(done["events"] / done["seconds"])},
        )

    return Row(
        name="S6",
        what="FastStream batch subscriber as the product builds it, CPU per event",
        unit="µs",
        target="at most 1.15 of F4",
        value=lambda: side("subscribing"),
        floor=lambda: side("floors.f4"),
        runs=7,
    )


async def s11(place: Place) -> Row:
    """Memory of a compound that is held in the cache."""
    stock = Stock(place, compounds=5_000, facts_each=200, measured=0)
    await stock.prepare()
    environment = place.environment(stock.kafka, await stock.fresh())

    async def value() -> Sample:
        done = json.loads(await run_module("tests.bench.holding", environment, stock.facts, 5_000))
        return Sample(done["bytes"], done)

    return Row(
        name="S11",
        what="memory per compound held in cache, 200 facts each",
        unit="bytes",
        target="at most 4,000",
        value=value,
        runs=3,
    )
