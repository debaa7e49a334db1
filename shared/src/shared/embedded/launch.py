"""Starting one server program and waiting until it is really ready, or saying why it is not."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shared.embedded import logfiles
from shared.embedded.errors import CalledOffError, DiskFullError, NotReadyError
from shared.embedded.processes import ProcessMark, end, poll

# Measured: PostgreSQL 0.3 s, Kafka 2.5 s. Recovery after a crash on a slow disk takes longer.
READY_SECONDS_MAX = 90.0


class PortLostError(Exception):
    """Another program took the port between our look at it and the server's."""


@dataclass(frozen=True, slots=True)
class Program:
    """A server program: how it is run, where its output goes, how it is asked to end."""

    server: str
    command: Sequence[str]
    directory: Path
    log: Path
    stop_signal: signal.Signals
    stop_seconds: float
    as_child: Mapping[str, Any] = field(default_factory=dict)


def launch(program: Program, ready: Callable[[], bool], cancelled: threading.Event) -> ProcessMark:
    """Starts the program in a session of its own: neither Ctrl-C nor the end of its starter reaches it.

    Answers when `ready` does. Errors: PortLostError, DiskFullError, NotReadyError, CalledOffError; the
    program does not run after any of them.
    """
    logfiles.rotate(program.log)
    offset = logfiles.size_of(program.log)
    with program.log.open("ab") as log:
        child = subprocess.Popen(  # noqa: S603 - commands of ours
            program.command,
            cwd=program.directory,
            env=plain_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **program.as_child,
        )
    mark = ProcessMark.of(child.pid)
    ended_or_ready = poll(lambda: child.poll() is not None or ready(), READY_SECONDS_MAX, cancelled)
    if mark is not None and ended_or_ready and child.poll() is None:
        return mark
    if mark is not None:
        end(mark, program.stop_signal, program.stop_seconds)
    if cancelled.is_set():
        raise CalledOffError(program.server)
    raise _failure(program, logfiles.written_since(program.log, offset), ended=bool(ended_or_ready))


def run_once(program: Program) -> None:
    """Runs a preparing program to its end; DiskFullError or NotReadyError when it fails."""
    offset = logfiles.size_of(program.log)
    with program.log.open("ab") as log:
        done = subprocess.run(  # noqa: S603 - commands of ours
            program.command,
            cwd=program.directory,
            env=plain_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            timeout=READY_SECONDS_MAX,
            check=False,
            **program.as_child,
        )
    if done.returncode != 0:
        raise _failure(program, logfiles.written_since(program.log, offset), ended=True)


def plain_environment() -> dict[str, str]:
    """What servers get of our surroundings: no Java or PostgreSQL variable of the user changes them."""
    kept = {
        name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH") if name in os.environ
    }
    # Paths may hold any character; messages stay in one language, because they are read above.
    return kept | {"LC_ALL": "C.UTF-8", "TZ": "UTC"}


def _failure(program: Program, written: str, *, ended: bool) -> Exception:
    if logfiles.is_port_taken(written):
        return PortLostError(program.server)
    if logfiles.is_disk_full(written):
        return DiskFullError(program.log.parent.parent)
    what = "ended while it was starting" if ended else f"was not ready within {READY_SECONDS_MAX:.0f} s"
    return NotReadyError(program.server, what, program.log, logfiles.telling_line(written))
