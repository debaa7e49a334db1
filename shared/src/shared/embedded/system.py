"""A system that runs on one machine: what it was asked to be, where everything of it is, what keeps it up."""

import asyncio
import contextlib
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from shared.embedded.directory import DataDirectory
from shared.embedded.processes import ProcessMark, end
from shared.embedded.runfile import Run
from shared.embedded.servers import Servers
from shared.embedded.services import NAMES
from shared.embedded.supervisor import Supervisor

SERVERS_LOOKED_AT_SECONDS = 0.5
LEFT_OVER_SECONDS_MAX = 5.0


class Reporter(Protocol):
    """Who tells people what goes on."""

    def step(self, what: str) -> contextlib.AbstractContextManager[None]:
        """A step of the start, shown with the time it took."""

    def say(self, what: str) -> None:
        """One line about something that happened."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """How the system is to be started."""

    data: Path
    fresh: bool = False
    replicas: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(NAMES, 1))
    kafka_port: int | None = None
    postgres_port: int | None = None


class RunningSystem:
    """A system whose services are all ready; `run` says where everything is.

    `mine` is false when somebody else started it: then nothing of it is ended with us.
    """

    def __init__(self, data: Path, run: Run, servers: Servers | None, supervisor: Supervisor | None) -> None:
        self.data = data
        self.run = run
        self.mine = supervisor is not None
        self._servers = servers
        self._supervisor = supervisor

    async def watch(self, report: Reporter) -> None:
        """Keeps services and servers running; never answers. EmbeddedError when that cannot be done."""
        if self._supervisor is None or self._servers is None:
            await asyncio.Event().wait()
            return
        watches = [
            asyncio.create_task(self._supervisor.watch()),
            asyncio.create_task(self._watch_servers(self._servers, report)),
        ]
        try:
            await asyncio.gather(*watches)
        finally:
            for watch in watches:
                watch.cancel()

    async def _watch_servers(self, servers: Servers, report: Reporter) -> None:
        while True:
            await asyncio.sleep(SERVERS_LOOKED_AT_SECONDS)
            for name in await asyncio.to_thread(servers.revive):
                report.say(f"{name} 意外退出，已重新启动")
                self.note()

    def note(self) -> None:
        """Writes `run.json` anew: processes may have changed."""
        if self._supervisor is not None and self._servers is not None:
            self.run.note({"anxing": ProcessMark.mine()} | self._servers.marks | dict(self._supervisor.marks))
            self.run.write(DataDirectory(self.data).run)


def running(data: Path) -> RunningSystem | None:
    """The system that somebody else runs on a data directory now."""
    directory = DataDirectory(data)
    run = Run.read(directory.run)
    starter = run.marks().get("anxing")
    return RunningSystem(directory.path, run, None, None) if starter is not None and starter.alive() else None


def end_left_over(directory: DataDirectory) -> list[str]:
    """Ends services that outlived their supervisor, where the kernel does not do it; answers their names."""
    run = Run.read(directory.run)
    left = {name: mark for name, mark in run.marks().items() if name in run.replicas and mark.alive()}
    for mark in left.values():
        end(mark, signal.SIGTERM, LEFT_OVER_SECONDS_MAX)
    return list(left)
