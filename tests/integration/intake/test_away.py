"""Kafka or PostgreSQL away: refused at once, told honestly, and back by itself; nothing answered is lost."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import pytest
from intake.app import MIGRATIONS
from shared.embedded.ports import any_free
from shared.embedded.servers import Servers
from shared.runtime.migrations import migrate
from shared.runtime.settings import KafkaSettings
from shared.runtime.topics import ensure_topics

from tests.eventually import eventually
from tests.integration.intake.house import House, Replica, incident

# The first refusal may take as long as a publish may take.
FIRST_SECONDS_MAX = 6


@pytest.fixture(scope="module")
async def own(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Servers]:
    """Servers of this module alone, because they are killed."""
    data: Path = tmp_path_factory.mktemp("away")
    ports = {"kafka_port": any_free(), "postgres_port": any_free()}
    servers = await asyncio.to_thread(Servers.start, data, **ports)
    yield servers
    await asyncio.to_thread(servers.stop)


@pytest.fixture(scope="module")
async def house(own: Servers) -> House:
    kafka = KafkaSettings(bootstrap=own.kafka, partitions=4)
    await ensure_topics(kafka)
    administrator = await asyncpg.connect(own.postgres)
    await administrator.execute("CREATE DATABASE intake_away")
    await administrator.close()
    url = own.postgres.rpartition("/")[0] + "/intake_away"
    await migrate(MIGRATIONS, url)
    return House(kafka, url)


def kill(own: Servers, server: str) -> None:
    os.kill(own.marks[server].pid, signal.SIGKILL)


async def revive(own: Servers, server: str) -> None:
    await eventually(lambda: not own.marks[server].alive())
    assert await asyncio.to_thread(own.revive) == [server]


def refused_honestly(response: httpx.Response) -> bool:
    assert response.status_code == 503
    assert response.json()["retryable"] is True
    return int(response.headers["retry-after"]) >= 1


async def until_taken(replica: Replica, key: str, event: dict[str, object]) -> None:
    async def taken() -> bool:
        return (await replica.post(event, key)).status_code in {200, 202}

    await eventually(taken, 30)


async def test_kafka_away_and_back(own: Servers, house: House, intake: Replica, key: str):
    before = incident()
    assert (await intake.post(before, key)).status_code == 202
    kill(own, "kafka")
    waiting = [incident(subject=f"C{number}") for number in range(20)]
    async with asyncio.timeout(FIRST_SECONDS_MAX):
        responses = await asyncio.gather(*(intake.post(event, key) for event in waiting))
    assert all(refused_honestly(response) for response in responses)
    # From now on refused before anything is tried, and said where orchestrators look.
    responses = [await intake.post(event, key) for event in (incident(), [incident()], before)]
    assert [response.json()["type"] for response in responses] == ["urn:anxing:problem:away"] * 3
    assert all(refused_honestly(response) for response in responses)
    assert "kafka" in (await intake.get("/readyz")).json()["failing"]
    assert (await intake.get("/livez")).status_code == 200
    # What was stored before can still be asked for.
    assert (await intake.get(f"/v1/events/{before['id']}", key)).status_code == 200

    await revive(own, "kafka")
    await eventually(intake.ready, 30)
    for event in waiting:
        await until_taken(intake, key, event)
    stored = [event["id"] for event in await house.events()]
    assert {before["id"], *(event["id"] for event in waiting)} <= set(stored)


async def test_ended_while_kafka_is_frozen_what_is_under_way_gets_its_answer(
    own: Servers, house: House, intake: Replica, key: str
):
    await until_taken(intake, key, incident())
    async with house.replica(ANXING_SHUTDOWN_SECONDS="30") as ending:
        await ending.knows(key)
        events = [incident(subject=f"C{number}") for number in range(20)]
        os.kill(own.marks["kafka"].pid, signal.SIGSTOP)
        try:
            posting = [asyncio.create_task(ending.post(event, key)) for event in events]

            async def under_way() -> bool:
                metrics = (await intake.client.get(ending.client.base_url.join("/metrics"))).text
                return "anxing_intake_requests_under_way 20.0" in metrics

            await eventually(under_way, 3)
            ending.process.terminate()

            async def deaf() -> bool:
                try:
                    await ending.client.get("/livez")
                except httpx.TransportError:
                    return True
                return False

            await eventually(deaf, 3)
        finally:
            os.kill(own.marks["kafka"].pid, signal.SIGCONT)
        assert {(await each).status_code for each in posting} == {202}
        assert await asyncio.wait_for(ending.process.wait(), 30) == 0
    assert {event["id"] for event in events} <= {event["id"] for event in await house.events()}


async def test_postgres_away_and_back(own: Servers, house: House, intake: Replica, key: str):
    await until_taken(intake, key, incident())
    kill(own, "postgres")

    async def gone() -> bool:
        # A server whose head was cut off works on for a moment.
        return (await intake.post({**incident(), "time": "no"}, key)).status_code == 503

    await eventually(gone)
    ends = await house.ends()
    async with asyncio.timeout(FIRST_SECONDS_MAX):
        for event in (incident(), [incident(), incident()], incident()):
            assert refused_honestly(await intake.post(event, key))
    assert "database" in (await intake.get("/readyz")).json()["failing"]
    assert refused_honestly(await intake.get(f"/v1/events/{incident()['id']}", key))
    assert await house.ends() == ends

    await revive(own, "postgres")
    await eventually(intake.ready, 30)
    await until_taken(intake, key, incident())


async def test_a_start_without_servers_ends_with_one_sentence(house: House):
    nowhere = {
        "ANXING_KAFKA__CONNECT_DEADLINE_SECONDS": "1",
        "ANXING_DATABASE__CONNECT_DEADLINE_SECONDS": "1",
    }
    wrong = (
        ("ANXING_KAFKA__BOOTSTRAP", f"127.0.0.1:{any_free()}", "ANXING_KAFKA__BOOTSTRAP"),
        ("ANXING_DATABASE__URL", f"postgresql://a:b@127.0.0.1:{any_free()}/c", "ANXING_DATABASE__URL"),
        ("ANXING_KAFKA__PARTITIONS", "6", "partitions"),
        ("ANXING_KAFKA__TOPIC_PREFIX", "nowhere.", "topic"),
        ("ANXING_DOOR__REQUESTS_MAX", "none", "ANXING_DOOR__REQUESTS_MAX"),
    )
    ends = await asyncio.gather(*(_serve(house, {**nowhere, setting: value}) for setting, value, _ in wrong))
    for (code, said), (_, _, named) in zip(ends, wrong, strict=True):
        assert (code, said.count("\n")) == (2, 1), said
        assert named in said


async def _serve(house: House, more: dict[str, str]) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "intake", "serve"),
        env=house.environment(ANXING_HTTP__PORT="0", **more),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, errors.decode()
