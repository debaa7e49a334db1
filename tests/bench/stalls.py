"""Where slow facts of S7 lose their time: `python -m tests.bench.stalls --seconds 60`.

The stages of every fact (`traced`) beside what else went on: how late both event loops were and whether they
worked or waited for a core, collections of Python and of the broker's JVM, slow statements and checkpoints of
PostgreSQL. Kept as results/S7-stalls.json.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
import uvloop
from rich.console import Console
from rich.table import Table

from tests.bench import harness, traced
from tests.bench.place import Place, open_place
from tests.bench.rows.latency import COMPOUNDS, RATE, Journey, journeys, known_district, until_rested

SLOW_SECONDS = 0.020
SLOW_STATEMENT_MS = 8
STAGES = ("fetched", "waits", "prepared", "writes", "committed", "read back", "published", "arrived")
_PAUSE = re.compile(r"\[(\d+)ns\].*Pause (.*?) \d+M.* ([0-9.]+)ms")
_STATEMENT = re.compile(r"^(\S+ \S+) UTC .*duration: ([0-9.]+) ms\s+(?:statement|execute [^:]*): (.*)")
_CHECKPOINT = re.compile(r"^(\S+ \S+) UTC .*checkpoint (starting|complete).*")


class Span(NamedTuple):
    """Something that lasted from one moment to another."""

    what: str
    began: float
    ended: float


class Fact(NamedTuple):
    """One fact: seconds in all, seconds by stage, and what else went on meanwhile."""

    seconds: float
    stages: dict[str, float]
    beside: list[str]


async def trace(place: Place, seconds: int, gc_log: Path) -> dict[str, Any]:
    """One run; answers what is kept of it."""
    kafka, url, known = await known_district(place)
    await _let_postgres_tell(place.postgres)
    file = place.work / "traced.json"
    words = [sys.executable, "-m", "tests.bench.traced", str(file)]
    # In a process that has just begun, as after every restart: what is known was absorbed by another.
    async with place.service("scoring", place.environment(kafka, url)):
        await until_rested(kafka, url, known)
    clocks = time.time() - time.perf_counter()
    async with place.service("scoring", place.environment(kafka, url), words=words):
        await until_rested(kafka, url, known)
        before = await _wal(place.postgres)
        watching = asyncio.create_task(traced.watch_loop())
        made = await journeys(kafka, COMPOUNDS, rate=RATE, seconds=seconds)
        watching.cancel()
        wal = {name: value - before[name] for name, value in (await _wal(place.postgres)).items()}
    events = [tuple(event) for event in json.loads(file.read_text())]
    spans = [
        *_own(events, "service"),
        *_own(traced.events, "generator"),
        *pauses(_lines(gc_log)),
        *told(_lines(place.work / "data" / "logs" / "postgres.log"), clocks),
    ]
    facts = sorted(_facts(made, events, spans), key=lambda fact: fact.seconds)
    return summary(facts, spans, wal, made)


def summary(
    facts: Sequence[Fact], spans: Sequence[Span], wal: dict[str, float], made: Sequence[Journey]
) -> dict[str, Any]:
    """Medians by stage, the slow facts, and how often each thing lay beside a slow one and beside any."""
    slow = [fact for fact in facts if fact.seconds > SLOW_SECONDS]
    began, ended = min(one.sent for one in made), max(one.arrived for one in made)
    during = [span for span in spans if span.ended > began and span.began < ended]
    kinds = sorted({span.what for span in during})
    return {
        "facts": len(facts),
        "p50_ms": _ms(statistics.median(fact.seconds for fact in facts)),
        "p99_ms": _ms(facts[int(len(facts) * 0.99)].seconds),
        "max_ms": _ms(facts[-1].seconds),
        "wal_syncs": wal["fsyncs"],
        "wal_sync_ms_mean": round(wal["fsync_time"] / max(1, wal["fsyncs"]), 2),
        "stages_ms": {
            stage: {
                "median": _ms(statistics.median(fact.stages[stage] for fact in facts)),
                "of_slow": _ms(statistics.mean([fact.stages[stage] for fact in slow] or [0])),
            }
            for stage in STAGES
        },
        "beside": {
            kind: {
                "times": sum(span.what == kind for span in during),
                "longest_ms": _ms(max(span.ended - span.began for span in during if span.what == kind)),
                "slow_facts": sum(kind in fact.beside for fact in slow),
                "all_facts": sum(kind in fact.beside for fact in facts),
            }
            for kind in kinds
        },
        "slow": [
            {
                "ms": _ms(fact.seconds),
                "stages_ms": {stage: _ms(value) for stage, value in fact.stages.items()},
                "beside": fact.beside,
            }
            for fact in reversed(slow)
        ][:50],
        "slow_facts": len(slow),
    }


def _facts(made: Iterable[Journey], events: Sequence[Any], spans: Sequence[Span]) -> list[Fact]:
    seen: dict[str, dict[str, tuple[float, float]]] = {}
    commits = sorted((event[1], event[2]) for event in events if event[0] == "commit")
    for stage, began, ended, ids, _ in events:
        for fact in ids:
            seen.setdefault(fact, {}).setdefault(stage, (began, ended))
    facts: list[Fact] = []
    for one in made:
        at = seen.get(one.fact, {})
        if not {"offer", "prepare", "write", "read", "send"} <= at.keys():
            continue
        written = at["write"]
        commit = next((c for c in reversed(commits) if written[0] <= c[0] and c[1] <= written[1]), written)
        points = (
            one.acknowledged,
            at["offer"][0],
            at["prepare"][0],
            at["prepare"][1],
            commit[0],
            commit[1],
            at["read"][1],
            at["send"][1],
            one.arrived,
        )
        # The acknowledgement may be heard after the fetch, and an outcome before its publisher hears.
        stages = dict(zip(STAGES, (b - a for a, b in pairwise(points)), strict=True))
        beside = {span.what for span in spans if span.ended > one.acknowledged and span.began < one.arrived}
        facts.append(Fact(one.seconds, stages, sorted(beside)))
    return facts


def _own(events: Iterable[Any], who: str) -> list[Span]:
    """How late a loop was, by its own work or waiting for a core, and collections of cycles."""
    spans: list[Span] = []
    for stage, began, ended, ids, more in events:
        if stage == "late":
            reason = "waits for a core" if more["waited"] > more["busy"] else "works"
            spans.append(Span(f"{who} {reason}", began, ended))
        elif stage == "gc" and ended - began > 0.002:
            spans.append(Span(f"{who} collects", began, ended))
        elif stage == "prepare" and not ids:
            spans.append(Span(f"{who} looks for work", began, ended))
    return spans


def pauses(lines: Iterable[str]) -> list[Span]:
    """The pauses of a JVM that logs with `tn`: nanoseconds of the monotonic clock at their end."""
    spans: list[Span] = []
    for line in lines:
        if found := _PAUSE.search(line):
            ended = int(found[1]) / 1e9
            spans.append(Span("broker collects", ended - float(found[3]) / 1000, ended))
    return spans


def told(lines: Iterable[str], clocks: float) -> list[Span]:
    """Slow statements and checkpoints, from lines that begin with a time in UTC; `clocks`: it less ours."""
    spans: list[Span] = []
    begun = 0.0
    for line in lines:
        if found := _STATEMENT.match(line):
            ended = _seconds(found[1]) - clocks
            what = "slow COMMIT" if found[3].upper().startswith("COMMIT") else "slow statement"
            spans.append(Span(what, ended - float(found[2]) / 1000, ended))
        elif found := _CHECKPOINT.match(line):
            at = _seconds(found[1]) - clocks
            if found[2] == "starting":
                begun = at
            else:
                spans.append(Span("checkpoint", begun, at))
    return spans


def _seconds(time_utc: str) -> float:
    return datetime.fromisoformat(f"{time_utc}+00:00").timestamp()


async def _let_postgres_tell(postgres: str) -> None:
    connection = await asyncpg.connect(postgres)
    for setting, value in (
        ("log_min_duration_statement", f"{SLOW_STATEMENT_MS}ms"),
        ("track_wal_io_timing", "on"),
    ):
        await connection.execute(f"ALTER SYSTEM SET {setting} = '{value}'")
    await connection.execute("SELECT pg_reload_conf()")
    await connection.close()


async def _wal(postgres: str) -> dict[str, float]:
    connection = await asyncpg.connect(postgres)
    row = await connection.fetchrow(
        "SELECT sum(fsyncs)::float8 AS fsyncs, sum(fsync_time) AS fsync_time FROM pg_stat_io"
        " WHERE object = 'wal' AND backend_type = 'client backend'"
    )
    await connection.close()
    assert row is not None
    return {name: float(value or 0) for name, value in row.items()}


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines()


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)


async def main(seconds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="anxing-stalls-") as folder:
        gc_log = Path(folder) / "gc.log"
        os.environ["JAVA_TOOL_OPTIONS"] = f"-Xlog:gc:file={gc_log}:tn"
        async with open_place() as place:
            found = await trace(place, seconds, gc_log)
    found = {"row": "S7-stalls", "machine": harness.machine(), "load_average": os.getloadavg(), **found}
    (harness.RESULTS / "S7-stalls.json").write_text(json.dumps(found, indent=1) + "\n")
    console = Console()
    console.print({name: found[name] for name in ("facts", "slow_facts", "p50_ms", "p99_ms", "max_ms")})
    table = Table("stage", "median ms", "mean of slow facts")
    for stage, values in found["stages_ms"].items():
        table.add_row(stage, str(values["median"]), str(values["of_slow"]))
    console.print(table)
    table = Table("beside", "times", "longest ms", "slow facts", "all facts")
    for kind, values in found["beside"].items():
        table.add_row(kind, *map(str, values.values()))
    console.print(table)


if __name__ == "__main__":
    asking = argparse.ArgumentParser(description=__doc__)
    asking.add_argument("--seconds", type=int, default=60)
    uvloop.run(main(asking.parse_args().seconds))
