"""`python -m tests.simulator --seeds 20000`: lives through seeds and counts; `--seed 7` tells one of them."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from tests.simulator.batches import batches
from tests.simulator.world import play

AGAIN = "python -m tests.simulator"
RESULTS = Path(__file__).parent / "results"
# Sets of strings are walked through in another order in each process, unless this is said before it starts.
HASHES = {"PYTHONHASHSEED": "0"}


def _tell(service: str, seed: int) -> bool:
    run = play(seed, service, tell=True)
    print(*run.story, sep="\n")
    print(json.dumps({"seed": seed, **run.counts, "wrong": run.wrong}, ensure_ascii=False))
    return not run.wrong


def _many(service: str, first: int, seeds: int, processes: int, *, stop: bool) -> dict[str, Any]:
    begin = time.monotonic()
    counts: Counter[str] = Counter()
    done, digest, failed = 0, 0, []
    for part in batches(service, first, seeds, processes):
        done += part.seeds
        counts += part.counts
        digest ^= part.digest
        for seed, wrong in sorted(part.wrong.items()):
            failed.append(seed)
            print(f"seed {seed} fails, to see it again: {AGAIN} --service {service} --seed {seed}")
            print(*(f"  {each}" for each in wrong[:5]), sep="\n", flush=True)
        if done % 1000 == 0 or done == seeds:
            print(f"{done} of {seeds} seeds, {time.monotonic() - begin:.0f} s", file=sys.stderr, flush=True)
        if failed and stop:
            break
    return {
        "service": service,
        "seeds": done,
        "first": first,
        "failed": sorted(failed),
        **{name.replace(" ", "_").replace("-", "_"): count for name, count in sorted(counts.items())},
        "digest": f"{digest & 0xFFFFFFFFFFFF:012x}",
        "seconds": round(time.monotonic() - begin, 1),
    }


def _keep(figures: dict[str, Any]) -> None:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{figures['service']}-{datetime.now(UTC).date()}.json"
    path.write_text(json.dumps({**figures, "commit": commit}, indent=1) + "\n")


def main(
    seed: Annotated[int | None, typer.Option(help="Live through this one and tell what happened.")] = None,
    seeds: Annotated[int, typer.Option(help="How many.")] = 300,
    service: Annotated[
        str, typer.Option(help="tally: the plainest there is; scoring: the real worker.")
    ] = "tally",
    first: Annotated[int, typer.Option("--from", help="The first one.")] = 0,
    processes: Annotated[int, typer.Option(help="At the same time.")] = 1,
    stop: Annotated[bool, typer.Option(help="End soon after a failure.")] = False,
    keep: Annotated[bool, typer.Option(help="Keep the figures beside this module.")] = False,
) -> None:
    """Run the exactly-once engine against a simulated log and database, by seeds."""
    if seed is not None:
        sys.exit(0 if _tell(service, seed) else 1)
    figures = _many(service, first, seeds, processes, stop=stop)
    print(json.dumps(figures, ensure_ascii=False))
    if keep:
        _keep(figures)
    sys.exit(1 if figures["failed"] else 0)


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != HASHES["PYTHONHASHSEED"]:
        os.execve(
            sys.executable,
            [sys.executable, "-m", "tests.simulator", *sys.argv[1:]],
            {**os.environ, **HASHES},
        )
    typer.run(main)
