"""Notices as JSON Lines in a file of the installation: for a laptop, and for systems that read files."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path
from typing import Final

import msgspec

from notify.domain.answers import Answer, Verdict
from notify.ports import Lane, Sent, Taken

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.jsonl")
"""What a target may be: a file name and no path, so that nobody writes anywhere else."""


class Line(msgspec.Struct, frozen=True, gc=False):
    """One line: `id` comes out the same when a line is written twice after a crash."""

    id: str
    payload: msgspec.Raw


class FileChannel:
    """Appends to files of one directory; a line is delivered once it is on the disk."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._locks: dict[str, asyncio.Lock] = {}

    async def send(self, lane: Lane, taken: Taken) -> Sent:
        line = msgspec.json.encode(Line(str(taken.delivery), msgspec.Raw(taken.payload))) + b"\n"
        if NAME.fullmatch(lane.target) is None:
            return Sent(Answer(Verdict.ABANDON, "invalid_file_name"))
        try:
            async with self._locks.setdefault(lane.target, asyncio.Lock()):
                await asyncio.to_thread(self._append, lane.target, line)
        except OSError:
            return Sent(Answer(Verdict.LATER, "file_not_writable"))
        return Sent(Answer(Verdict.DELIVERED, "ok"))

    def _append(self, name: str, line: bytes) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        # One write of O_APPEND: lines of several processes do not mix.
        descriptor = os.open(self._directory / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        try:
            if os.write(descriptor, line) != len(line):
                raise OSError("short write")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
