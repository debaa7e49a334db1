"""The command line: each verb as an operator types it."""

import asyncio
import json
import subprocess
import sys
from typing import Any
from uuid import uuid4

from notify.sealing import Sealer

from tests.integration.notify.receivers import answering, receiver
from tests.integration.notify.stage import Stage
from tests.integration.notify.test_service import star


async def run(stage: Stage, *words: str, expect: int = 0) -> "subprocess.CompletedProcess[str]":
    ended = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "notify", *words],
        env=stage.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == expect, ended.stderr
    return ended


async def answer(stage: Stage, *words: str) -> Any:
    return json.loads((await run(stage, *words, "--json")).stdout)


async def test_a_key_from_keygen_seals(stage: Stage) -> None:
    assert Sealer.from_setting((await answer(stage, "keygen"))["key"])
    assert Sealer.from_setting((await run(stage, "keygen")).stdout)


async def test_migrate_twice_changes_nothing(stage: Stage) -> None:
    first = await answer(stage, "migrate")
    assert await answer(stage, "migrate") == first


async def test_preview_shows_how_a_notice_reads(stage: Stage) -> None:
    shown = await answer(stage, "preview", "star.changed")
    assert shown["star.changed"]["title"] == "锦绣花园动态星级由四星变为三星"
    assert "锦绣花园" in (await run(stage, "preview", "veto.applied")).stdout
    refused = await run(stage, "preview", "never.heard", expect=2)
    assert len(refused.stderr.strip().splitlines()) == 1


async def test_why_and_release(stage: Stage) -> None:
    async with receiver(answering(410)) as inbox, stage.service() as client:
        endpoint = await client.add_webhook("company:P01", inbox.url())
        outcome = str(await stage.announce(star()))
        await client.at_rest()
        (reason,) = await answer(stage, "why", "--outcome", outcome, "--recipient", "company:P01")
        assert (reason["action"], reason["rule"], reason["delivery"]) == ("sent", "star", "parked")
        assert "not-concerned" in (await run(stage, "why", "--outcome", outcome)).stdout
        await run(stage, "why", "--outcome", str(uuid4()), expect=1)
        refused = await run(stage, "release", endpoint["id"], expect=2)
        assert "enable it before" in refused.stderr
        inbox.behaviour = answering(204)
        await client.ask("PATCH", f"/v1/endpoints/{endpoint['id']}", {"enabled": True})
        assert await answer(stage, "release", endpoint["id"]) == {"released": 1}
        await client.at_rest()
    assert len(inbox.requests) == 2
    assert len(set(inbox.webhook_ids)) == 1
