"""`python -m tests.faults --minutes 5 --seed 7`: fault runs, each with the next seed, kept as JSON."""

import asyncio
import json
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from shared.embedded.servers import Servers
from shared.runtime.settings import KafkaSettings
from shared.runtime.topics import ensure_topics

from tests.databases import Databases
from tests.faults.hurting import PARTITIONS, SESSION_MS, endure

RESULTS = Path(__file__).parent / "results"
RUN_SECONDS = 60.0


async def _run(servers: Servers, folder: Path, seed: int, seconds: float) -> tuple[dict[str, Any], bool]:
    kafka = KafkaSettings(
        bootstrap=servers.kafka,
        topic_prefix=f"faults{seed}.",
        partitions=PARTITIONS,
        session_timeout_ms=SESSION_MS,
    )
    await ensure_topics(kafka)
    databases = Databases(servers.postgres)
    try:
        url = await databases.make(None)
        figures, found, events = await endure(kafka, url, folder, seconds=seconds, seed=seed)
    finally:
        await databases.remove_all()
    return figures, found.clean and not events["consumer_failed"]


def main(
    minutes: Annotated[float, typer.Option(help="How long in all; a run takes a minute.")] = 5.0,
    seed: Annotated[int, typer.Option(help="Of the first run; the next ones count up.")] = 1,
) -> None:
    """Hurt workers of the exactly-once core under load, and count."""
    until = time.monotonic() + minutes * 60
    runs: list[dict[str, Any]] = []
    clean = True
    with tempfile.TemporaryDirectory(prefix="anxing-faults-") as place, Servers.start(Path(place)) as servers:
        while clean and time.monotonic() < until:
            folder = Path(place) / f"run{seed}"
            folder.mkdir()
            seconds = min(RUN_SECONDS, max(10.0, until - time.monotonic()))
            figures, clean = asyncio.run(_run(servers, folder, seed, seconds))
            print(json.dumps(figures), flush=True)
            runs.append(figures)
            seed += 1
    RESULTS.mkdir(exist_ok=True)
    summary = {
        "faults": {kind: sum(run["faults"].get(kind, 0) for run in runs) for kind in runs[0]["faults"]},
        **{
            name: sum(run[name] for run in runs)
            for name in ("fenced", "differences", "lost", "repeated", "records")
        },
        "seconds": round(sum(run["seconds"] for run in runs), 1),
        "seed": runs[0]["seed"],
        "runs": len(runs),
    }
    (RESULTS / f"engine-{datetime.now(UTC).date()}.json").write_text(json.dumps(summary, indent=1) + "\n")
    print(json.dumps(summary))
    sys.exit(0 if clean else 1)


if __name__ == "__main__":
    typer.run(main)
