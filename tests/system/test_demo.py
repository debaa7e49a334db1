"""The two commands of the README, as far as a test can run itself: the demo, once, from nothing."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import psutil
import pytest


async def anxing(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "shared.embedded", *arguments,
        env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


@pytest.mark.timeout(400)
async def test_the_demo_once(tmp_path: Path) -> None:
    process = await anxing("demo", "--once", "--json", "--data", str(tmp_path / "data"))
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    summary = json.loads(out)
    audit = summary["audit"]
    assert audit["clean"], audit["findings"]
    assert audit["parked"] == 0
    assert summary["compounds"] == 58
    assert set(summary["stars"]) == {"none", "2", "3", "4", "5", "unrated"}
    statistics = summary["statistics"]
    movements = [statistics["figures"][name]["change_permyriad"] for name in ("calls", "cases", "disputes")]
    assert movements == [-1262, -1530, -1423]
    shares = {(one["of"], one["share_permyriad"]) for one in statistics["shares"].values()}
    assert shares == {("calls", 1502), ("calls_without_traffic", 2745)}
    assert statistics["without_criminal_case"]["count"] == 17
    assert audit["answered"] == audit["on_topic"] == audit["counted"] > summary["facts"]
    assert audit["sequences_given_out"] == audit["sequences_published"] == audit["outcomes_consumed"] > 0
    assert audit["decisions_found"] >= audit["decisions_expected"] > 0
    # Told again it is the same story: replays change nothing, and the audit still agrees.
    again = await anxing("demo", "--once", "--json", "--data", str(tmp_path / "data"))
    out, err = await again.communicate()
    assert again.returncode == 0, err.decode()
    repeated = json.loads(out)
    assert repeated["stars"] == summary["stars"]
    assert repeated["statistics"] == statistics
    assert repeated["audit"]["on_topic"] == audit["on_topic"]
    assert repeated["audit"]["sequences_given_out"] == audit["sequences_given_out"]


@pytest.mark.timeout(120)
async def test_an_interrupt_ends_everything(tmp_path: Path) -> None:
    process = await anxing("up", "--json", "--data", str(tmp_path / "data"))
    assert process.stdout is not None
    first = await process.stdout.readuntil(b"\n}\n")
    pids = json.loads(first)["pids"].values()
    process.send_signal(signal.SIGINT)
    await asyncio.wait_for(process.wait(), 20)
    alive = [pid for pid in pids if psutil.pid_exists(pid)]
    assert alive == []
