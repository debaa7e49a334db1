"""`make bench-memory`: memory of scoring at full speed over more compounds than its cache may hold.

    python -m tests.bench.soaking --minutes 10 --compounds 500000 --cached 20000,200000

Facts come faster than they can be absorbed. Every ten seconds the resident memory is kept; what counts is the
largest, and how it grows after the cache has been filled, by least squares.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from statistics import linear_regression

import asyncpg
from rich.console import Console
from shared.events.topics import FACTS
from shared.runtime.settings import KafkaSettings

from tests.bench import harness
from tests.bench.place import ROOT, Place, open_place
from tests.bench.rows.stock import Stock

FACTS_EACH = 10
SAMPLE_SECONDS = 10.0
STEADY_AFTER = 0.5
"""Of the time: what comes before may fill the cache."""
CACHED = "anxing_scoring_cached_compounds "
ABSORBED = "SELECT coalesce(sum(next_offset), 0) FROM input_cursor WHERE topic = $1"


@dataclass(frozen=True, slots=True)
class Soak:
    """One run: memory in MiB by second, and what was in the cache."""

    cached_compounds: int
    compounds: int
    minutes: float
    facts: int
    facts_per_second: float
    rss_mib_max: float
    growth_mib_a_minute: float
    cached_max: int
    samples: list[tuple[int, float, int]]
    """(second, resident MiB, compounds in the cache)"""


async def soak(place: Place, stock: Stock, *, minutes: float, cached: int) -> Soak:
    """Full speed for some minutes with this bound of the cache."""
    url, kafka = await stock.fresh_apart()
    facts = kafka.name_of(FACTS)
    environment = place.environment(kafka, url, ANXING_FOLD__CACHED_COMPOUNDS=str(cached))
    connection = await asyncpg.connect(url)
    samples: list[tuple[int, float, int]] = []
    async with (
        _filling(kafka, url, stock.compounds),
        place.service("scoring", environment) as (port, process),
    ):
        began = time.monotonic()
        first = int(await connection.fetchval(ABSORBED, facts))
        while (elapsed := time.monotonic() - began) < minutes * 60:
            await asyncio.sleep(min(SAMPLE_SECONDS, max(0.0, minutes * 60 - elapsed)))
            memory = process.memory_info().rss / 2**20
            held = await asyncio.to_thread(_cached, port)
            samples.append((round(time.monotonic() - began), round(memory, 1), held))
        absorbed = int(await connection.fetchval(ABSORBED, facts)) - first
        seconds = time.monotonic() - began
    await connection.close()
    return Soak(
        cached,
        stock.compounds,
        minutes,
        absorbed,
        round(absorbed / seconds, 1),
        max(one[1] for one in samples),
        growth(samples),
        max(one[2] for one in samples),
        samples,
    )


def growth(samples: list[tuple[int, float, int]]) -> float:
    """MiB a minute over the second half of the time, by least squares; 0 for fewer than two samples."""
    steady = [one for one in samples if one[0] >= samples[-1][0] * STEADY_AFTER]
    if len(steady) < 2:
        return 0.0
    slope = linear_regression([one[0] for one in steady], [one[1] for one in steady]).slope
    return round(slope * 60, 3)


@asynccontextmanager
async def _filling(kafka: KafkaSettings, url: str, compounds: int) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.filling", kafka.bootstrap, kafka.topic_prefix, str(compounds),
        cwd=ROOT, env={**os.environ, "SOAKED_URL": url},
    )  # fmt: skip
    try:
        yield
        assert process.returncode is None, "nothing filled the topic any more"
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _cached(port: int) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith(CACHED):
                return int(float(line.rsplit(" ", 1)[1]))
    raise AssertionError(f"no {CACHED} among the metrics")


async def soaks(place: Place, stock: Stock, *, minutes: float, bounds: list[int]) -> None:
    """One run for each bound, said as they end and kept together."""
    console = Console()
    done: list[Soak] = []
    for cached in bounds:
        one = await soak(place, stock, minutes=minutes, cached=cached)
        done.append(one)
        console.print(
            f"cached_compounds {cached:,}: {one.facts:,} facts, {one.facts_per_second:,.0f}/s, largest"
            f" {one.rss_mib_max:,.0f} MiB, {one.growth_mib_a_minute:+.2f} MiB a minute over the second"
            f" half, {one.cached_max:,} compounds in the cache at most",
            highlight=False,
        )
    document = {
        "row": "M1",
        "what": f"memory of one scoring process at full speed over {stock.compounds:,} compounds",
        "unit": "MiB",
        "target": "flat once the cache is full",
        "machine": harness.machine(),
        "runs": [asdict(one) for one in done],
    }
    (harness.RESULTS / "M1.json").write_text(json.dumps(document) + "\n")


async def main(minutes: float, compounds: int, bounds: list[int]) -> None:
    async with open_place() as place:
        stock = Stock(place, compounds=compounds, facts_each=FACTS_EACH, measured=0, steps=False)
        await stock.prepare()
        await soaks(place, stock, minutes=minutes, bounds=bounds)


if __name__ == "__main__":
    asking = argparse.ArgumentParser(description=__doc__)
    asking.add_argument("--minutes", type=float, default=10.0, help="of each run")
    asking.add_argument("--compounds", type=int, default=500_000)
    asking.add_argument("--cached", default="20000,200000", help="bounds of the cache, one run each")
    given = asking.parse_args()
    asyncio.run(main(given.minutes, given.compounds, [int(one) for one in given.cached.split(",")]))
