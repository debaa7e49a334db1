"""Runs a row: both sides alternating in one run, median and spread, foreign load, one JSON file."""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil

LOAD_SECONDS_MIN = 1.0
RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of one side: its figure in the row's unit, and what else was seen."""

    value: float
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the targets table.

    `value` and `floor` run one side once; a row without a floor (a latency) leaves `floor` out.
    `target` is a sentence, because what is compared differs from row to row.
    """

    name: str
    what: str
    unit: str
    target: str
    value: Callable[[], Awaitable[Sample]]
    floor: Callable[[], Awaitable[Sample]] | None = None
    runs: int = 5


@dataclass(frozen=True, slots=True)
class Result:
    """What is kept of a row, as JSON."""

    row: str
    what: str
    value: float
    unit: str
    floor: float | None
    ratio: float | None
    target: str
    runs: int
    spread: dict[str, list[float]]
    other_cores: float
    machine: str
    detail: list[dict[str, Any]]


async def measure(row: Row, say: Callable[[str], None]) -> Result:
    """Alternate floor and value `row.runs` times and keep medians; never drops a run."""
    values: list[Sample] = []
    floors: list[Sample] = []
    foreign: list[float] = []
    for turn in range(1, row.runs + 1):
        if row.floor is not None:
            with _foreign_load(foreign):
                floors.append(await row.floor())
            say(f"{row.name} {turn}/{row.runs} floor {floors[-1].value:,.1f} {row.unit}")
        with _foreign_load(foreign):
            values.append(await row.value())
        say(f"{row.name} {turn}/{row.runs} value {values[-1].value:,.1f} {row.unit} {values[-1].detail}")
    value = statistics.median(sample.value for sample in values)
    floor = statistics.median(sample.value for sample in floors) if floors else None
    spread = {"value": _range(values)}
    if floors:
        spread["floor"] = _range(floors)
    return Result(
        row=row.name,
        what=row.what,
        value=round(value, 3),
        unit=row.unit,
        floor=None if floor is None else round(floor, 3),
        ratio=None if not floor else round(value / floor, 4),
        target=row.target,
        runs=row.runs,
        spread=spread,
        other_cores=round(statistics.median(foreign), 2),
        machine=machine(),
        detail=[sample.detail for sample in values],
    )


def keep(result: Result) -> Path:
    """Write the result beside the others; the newest of a row replaces the one before."""
    path = RESULTS / f"{result.row}.json"
    path.write_text(json.dumps(asdict(result), ensure_ascii=False, indent=1) + "\n")
    return path


def _range(samples: list[Sample]) -> list[float]:
    return [round(min(s.value for s in samples), 3), round(max(s.value for s in samples), 3)]


def machine() -> str:
    """What the figures were measured on, in words."""
    memory_gib = psutil.virtual_memory().total / 2**30
    python = platform.python_version()
    return f"{os.cpu_count()} cores, {memory_gib:.0f} GiB, {platform.system()}, CPython {python}"


@contextmanager
def _foreign_load(into: list[float]) -> Iterator[None]:
    """Cores that processes outside this run's tree kept busy meanwhile."""
    before_all, before_ours = psutil.cpu_times(), _own_cpu_seconds()
    started = _busy(before_all)
    wall = time.monotonic()
    yield
    elapsed = max(time.monotonic() - wall, 1e-6)
    everyone = _busy(psutil.cpu_times()) - started
    ours = _own_cpu_seconds() - before_ours
    # A side that was measured together with the other one answers at once: that tells nothing.
    if elapsed >= LOAD_SECONDS_MIN or not into:
        into.append(max(0.0, (everyone - ours) / elapsed))


def _busy(times: Any) -> float:
    return float(times.user + times.system + getattr(times, "nice", 0.0) + getattr(times, "steal", 0.0))


def _own_cpu_seconds() -> float:
    """CPU seconds of this process, its finished children and its living descendants."""
    me = psutil.Process()
    total = me.cpu_times()
    seconds = total.user + total.system + total.children_user + total.children_system
    for child in me.children(recursive=True):
        try:
            times = child.cpu_times()
        except psutil.NoSuchProcess:
            continue
        seconds += times.user + times.system
    return float(seconds)
