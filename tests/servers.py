"""Where the servers of a test session come from: given addresses, else containers, else embedded ones.

Nothing is skipped for lack of a server, and the choice is printed.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from shared.embedded.ports import any_free
from shared.embedded.servers import Servers, living, stop_found

KAFKA_VARIABLE = "ANXING_KAFKA__BOOTSTRAP"
POSTGRES_VARIABLE = "ANXING_POSTGRES__URL"
KAFKA_IMAGE = "apache/kafka:4.3.1"
POSTGRES_IMAGE = "postgres:18"
# An engine that is there answers at once; one whose images must come over a slow line is no help to a test.
ENGINE_SECONDS_MAX = 5
PULL_SECONDS_MAX = 60
PREFIX = "anxing-tests-"


@dataclass(frozen=True)
class SessionServers:
    """A Kafka and a PostgreSQL for one session, and how they are given back."""

    kafka: str
    postgres: str
    source: str
    give_back: Callable[[], None]


def provide() -> SessionServers:
    """The servers of this session; `source` says in words where they are from."""
    kafka, postgres = os.environ.get(KAFKA_VARIABLE), os.environ.get(POSTGRES_VARIABLE)
    if kafka and postgres:
        return SessionServers(kafka, postgres, "given addresses", lambda: None)
    if bool(kafka) != bool(postgres):
        missing = POSTGRES_VARIABLE if kafka else KAFKA_VARIABLE
        raise RuntimeError(f"{missing} is not set: give both servers or none")
    why_not = _why_no_containers()
    if why_not is None:
        try:
            from tests.containers import start_containers  # noqa: PLC0415 - half a second that few runs need

            return SessionServers(*start_containers(KAFKA_IMAGE, POSTGRES_IMAGE))
        except Exception as error:  # noqa: BLE001 - whatever an engine does, embedded servers are there
            why_not = f"{type(error).__name__}: {str(error)[:120]}"
    return _embedded(why_not)


def _why_no_containers() -> str | None:
    """The reason why containers cannot be used, None when they can."""
    if shutil.which("docker") is None:
        return "no container engine"
    try:
        _docker("info", seconds=ENGINE_SECONDS_MAX)
    except (subprocess.SubprocessError, OSError):
        return "no container engine answers"
    for image in (KAFKA_IMAGE, POSTGRES_IMAGE):
        try:
            _docker("image", "inspect", image, seconds=ENGINE_SECONDS_MAX)
        except (subprocess.SubprocessError, OSError):
            try:
                _docker("pull", "--quiet", image, seconds=PULL_SECONDS_MAX)
            except (subprocess.SubprocessError, OSError):
                return f"the engine cannot get {image}"
    return None


def _docker(*arguments: str, seconds: float) -> None:
    subprocess.run(["docker", *arguments], check=True, capture_output=True, timeout=seconds)


def _embedded(why_not_containers: str) -> SessionServers:
    _clear_after_killed_sessions()
    data = Path(tempfile.mkdtemp(prefix=PREFIX))
    try:
        servers = Servers.start(data, kafka_port=any_free(), postgres_port=any_free())
    except BaseException:
        shutil.rmtree(data, ignore_errors=True)
        raise

    def give_back() -> None:
        servers.stop()
        shutil.rmtree(data, ignore_errors=True)

    source = f"embedded ({why_not_containers})"
    return SessionServers(servers.kafka, servers.postgres, source, give_back)


def _clear_after_killed_sessions() -> None:
    """Ends servers of killed sessions and removes their directories; living ones are left alone."""
    for data in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        if (data / "servers.json").exists() and os.access(data, os.W_OK):
            stop_found(data)
            if not living(data):
                shutil.rmtree(data, ignore_errors=True)
