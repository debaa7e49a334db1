"""Keeps the service processes of one system running: starts them, restarts those that die, ends them all."""

import asyncio
import os
import signal
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from time import monotonic

from shared.embedded import logfiles
from shared.embedded.errors import EmbeddedError
from shared.embedded.processes import ProcessMark, die_with
from shared.embedded.readiness import is_ready
from shared.embedded.services import Replica

READY_SECONDS_MAX = 60.0
STOP_SECONDS_MAX = 5.5
# A process that dies again and again is not helped by one more start.
RESTARTS_MAX = 5
RESTART_SECONDS = (0.2, 0.5, 1.0, 2.0, 4.0)
# After this long the earlier deaths are forgiven.
STEADY_SECONDS = 60.0


class Supervisor:
    """The service processes; they die with this process, also when it is killed (Linux)."""

    def __init__(self, replicas: Sequence[Replica], report: Callable[[str], None]) -> None:
        self._replicas = replicas
        self._report = report
        # Called whenever a process was replaced by another.
        self.on_change: Callable[[], None] = lambda: None
        self._processes: dict[str, Process] = {}
        self._keepers: list[asyncio.Task[None]] = []
        self._offsets: dict[str, int] = {}
        self._ending = False

    @property
    def marks(self) -> Mapping[str, ProcessMark]:
        """The living processes by name."""
        marks = {name: ProcessMark.of(process.pid) for name, process in self._processes.items()}
        return {name: mark for name, mark in marks.items() if mark is not None}

    async def start(self) -> None:
        """Starts all and answers when all are ready; EmbeddedError with the last line of one that is not."""
        for replica in self._replicas:
            await self._spawn(replica)
        waits = [asyncio.create_task(self._first_ready(replica)) for replica in self._replicas]
        try:
            await asyncio.gather(*waits)
        finally:
            for wait in waits:
                wait.cancel()
        self._keepers = [asyncio.create_task(self._keep(replica)) for replica in self._replicas]

    async def watch(self) -> None:
        """Answers never; EmbeddedError when a service has died too often."""
        await asyncio.gather(*self._keepers)

    async def stop(self) -> None:
        """Asks all to end, and kills those that have not after their patience."""
        self._ending = True
        for process in self._processes.values():
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
        if self._processes:
            waits = [asyncio.ensure_future(process.wait()) for process in self._processes.values()]
            await asyncio.wait(waits, timeout=STOP_SECONDS_MAX)
            for process in self._processes.values():
                if process.returncode is None:
                    process.kill()
            await asyncio.wait(waits)
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        self._processes.clear()

    async def _spawn(self, replica: Replica) -> Process:
        logfiles.rotate(replica.log)
        self._offsets[replica.name] = logfiles.size_of(replica.log)
        with replica.log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *replica.command,
                env=dict(replica.environment),
                stdin=DEVNULL,
                stdout=log,
                stderr=STDOUT,
                # Ctrl-C of the terminal is for us alone: we end them in order.
                start_new_session=True,
                preexec_fn=partial(die_with, os.getpid()),
            )
        self._processes[replica.name] = process
        return process

    async def _first_ready(self, replica: Replica) -> None:
        process = self._processes[replica.name]
        deadline = monotonic() + READY_SECONDS_MAX
        while not await is_ready(replica.url):
            if process.returncode is not None:
                raise EmbeddedError(f"{replica.name} ended while it was starting: {self._last_line(replica)}")
            if monotonic() > deadline:
                raise EmbeddedError(
                    f"{replica.name} was not ready within {READY_SECONDS_MAX:.0f} s, see {replica.log}; "
                    f"its last line: {self._last_line(replica)}"
                )
            await asyncio.sleep(0.05)

    async def _keep(self, replica: Replica) -> None:
        deaths = 0
        while True:
            since = monotonic()
            code = await self._processes[replica.name].wait()
            if self._ending:
                return
            deaths = 1 if monotonic() - since > STEADY_SECONDS else deaths + 1
            if deaths > RESTARTS_MAX:
                raise EmbeddedError(
                    f"{replica.name} died {deaths} times in a row, see {replica.log}; "
                    f"its last line: {self._last_line(replica)}"
                )
            self._report(f"{replica.name} 意外退出（{_why(code)}），正在重新启动")
            await asyncio.sleep(RESTART_SECONDS[deaths - 1])
            await self._spawn(replica)
            self.on_change()

    def _last_line(self, replica: Replica) -> str:
        return logfiles.telling_line(logfiles.written_since(replica.log, self._offsets[replica.name]))


def _why(code: int) -> str:
    return f"信号 {signal.Signals(-code).name}" if code < 0 else f"退出码 {code}"
