"""One run of the compose file under a name and ports of its own."""

import json
import os
import secrets
import shutil
import subprocess
from pathlib import Path
from typing import Any

from shared.embedded.ports import any_free

ROOT = Path(__file__).parents[3]
# Images are built from nothing the first time.
SECONDS_MAX = 900
PULL_SECONDS_MAX = 300
SERVICES = ("intake", "scoring", "notify")
# What the compose file and the Dockerfile stand on.
IMAGES = ("apache/kafka:4.3.1", "postgres:18", "python:3.13-slim-trixie")


def why_not() -> str | None:
    """Why no compose file can be run here; None when it can."""
    if shutil.which("docker") is None:
        return "there is no docker"
    for words in (("compose", "version"), ("info",)):
        if not _succeeds(*words, seconds=30):
            return f"`docker {' '.join(words)}` fails"
    for image in IMAGES:
        if not _succeeds("image", "inspect", image, seconds=30) and not _succeeds(
            "pull", "--quiet", image, seconds=PULL_SECONDS_MAX
        ):
            return f"the engine cannot get {image}"
    return None


def _succeeds(*words: str, seconds: float) -> bool:
    try:
        subprocess.run(["docker", *words], capture_output=True, timeout=seconds, check=True)
    except subprocess.SubprocessError:
        return False
    return True


class Composed:
    """Calling it is `docker compose WORDS`; it answers what that prints."""

    def __init__(self) -> None:
        self._ports = {service: any_free() for service in SERVICES}
        self.project = f"anxing-test-{secrets.token_hex(3)}"
        self._environment = {
            **os.environ,
            **{f"{service.upper()}_PORT": str(port) for service, port in self._ports.items()},
            "COMPOSE_FILE": str(ROOT / "docker-compose.yml"),
            "COMPOSE_PROJECT_NAME": self.project,
        }

    def __call__(self, *words: str, given: str = "") -> str:
        return self._run(["docker", "compose", *words], ROOT, given)

    def shell(self, script: str, directory: Path) -> None:
        """Runs lines of the documentation as somebody would who copies them."""
        self._run(["bash", "-euo", "pipefail", "-c", script], directory)

    def up(self, *more: str) -> None:
        """Everything runs and is healthy."""
        self("up", "--detach", "--wait", *more)

    def containers(self) -> list[dict[str, Any]]:
        """All containers, those that have ended too."""
        lines = self("ps", "--all", "--format", "json").splitlines()
        return [json.loads(line) for line in lines]

    def url(self, service: str) -> str:
        return f"http://127.0.0.1:{self._ports[service]}"

    def remove(self) -> None:
        self("down", "--volumes", "--remove-orphans", "--timeout", "20")

    def _run(self, command: list[str], directory: Path, given: str = "") -> str:
        done = subprocess.run(
            command,
            cwd=directory,
            env=self._environment,
            input=given,
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
            check=False,
        )
        assert done.returncode == 0, f"{command}: {done.stderr[-3000:]}\n{self._last_words()}"
        return done.stdout

    def _last_words(self) -> str:
        """The ends of all logs: what a container said before it failed."""
        done = subprocess.run(
            ["docker", "compose", "logs", "--tail", "15"],
            cwd=ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.stdout[-6000:]
