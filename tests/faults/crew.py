"""Worker processes that can be hurt: each a program with its own settings, and its log in a file."""

import contextlib
import json
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests.eventually import eventually

ROOT = Path(__file__).parents[2]
Process = subprocess.Popen[bytes]


@dataclass
class Crew:
    """`command` gets one more argument: `given` and the worker's name, as JSON."""

    command: Sequence[str]
    given: Mapping[str, Any]
    folder: Path
    processes: dict[str, Process] = field(default_factory=dict)
    started: int = 0
    frozen: set[str] = field(default_factory=set)

    def start(self, **more: Any) -> str:
        """One more worker; answers its name."""
        self.started += 1
        name = f"w{self.started}"
        given = json.dumps({**self.given, "name": name, **more})
        with (self.folder / f"{name}.log").open("wb") as stream:
            self.processes[name] = subprocess.Popen(
                [*self.command, given], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream
            )
        return name

    def at_work(self) -> list[str]:
        """Who has claimed something, ever, and is not frozen."""
        return [
            name
            for name in sorted(self.processes)
            if name not in self.frozen and (self.folder / f"{name}.log").stat().st_size
        ]

    def kill(self, name: str) -> None:
        process = self.processes.pop(name)
        self.frozen.discard(name)
        process.kill()
        process.wait()

    async def freeze(self, name: str) -> None:
        """Stops it, and returns when it has stopped: a signal takes a moment."""
        self.frozen.add(name)
        process = psutil.Process(self.processes[name].pid)
        process.suspend()
        await eventually(
            lambda: process.status() in {psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE}, every=0.001
        )

    def thaw(self, name: str) -> None:
        self.frozen.discard(name)
        if name in self.processes:
            self.processes[name].send_signal(signal.SIGCONT)

    def ended(self) -> list[str]:
        """Who has ended by itself; they are forgotten here."""
        gone = [name for name, process in self.processes.items() if process.poll() is not None]
        for name in gone:
            del self.processes[name]
            self.frozen.discard(name)
        return gone

    async def dismiss(self, seconds: float = 20.0) -> None:
        """Let all finish what they are at; who does not is killed."""
        for name in list(self.frozen):
            self.thaw(name)
        for process in self.processes.values():
            process.terminate()
        with contextlib.suppress(AssertionError):
            await eventually(lambda: all(p.poll() is not None for p in self.processes.values()), seconds)
        self.end()

    def end(self) -> None:
        for name in list(self.processes):
            self.kill(name)

    def said(self) -> Iterator[dict[str, Any]]:
        """Everything that the workers logged, worker by worker."""
        for path in sorted(self.folder.glob("*.log")):
            for line in path.read_bytes().splitlines():
                if line.startswith(b"{"):
                    yield json.loads(line)

    def events(self) -> Counter[str]:
        """How often the workers logged what."""
        return Counter(line["event"] for line in self.said())
