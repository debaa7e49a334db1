"""`kill -9` at the worst moments: nothing is lost, and what is repeated carries the same id."""

import asyncio
import os
import random
import signal
import subprocess
import sys

import asyncpg

from tests.eventually import eventually
from tests.integration.notify.receivers import OK, Request, receiver
from tests.integration.notify.stage import Client, Stage
from tests.integration.notify.test_service import star

DONE = "SELECT count(*) FROM delivery WHERE state = 'delivered'"


async def test_killed_between_the_200_and_the_commit_the_notice_comes_twice_with_one_id(stage: Stage) -> None:
    answered = asyncio.Event()

    async def note(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        await writer.drain()
        answered.set()

    async with receiver(note) as inbox:
        endpoint = await add_webhook(stage, inbox.url())
        holder = await asyncpg.connect(stage.settings.database.url)
        await stage.announce(star())
        with stage.process(0) as process:
            # The result cannot be written while we hold the rows that it must change.
            await eventually(lambda: stage.value("SELECT count(*) = 1 FROM delivery_due"), 40)
            transaction = holder.transaction()
            await transaction.start()
            await holder.execute("SELECT FROM delivery FOR UPDATE")
            await asyncio.wait_for(answered.wait(), 30)
            assert await stage.value(DONE) == 0
            process.send_signal(signal.SIGKILL)
            process.wait()
        await transaction.rollback()
        await holder.close()
        with stage.process(0):
            await eventually(
                lambda: stage.value("SELECT count(*) = 1 FROM delivery WHERE state = 'delivered'"), 40
            )
    assert len(inbox.requests) == 2
    assert len(set(inbox.webhook_ids)) == 1
    assert len({request.body for request in inbox.requests}) == 1
    # Both attempts are on record; nobody knows how the first one ended.
    starts, ends = (
        await stage.rows(
            "SELECT (SELECT count(*) FROM attempt_started), (SELECT count(*) FROM attempt_ended)"
        )
    )[0]
    assert (starts, ends) == (2, 1)
    assert endpoint


async def test_killed_again_and_again_under_load_loses_nothing(stage: Stage) -> None:
    total, rng = 400, random.Random(7)
    async with receiver() as inbox:
        for number in range(8):
            await add_webhook(stage, inbox.url(f"/{number}"), f"company:P{number:02d}")
        sending = asyncio.create_task(feed(stage, total))
        for _ in range(4):
            with stage.process(0) as process:
                seen = len(inbox.requests)
                await eventually(
                    lambda before=seen: len(inbox.requests) >= before + 20 or is_done(stage, total), 60
                )
                await asyncio.sleep(rng.random() * 0.2)
                process.send_signal(signal.SIGKILL)
        await sending
        with stage.process(0):
            await eventually(lambda: is_done(stage, total), 60)
    assert len(set(inbox.webhook_ids)) == total
    assert await stage.value("SELECT count(*) FROM inbox_event") == total
    assert await stage.value("SELECT count(*) FROM notice") == total
    # What came twice had been under way when a process was killed.
    unknown = await stage.value(
        "SELECT count(*) FROM attempt_started s WHERE NOT EXISTS (SELECT FROM attempt_ended e"
        " WHERE (e.delivery_id, e.claim, e.attempt) = (s.delivery_id, s.claim, s.attempt))"
    )
    assert len(inbox.requests) - total <= unknown


async def test_sigterm_ends_it_in_order(stage: Stage) -> None:
    async with receiver() as inbox:
        await add_webhook(stage, inbox.url())
        with stage.process(0) as process:
            await stage.announce(star())
            await eventually(
                lambda: stage.value("SELECT count(*) = 1 FROM delivery WHERE state = 'delivered'"), 40
            )
            process.send_signal(signal.SIGTERM)
            await eventually(lambda: process.poll() is not None, 20)
            assert process.returncode == 0
    assert await stage.value("SELECT count(*) FROM lane WHERE claim IS NOT NULL") == 0


async def test_wrong_settings_are_one_sentence_and_exit_code_2(stage: Stage) -> None:
    for variable, value, word in (
        ("ANXING_NOTIFY__ENCRYPTION_KEY", "", "notify keygen"),
        ("ANXING_NOTIFY__ENCRYPTION_KEY", "short", "notify keygen"),
        ("ANXING_NOTIFY__ALLOWED_NETWORKS", '["everything"]', "ANXING_NOTIFY__ALLOWED_NETWORKS"),
        ("ANXING_NOTIFY__NO_SUCH", "1", "ANXING_NOTIFY__NO_SUCH"),
    ):
        ended = await asyncio.to_thread(serve, stage.environment(0, **{variable: value}))
        assert ended.returncode == 2, ended.stderr
        assert word in ended.stderr
        assert len(ended.stderr.strip().splitlines()) == 1, ended.stderr


def serve(environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "notify", "serve"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def add_webhook(stage: Stage, target: str, recipient: str = "company:P01") -> str:
    """Through the interface of a service that is gone again when this returns."""
    async with stage.service() as client:
        endpoint: str = (await Client(client.http, stage.key).add_webhook(recipient, target))["id"]
        return endpoint


async def feed(stage: Stage, total: int) -> None:
    for number in range(total):
        relations = star().relations.__class__(company=f"P{number % 8:02d}")
        await stage.announce(star(relations=relations), compound=f"C{number % 50:05d}")
        await asyncio.sleep(0.01)


async def is_done(stage: Stage, total: int) -> bool:
    return bool(await stage.value(DONE) == total)
