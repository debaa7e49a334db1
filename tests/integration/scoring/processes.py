"""`scoring serve` as a process of its own, as operators run it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.integration.scoring.stage import Stage


@contextmanager
def serving(stage: Stage, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process on the stage's topics and database; killed at the end if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "scoring", "serve"],
        env=environment(stage, **variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def run(stage: Stage, *verb: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """One verb, to its end."""
    return subprocess.run(
        [sys.executable, "-m", "scoring", *verb],
        env=environment(stage, **variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def environment(stage: Stage, **variables: str) -> dict[str, str]:
    kafka, database = stage.settings.kafka, stage.settings.database
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("ANXING_")},
        "ANXING_KAFKA__BOOTSTRAP": kafka.bootstrap,
        "ANXING_KAFKA__PARTITIONS": str(kafka.partitions),
        "ANXING_KAFKA__TOPIC_PREFIX": kafka.topic_prefix,
        "ANXING_KAFKA__SESSION_TIMEOUT_MS": "6000",
        "ANXING_DATABASE__URL": database.url,
        "ANXING_HTTP__PORT": "0",
        "ANXING_WORK__REFOLD_EVERY_SECONDS": "0.3",
        **variables,
    }
