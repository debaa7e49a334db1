"""A server that runs: which process it is and where it listens."""

import signal
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from shared.embedded.processes import ProcessMark


@dataclass(frozen=True, slots=True)
class Running:
    """One living server."""

    mark: ProcessMark
    port: int


class Server(Protocol):
    """What each embedded server can do; all of it is called under the start lock of its data directory."""

    name: str
    title: str
    log: Path
    stop_signal: signal.Signals
    stop_seconds: float

    def find(self) -> Running | None:
        """The server that runs on this data directory, whoever started it; it may not be ready yet."""

    def answers(self, running: Running) -> bool:
        """Whether it serves clients now."""

    def start(self, given: int | None, wished: int | None, cancelled: threading.Event) -> Running:
        """Starts it and waits until it is ready: on the given port, or best on the wished one."""
