"""What the demo keeps between runs on one data directory: which story it told, and what was answered."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from shared.demo.audit.evidence import EventKey


class Telling(msgspec.Struct, frozen=True):
    """Which story a data directory holds: told again it is the same, event by event."""

    seed: int
    today: date


class Journal:
    """Identities of all events that were answered 2xx on this data directory, one JSON pair a line."""

    def __init__(self, data: Path) -> None:
        self._telling = data / "demo.json"
        self._path = data / "demo-answered.jsonl"
        self.answered: set[EventKey] = set()

    def telling(self, fresh: Telling) -> Telling:
        """The story that was told here before, or `fresh`, which is noted."""
        try:
            return msgspec.json.decode(self._telling.read_bytes(), type=Telling)
        except (FileNotFoundError, msgspec.DecodeError):
            self._telling.write_bytes(msgspec.json.encode(fresh))
            return fresh

    def __enter__(self) -> Self:
        if self._path.exists():
            # The last line may have been cut by a kill; what it named is answered again as a replay.
            for line in self._path.read_bytes().splitlines():
                try:
                    self.answered.add(msgspec.json.decode(line, type=tuple[str, str]))
                except msgspec.DecodeError:
                    continue
        self._file = self._path.open("ab")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()

    def note(self, identities: Iterable[EventKey]) -> None:
        """Adds what is new, written out before the call returns."""
        fresh = [identity for identity in identities if identity not in self.answered]
        self.answered.update(fresh)
        self._file.writelines(msgspec.json.encode(identity) + b"\n" for identity in fresh)
        self._file.flush()
