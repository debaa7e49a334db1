"""Processes told apart by pid and start time, so that nobody else's is ever found, waited for or ended."""

import contextlib
import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Self, TypeVar

import psutil

T = TypeVar("T")

# Start times are seconds since the epoch made from ticks since boot: a corrected clock moves them a little.
START_TOLERANCE_SECONDS = 2.0
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class ProcessMark:
    """One process of this machine, for as long as it lives and never its successor with the same pid."""

    pid: int
    started: float

    @classmethod
    def of(cls, pid: int) -> Self | None:
        """The mark of a living process, or None."""
        try:
            return cls(pid, psutil.Process(pid).create_time())
        except psutil.Error:
            return None

    @classmethod
    def mine(cls) -> Self:
        """The mark of this process."""
        return cls(os.getpid(), psutil.Process().create_time())

    def process(self) -> psutil.Process | None:
        """The living process, or None when it ended (a zombie has ended) or its pid was given away."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) < START_TOLERANCE_SECONDS
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.Error:
            return None

    def alive(self) -> bool:
        """Whether the process still runs."""
        return self.process() is not None


def end(mark: ProcessMark, first: signal.Signals, patience_seconds: float) -> None:
    """Asks the process to end, and kills it when it has not within its patience."""
    process = mark.process()
    if process is None:
        return
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(first)
        try:
            process.wait(patience_seconds)
        except psutil.TimeoutExpired:
            process.kill()
            with contextlib.suppress(psutil.TimeoutExpired):
                process.wait(5)


def processes_in(directory: Path, *, name: str, having: str | None = None) -> Iterator[ProcessMark]:
    """Living processes of a program that work in this directory, and were given an argument if one is named.

    The kernel tells the working directory as it is now: also when the directory was moved, or is reached by
    another way than at the start.
    """
    for process in psutil.process_iter(["name", "cwd", "cmdline", "create_time"]):
        told = process.info
        here = told["name"] == name and told["cwd"] == str(directory)
        if here and (having is None or having in (told["cmdline"] or ())):
            mark = ProcessMark(process.pid, told["create_time"])
            if mark.alive():
                yield mark


def poll(check: Callable[[], T | None], seconds: float, cancelled: threading.Event | None = None) -> T | None:
    """Asks again and again until an answer is true; None at the deadline or when cancelled."""
    waiting = cancelled or threading.Event()
    deadline = monotonic() + seconds
    while True:
        answer = check()
        if answer:
            return answer
        if monotonic() >= deadline or waiting.wait(0.03):
            return None


def die_with(parent: int) -> None:
    """For a child between fork and exec: the kernel ends it when its parent ends, however that happens.

    Linux only; elsewhere children outlive a parent that was killed, and `anxing down` ends them. The kernel
    means the *thread* that forked: fork from the main thread.
    """
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            # It ended before we asked.
            os._exit(1)


# Loaded before any fork: loading between fork and exec may take a lock that another thread holds.
_LIBC = ctypes.CDLL(None, use_errno=True)
