"""E2: the demo district from nothing: every fact through the door, scored, and everybody told."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile

import psutil

from tests.bench.harness import Row, Sample
from tests.bench.place import ROOT, Place

LOOK_SECONDS = 0.5


async def e2(_place: Place) -> Row:
    """`anxing demo --once` with servers of its own; counted from the first post to the last notice."""

    async def value() -> Sample:
        with tempfile.TemporaryDirectory() as data:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "shared.embedded", "demo", "--once", "--json", "--data", data,
                cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
            looking = asyncio.create_task(_memory_max(process.pid))
            out, _ = await process.communicate()
            looking.cancel()
            summary = json.loads(out)
            assert process.returncode == 0, summary
            memory = await looking
        assert summary["audit"]["clean"], summary["audit"]
        seconds = summary["seconds"]
        return Sample(
            seconds["posting"] + seconds["settling"],
            {
                "facts": summary["facts"],
                "notices": summary["notices"],
                "outcomes": summary["audit"]["outcomes_consumed"],
                **{f"{stage}_seconds": value for stage, value in seconds.items()},
                "rss_mib": memory,
            },
        )

    return Row(
        name="E2",
        what="the demo district: all facts through HTTP to the last notice",
        unit="s",
        target="at most 30 s",
        value=value,
    )


async def _memory_max(pid: int) -> dict[str, int]:
    """The most that each service was seen to use, in MiB, until cancelled."""
    seen: dict[str, int] = {}
    try:
        while True:
            for child in psutil.Process(pid).children(recursive=True):
                _look(child, seen)
            await asyncio.sleep(LOOK_SECONDS)
    except (asyncio.CancelledError, psutil.NoSuchProcess):
        return seen


def _look(process: psutil.Process, seen: dict[str, int]) -> None:
    try:
        words, memory = process.cmdline(), process.memory_info().rss
    except psutil.Error:
        return
    for name in ("intake", "scoring", "notify"):
        if name in words:
            seen[name] = max(seen.get(name, 0), round(memory / 2**20))
