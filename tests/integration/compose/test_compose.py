"""The compose file for real: nothing but `docker compose`, a district, and containers that die."""

import asyncio
import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from shared.demo.district import ZONE, build_district
from shared.demo.reading import Reading
from shared.demo.sender import Sender
from shared.demo.story import Story, tell

from tests.integration.compose.composed import ROOT, SECONDS_MAX, SERVICES, Composed, why_not

pytestmark = pytest.mark.timeout(SECONDS_MAX + 300)

REST_SECONDS_MAX = 180
COMPOUNDS_MIN = 5
AUDIT = Path(__file__).with_name("audit_inside.py")
OPERATING = ROOT / "shared" / "docs" / "operating.md"


# The one test that may be skipped: an engine is what it is about, nothing could stand in for it.
@pytest.fixture(scope="module")
def composed() -> Iterator[Composed]:
    reason = why_not()
    if reason is not None:
        pytest.skip(f"the compose file needs a container engine: {reason}")
    compose = Composed()
    try:
        compose.up("--build")
        yield compose
    finally:
        compose.remove()


@dataclass
class District:
    """What was posted and what has to be found again."""

    composed: Composed
    key: str
    story: Story
    answered: set[tuple[str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.day = datetime.now(ZONE).date()
        facts = iter(self.story.facts)
        half = len(self.story.facts) // 2
        self.parts = [
            self.story.registry,
            tuple(itertools.islice(facts, half)),
            (*facts, *self.story.late_registry),
        ]

    async def post(self, part: int) -> None:
        async with Sender(self.composed.url("intake"), self.key) as sender:
            await sender.send(self.parts[part])
            assert not sender.refused
        self.answered |= sender.answered

    def reading(self) -> Reading:
        return Reading(self.composed.url("scoring"), self.composed.url("notify"), self.key)

    async def scores(self) -> dict[str, Any]:
        """Of all compounds on one day, when everything is scored and told."""
        async with self.reading() as reading:
            await reading.rest(REST_SECONDS_MAX)
            names = [each["id"] for each in await reading.compounds()]
        headers = {"Authorization": f"Bearer {self.key}"}
        async with aiohttp.ClientSession(self.composed.url("scoring"), headers=headers) as session:
            found = {}
            for name in names:
                where = f"/v1/compounds/{name}/score?day={self.day}"
                async with session.get(where, raise_for_status=True) as answer:
                    score = await answer.json()
                found[name] = {part: score[part] for part in ("score_milli", "star", "categories", "items")}
        assert len(found) > COMPOUNDS_MIN
        assert any(score["score_milli"] for score in found.values())
        return found

    async def audit(self) -> None:
        """Nothing was lost, doubled or left without a decision, by a reader of its own."""
        told = await asyncio.to_thread(
            self.composed, "run", "--rm", "--no-TTY", "--no-deps", "--entrypoint", "python",
            "notify", "-c", AUDIT.read_text(encoding="utf-8"),
            given=json.dumps(sorted(self.answered)),
        )  # fmt: skip
        found = json.loads(told)
        assert found["findings"] == []
        assert found["answered"] == found["on_topic"] == found["counted"] == len(self.answered)
        assert found["sequences_published"] == found["outcomes_consumed"] > 0
        assert found["decisions_expected"] > 0


@pytest.fixture(scope="module")
async def district(composed: Composed) -> District:
    """The first half of a small district, told to files."""
    issued = await asyncio.to_thread(
        composed, "run", "--rm", "intake", "keys", "issue",
        "--json", "--id", "local", "--all-roles", "--right", "backfill",
    )  # fmt: skip
    invented = build_district(seed=3, today=datetime.now(ZONE).date(), scale=0.2)
    posted = District(composed, json.loads(issued)["key"], tell(invented))
    await posted.post(0)
    headers = {"Authorization": f"Bearer {posted.key}"}
    async with aiohttp.ClientSession(composed.url("notify"), headers=headers) as session:
        for company in invented.companies:
            wish = {"recipient": f"company:{company.id}", "channel": "file", "target": f"{company.id}.jsonl"}
            async with session.post("/v1/endpoints", json=wish, raise_for_status=True):
                pass
    await posted.post(1)
    return posted


async def test_a_district_is_scored_and_told(district: District) -> None:
    await district.scores()
    await district.audit()
    files = await asyncio.to_thread(
        district.composed, "exec", "--no-TTY", "notify", "sh", "-c", "cat /var/lib/anxing/notices/*.jsonl"
    )
    notices = [json.loads(line) for line in files.splitlines()]
    assert len({notice["id"] for notice in notices}) == len(notices) > 0


async def test_every_container_may_be_restarted(district: District) -> None:
    before = await district.scores()
    for service in ("kafka", "postgres", *SERVICES, "front"):
        await asyncio.to_thread(district.composed, "restart", service)
    await asyncio.to_thread(district.composed.up)
    assert await district.scores() == before
    await district.audit()


async def test_replicas_share_the_work_and_one_is_killed(district: District) -> None:
    await asyncio.to_thread(
        district.composed.up, "--no-recreate", "--scale", "scoring=3", "--scale", "intake=2"
    )
    async with asyncio.TaskGroup() as group:
        group.create_task(district.post(2))
        await asyncio.to_thread(
            district.composed, "kill", "--signal", "SIGKILL", "kafka", "postgres", *SERVICES
        )
        await asyncio.to_thread(
            district.composed.up, "--no-recreate", "--scale", "scoring=3", "--scale", "intake=2"
        )
    assert district.answered == district.story.identities
    several = await district.scores()
    await district.audit()
    await asyncio.to_thread(district.composed.up)
    assert await district.scores() == several


async def test_a_backup_brings_everything_back(district: District, tmp_path: Path) -> None:
    """By the very lines that operators read."""
    before = await district.scores()
    chapter = OPERATING.read_text(encoding="utf-8").split("## Back up")[1]
    back_up, restore = (
        script.replace("anxing_$volume", f"{district.composed.project}_$volume")
        for script in re.findall(r"^```sh\n(.*?)^```", chapter, re.MULTILINE | re.DOTALL)
    )
    await asyncio.to_thread(district.composed.shell, back_up, tmp_path)
    await asyncio.to_thread(district.composed.remove)
    await asyncio.to_thread(district.composed.shell, restore, tmp_path)
    assert await district.scores() == before
    await district.audit()


def test_nobody_is_root_and_nothing_is_left_over(composed: Composed) -> None:
    for service in SERVICES:
        inside = composed("exec", "--no-TTY", service, "sh", "-c", "id -u; ls /usr/local/bin /app/.venv/bin")
        number, *programs = inside.split()
        assert number == "10001"
        assert service in programs
        assert {"uv", "pytest", "mypy"}.isdisjoint(programs)


def test_a_stop_is_an_orderly_end(composed: Composed) -> None:
    composed("stop")
    codes = {each["Service"]: each["ExitCode"] for each in composed.containers()}
    # Java ends with 128 + 15 when it was asked to.
    assert codes.pop("kafka") in {0, 143}
    assert set(codes.values()) == {0}, codes
