"""Figures of runs that are kept: added up over the runs of a day, each with its seed and its commit.

Only clean runs are kept here; one that found something keeps its logs elsewhere, and is repeated by its seed.
"""

import json
import subprocess
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
ROOT = Path(__file__).parents[2]
ADDED = ("fenced", "differences", "lost", "repeated", "records", "seconds")


def commit() -> str:
    """The commit that is hurt, with a plus when files differ from it; "unknown" without a repository."""
    told = [["rev-parse", "--short=10", "HEAD"], ["status", "--porcelain", "--untracked-files=no"]]
    try:
        head, changed = (
            subprocess.run(["git", *what], cwd=ROOT, capture_output=True, text=True, check=True).stdout
            for what in told
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head.strip() + ("+" if changed else "")


def summed(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """The figures of several runs as those of one."""
    faults: Counter[str] = Counter()
    for run in runs:
        # Kinds that never happened are figures too.
        faults.update(run["faults"])
    summary: dict[str, Any] = {"faults": dict(faults), "faults_in_all": faults.total()}
    summary |= {name: round(sum(run[name] for run in runs), 1) for name in ADDED if name in runs[0]}
    if all("traffic_share" in run for run in runs):
        with_traffic = sum(run["traffic_share"] * run["seconds"] for run in runs)
        summary["traffic_share"] = round(with_traffic / summary["seconds"], 3)
    return summary | {"seed": runs[0]["seed"], "commit": runs[-1].get("commit", "unknown")}


def keep(part: str, run: dict[str, Any]) -> dict[str, Any]:
    """Add a run to those of today; answers all that is kept of them, with their number."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{part}-{datetime.now(UTC).date()}.json"
    earlier = json.loads(path.read_text())["runs"] if path.exists() else []
    everything = [*earlier, run]
    summary = summed(everything)
    path.write_text(json.dumps(summary | {"runs": everything}, indent=1) + "\n")
    return summary | {"runs": len(everything)}
