"""One protection taken out of a copy of the source, and the simulator living through seeds of it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]
SECONDS_MAX = 170


class Tooth(NamedTuple):
    """In a module, `old` becomes `new`."""

    name: str
    module: str
    old: str
    new: str


class Simulated(NamedTuple):
    """The service and its seeds, what is copied, and the package in it that loses a protection."""

    service: str
    seeds: int
    sources: Sequence[Path]
    package: str

    def fails_without(self, tooth: Tooth, folder: Path) -> bool:
        """Whether the simulator misses what a tooth takes away."""
        self._copy(folder)
        module = folder / self.package / tooth.module
        text = module.read_text()
        assert text.count(tooth.old) == 1, "the protection has moved: follow it"
        module.write_text(text.replace(tooth.old, tooth.new))
        return bool(self._live(folder)["failed"])

    def fails_untouched(self, folder: Path) -> bool:
        """Whether a copy from which nothing was taken fails."""
        self._copy(folder)
        return bool(self._live(folder)["failed"])

    def _copy(self, folder: Path) -> None:
        for source in self.sources:
            shutil.copytree(source, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))

    def _live(self, source: Path) -> dict[str, Any]:
        asked = ["--service", self.service, "--seeds", str(self.seeds), "--stop"]
        run = subprocess.run(
            [sys.executable, "-m", "tests.simulator", *asked],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(source)},
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
            check=False,
        )
        assert run.stdout, run.stderr[-3000:]
        figures: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
        return figures
