"""`run.json` in the data directory: where everything listens, for programs that want to talk to it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from shared.embedded.directory import read_json, write_json
from shared.embedded.processes import ProcessMark


@dataclass(slots=True)
class Run:
    """One running system, or the last one: addresses and the local key stay when it has ended."""

    intake: str = ""
    scoring: str = ""
    notify: str = ""
    kafka: str = ""
    postgres: dict[str, str] = field(default_factory=dict)
    credential: str = ""
    pids: dict[str, int] = field(default_factory=dict)
    # When each process started (seconds since the epoch): a pid alone may be somebody else's by now.
    started: dict[str, float] = field(default_factory=dict)
    # Every replica, where the addresses above name the first.
    replicas: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Self:
        """What the file says; an empty run when there is none."""
        content = read_json(path)
        return cls(**{each.name: content[each.name] for each in fields(cls) if each.name in content})

    def write(self, path: Path) -> None:
        """Replaces the file; only its owner may read it, because it holds passwords and a key."""
        write_json(path, asdict(self), mode=0o600)

    def note(self, marks: Mapping[str, ProcessMark]) -> None:
        """Takes over the processes that run now, by name: `scoring-2`, `kafka`, `anxing` (the starter)."""
        self.pids = {name: mark.pid for name, mark in marks.items()}
        self.started = {name: mark.started for name, mark in marks.items()}

    def marks(self) -> dict[str, ProcessMark]:
        """The processes of the run, living or not."""
        return {name: ProcessMark(pid, self.started.get(name, 0.0)) for name, pid in self.pids.items()}

    def shown(self) -> dict[str, Any]:
        """What may stand on a terminal: everything but the key and the passwords."""
        return {name: value for name, value in asdict(self).items() if name not in ("credential", "postgres")}
