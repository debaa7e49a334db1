"""`python -m tests.faults --minutes 5 --seed 7 --part scoring`: fault runs, each with the next seed."""

import asyncio
import json
import shutil
import sys
import tempfile
import time
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer
from shared.embedded.servers import Servers
from shared.runtime.settings import KafkaSettings
from shared.runtime.topics import ensure_topics

from tests.databases import Databases
from tests.faults import intake_run, results, scoring_run
from tests.faults.hurting import PARTITIONS, SESSION_MS, endure

ENGINE_SECONDS = 60.0
SCORING_SECONDS = 600.0
INTAKE_SECONDS = 180.0
SHORTEST_SECONDS = 10.0
Outcome = tuple[dict[str, Any], list[str]]


class Part(Enum):
    """What is hurt: the exactly-once core with the plainest of services, scoring, or intake."""

    ENGINE = "engine"
    SCORING = "scoring"
    INTAKE = "intake"
    BOTH = "both"
    """Engine and scoring."""


async def _engine(servers: Servers, folder: Path, seed: int, seconds: float) -> Outcome:
    kafka = KafkaSettings(
        bootstrap=servers.kafka,
        topic_prefix=f"faults-engine{seed}.",
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
    wrong = [] if found.clean else [str(found)]
    return figures, wrong + ["a consumer failed"] * events["consumer_failed"]


async def _scoring(servers: Servers, folder: Path, seed: int, seconds: float) -> Outcome:
    databases = Databases(servers.postgres)
    try:
        url, notify_url = await databases.make("scoring"), await databases.make("notify")
        # One group, and everybody against everybody, in turn.
        run = await scoring_run.run(
            servers, url, notify_url, folder, seed=seed, seconds=seconds, everybody=seed % 2 == 0
        )
    finally:
        await databases.remove_all()
    return run.figures, [*run.troubles, *str(run.findings).splitlines()]


async def _intake(servers: Servers, folder: Path, seed: int, seconds: float) -> Outcome:
    databases = Databases(servers.postgres)
    try:
        url = await databases.make("intake")
        run = await intake_run.run(servers, url, folder, seed=seed, seconds=seconds)
    finally:
        await databases.remove_all()
    slow = intake_run.too_slow(run.figures)
    return run.figures, [*run.troubles, *slow, *str(run.findings).splitlines()]


RUNS = {
    Part.ENGINE: (_engine, ENGINE_SECONDS),
    Part.SCORING: (_scoring, SCORING_SECONDS),
    Part.INTAKE: (_intake, INTAKE_SECONDS),
}


def main(
    minutes: Annotated[float, typer.Option(help="How long faults are done, in all.")] = 5.0,
    seed: Annotated[int, typer.Option(help="Of the first run; the next ones count up.")] = 1,
    part: Annotated[Part, typer.Option(help="What is hurt.")] = Part.BOTH,
) -> None:
    """Hurt real workers on real servers under load, and let a reader of its own count."""
    parts = [Part.ENGINE, Part.SCORING] if part is Part.BOTH else [part]
    place = Path(tempfile.mkdtemp(prefix="anxing-faults-"))
    kept: dict[Part, dict[str, Any]] = {}
    with Servers.start(place / "servers") as servers:
        until = time.monotonic() + minutes * 60
        number = 0
        while number < len(parts) or time.monotonic() < until:
            this = parts[number % len(parts)]
            run, longest = RUNS[this]
            seconds = min(longest, max(SHORTEST_SECONDS, until - time.monotonic()))
            folder = place / f"{this.value}-{seed + number}"
            folder.mkdir()
            figures, wrong = asyncio.run(run(servers, folder, seed + number, seconds))
            figures["commit"] = results.commit()
            print(json.dumps(figures), flush=True)
            if wrong:
                again = f"--part {this.value} --seed {seed + number} --minutes {seconds / 60:.3g}"
                print(*wrong, f"The logs are in {folder}. To do it again:", sep="\n")
                print(f'make test-faults ARGS="{again}"')
                sys.exit(1)
            kept[this] = results.keep(this.value, figures)
            number += 1
    shutil.rmtree(place)
    for summary in kept.values():
        print(json.dumps(summary))


if __name__ == "__main__":
    typer.run(main)
