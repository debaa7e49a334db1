"""The three services as programs: what they are called, where they listen, what they are told."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from shared.embedded import ports
from shared.embedded.directory import DataDirectory
from shared.runtime.errors import StartupError

# Their commands are all that is known of them here; the Chinese word is for the terminal.
DEFAULT_PORTS = {"intake": 8080, "scoring": 8081, "notify": 8082}
TITLES = {"intake": "事实入口", "scoring": "评分", "notify": "通知"}
NAMES = tuple(DEFAULT_PORTS)
REPLICAS_MAX = 32
# Less than the supervisor's patience, so that a service ends by itself.
SHUTDOWN_SECONDS = 4


@dataclass(frozen=True, slots=True)
class Replica:
    """One process of a service."""

    service: str
    number: int
    port: int
    environment: Mapping[str, str]
    log: Path

    @property
    def name(self) -> str:
        """`scoring-2`."""
        return f"{self.service}-{self.number}"

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{ports.LOOPBACK}:{self.port}"

    @property
    def command(self) -> list[str]:
        """How it is started."""
        return command(self.service, "serve")


def command(service: str, *arguments: str) -> list[str]:
    """A verb of a service, run by the Python that runs us: no path has to be set."""
    return [sys.executable, "-m", service, *arguments]


def environment(service: str, kafka: str, postgres: str, data: DataDirectory) -> dict[str, str]:
    """What a service is told; everything else of our surroundings goes on to it as it is.

    What one laptop decides for notify gives way to what the surroundings say.
    """
    told = {
        "ANXING_KAFKA__BOOTSTRAP": kafka,
        "ANXING_DATABASE__URL": postgres,
        "ANXING_SHUTDOWN_SECONDS": str(SHUTDOWN_SECONDS),
        "ANXING_LOG__FORMAT": "json",
        "PYTHONUNBUFFERED": "1",
    }
    wishes = {}
    if service == "notify":
        wishes["ANXING_NOTIFY__FILES_DIRECTORY"] = str(data.notices)
        # Receivers of one laptop are on that laptop.
        wishes["ANXING_NOTIFY__ALLOWED_NETWORKS"] = '["127.0.0.0/8"]'
        if "ANXING_NOTIFY__ENCRYPTION_KEY" not in os.environ:
            wishes["ANXING_NOTIFY__ENCRYPTION_KEY_FILE"] = str(data.notify_key)
    # Meant for us; a service of its own has other groups.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANXING_POSTGRES__")}
    return wishes | kept | told


def replicas_from(wishes: list[str]) -> dict[str, int]:
    """How many processes of each service, from words such as `scoring=3`; StartupError for nonsense."""
    counts = dict.fromkeys(NAMES, 1)
    for wish in wishes:
        service, _, number = wish.partition("=")
        if service not in counts or not number.isdecimal() or not 1 <= int(number) <= REPLICAS_MAX:
            raise StartupError(
                f"--replicas {wish} makes no sense: write SERVICE=N, one of {', '.join(NAMES)}, "
                f"N from 1 to {REPLICAS_MAX}."
            )
        counts[service] = int(number)
    return counts


def plan(
    counts: Mapping[str, int], kafka: str, postgres: Mapping[str, str], data: DataDirectory
) -> list[Replica]:
    """The processes to start, each with a port: the usual one for the first of a service, if it is free."""
    planned: list[Replica] = []
    taken: set[int] = set()
    for service, count in counts.items():
        for number in range(1, count + 1):
            wishes = [DEFAULT_PORTS[service]] if number == 1 else []
            port = ports.choose(service, None, wishes)
            while port in taken:
                port = ports.any_free()
            taken.add(port)
            told = environment(service, kafka, postgres[service], data) | {"ANXING_HTTP__PORT": str(port)}
            planned.append(Replica(service, number, port, told, data.logs / f"{service}-{number}.log"))
    return planned
