"""The compose file for real: built, healthy, a district posted and told, a killed container without loss."""

import asyncio
import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from shared.demo.district import build_district
from shared.demo.reading import Reading
from shared.demo.sender import Sender
from shared.demo.story import tell
from shared.embedded.ports import any_free

ROOT = Path(__file__).parents[3]
BUILD_SECONDS_MAX = 900


def engine_answers() -> bool:
    """Whether a container engine with compose runs here."""
    if shutil.which("docker") is None:
        return False
    return all(
        subprocess.run(["docker", *words], capture_output=True, check=False).returncode == 0
        for words in (("info",), ("compose", "version"))
    )


class Composed:
    """One run of the compose file under a name and ports of its own."""

    def __init__(self) -> None:
        self.ports = {name: any_free() for name in ("INTAKE_PORT", "SCORING_PORTS", "NOTIFY_PORT")}
        self._project = f"anxing-test-{secrets.token_hex(3)}"
        self._environment = {**os.environ, **{name: str(port) for name, port in self.ports.items()}}

    def __call__(self, *words: str, check: bool = True) -> str:
        done = subprocess.run(
            ["docker", "compose", "--project-name", self._project, *words],
            cwd=ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=BUILD_SECONDS_MAX,
            check=False,
        )
        assert not check or done.returncode == 0, f"{words}: {done.stderr[-3000:]}"
        return done.stdout

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"


# An engine is what this test is about: nothing else could stand in for it.
@pytest.fixture(scope="module")
def composed() -> Iterator[Composed]:
    if not engine_answers():
        pytest.skip("no container engine with compose answers here")
    compose = Composed()
    try:
        compose("up", "--build", "--wait", "--detach")
        yield compose
    finally:
        compose("down", "--volumes", "--timeout", "20", check=False)


@pytest.mark.timeout(BUILD_SECONDS_MAX + 300)
async def test_compose(composed: Composed) -> None:
    issued = await asyncio.to_thread(
        composed, "run", "--rm", "intake", "keys", "issue",
        "--json", "--id", "test", "--all-roles", "--right", "backfill",
    )  # fmt: skip
    key = json.loads(issued)["key"]
    story = tell(build_district(seed=3, today=datetime.now(UTC).date(), scale=0.2))
    scoring, notify = composed.url("SCORING_PORTS"), composed.url("NOTIFY_PORT")
    async with Sender(composed.url("INTAKE_PORT"), key) as sender:
        for part in (story.registry, story.facts, story.late_registry):
            await sender.send(part)
        assert not sender.refused
        assert sender.answered == story.identities
    async with Reading(scoring, notify, key) as reading:
        await reading.rest(120)
        before = {each["id"]: each["score_milli"] for each in await reading.compounds()}
        assert len([score for score in before.values() if score is not None]) > 5
    for service in ("scoring", "notify", "intake", "kafka", "postgres"):
        await asyncio.to_thread(composed, "kill", "--signal", "SIGKILL", service)
    await asyncio.to_thread(composed, "up", "--wait", "--detach")
    async with Reading(scoring, notify, key) as reading:
        await reading.rest(120)
        after = {each["id"]: each["score_milli"] for each in await reading.compounds()}
    assert after == before
