"""`anxing up --detach`: the same command in the background, and the wait until it is ready."""

import signal
import subprocess
import sys
from pathlib import Path

from shared.embedded import logfiles
from shared.embedded.directory import DataDirectory
from shared.embedded.errors import EmbeddedError
from shared.embedded.processes import end, poll
from shared.embedded.servers import stop_found
from shared.embedded.system import RunningSystem, Wishes, end_left_over, running

# A first start may have to fetch Kafka over a slow line.
READY_SECONDS_MAX = 600.0
# Services 5.5 s, servers 4 s, and some air.
DOWN_SECONDS_MAX = 15.0


def up_detached(wishes: Wishes) -> RunningSystem:
    """Starts `anxing up` in a session of its own; EmbeddedError with its last line when it fails."""
    directory = DataDirectory(wishes.data)
    directory.prepare()
    log = directory.logs / "anxing.log"
    logfiles.rotate(log)
    offset = logfiles.size_of(log)
    with log.open("ab") as file:
        child = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "shared.embedded", "up", *_options(wishes)],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def ready() -> RunningSystem | bool:
        system = running(wishes.data)
        if system is not None and system.run.pids.get("anxing") == child.pid:
            return system
        return child.poll() is not None

    answer = poll(ready, READY_SECONDS_MAX)
    if isinstance(answer, RunningSystem):
        return answer
    child.terminate()
    last = logfiles.telling_line(logfiles.written_since(log, offset))
    raise EmbeddedError(last or f"The start in the background failed, see {log}")


def down(data: Path) -> list[str]:
    """Ends whatever runs on a data directory, whoever started it; answers the names of what was ended."""
    system = running(data)
    ended = []
    if system is not None:
        ended = [name for name, mark in system.run.marks().items() if mark.alive()]
        end(system.run.marks()["anxing"], signal.SIGTERM, DOWN_SECONDS_MAX)
    return sorted({*ended, *end_left_over(DataDirectory(data)), *stop_found(data)})


def _options(wishes: Wishes) -> list[str]:
    options = ["--data", str(wishes.data.absolute())]
    options += ["--fresh"] if wishes.fresh else []
    options += [part for name, count in wishes.replicas.items() for part in ("--replicas", f"{name}={count}")]
    options += ["--kafka-port", str(wishes.kafka_port)] if wishes.kafka_port else []
    options += ["--postgres-port", str(wishes.postgres_port)] if wishes.postgres_port else []
    return options
