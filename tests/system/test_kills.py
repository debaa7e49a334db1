"""Each service is killed in the middle of the load; nothing is lost, nothing counted twice."""

import asyncio
import os
import signal
from datetime import UTC, datetime

import asyncpg
import pytest
from shared.demo.audit.evidence import judge
from shared.demo.audit.reader import gather_evidence
from shared.demo.district import build_district
from shared.demo.loading import connect
from shared.demo.reading import Reading
from shared.demo.receiver import Receiver
from shared.demo.sender import Progress, Sender
from shared.demo.story import tell
from shared.embedded.system import RunningSystem
from shared.events import topics
from shared.runtime.settings import KafkaSettings

from tests.eventually import eventually
from tests.system.conftest import Quiet

REST_SECONDS_MAX = 120.0
VICTIMS = ("intake-1", "scoring-1", "notify-1", "scoring-2", "intake-1")


async def shares_are(system: RunningSystem, expected: list[int]) -> bool:
    """How many partitions of the facts each living scoring process owns."""
    connection = await asyncpg.connect(system.run.postgres["scoring"])
    rows = await connection.fetch(
        "SELECT count(*) AS owned FROM input_cursor JOIN pg_stat_activity ON pid = owner_pid"
        " AND backend_start = owner_started WHERE topic = $1 GROUP BY owner_pid ORDER BY 1",
        topics.FACTS.name,
    )
    await connection.close()
    assert [row["owned"] for row in rows] == expected
    return True


@pytest.mark.timeout(400)
async def test_two_scorers_share_and_kills_change_nothing(system: RunningSystem) -> None:
    await eventually(lambda: shares_are(system, [6, 6]), deadline=60)
    district = build_district(seed=7, today=datetime.now(UTC).date(), scale=0.3)
    story = tell(district)
    total = len(story.identities)
    killed: list[str] = []

    def kill_on_the_way(progress: Progress) -> None:
        if len(killed) < len(VICTIMS) and progress.answered > total * (len(killed) + 1) // 6:
            os.kill(system.run.pids[VICTIMS[len(killed)]], signal.SIGKILL)
            killed.append(VICTIMS[len(killed)])

    watch = asyncio.create_task(system.watch(Quiet()))
    try:
        async with (
            Receiver() as receiver,
            Reading(system.run.scoring, system.run.notify, system.run.credential) as reading,
            Sender(
                system.run.intake, system.run.credential, batch_events=40, on_progress=kill_on_the_way
            ) as sender,
        ):
            await connect(district, reading, receiver)
            for part in (story.registry, story.facts, story.late_registry):
                await sender.send(part)
            assert killed == list(VICTIMS)
            assert not sender.refused
            await eventually(lambda: shares_are(system, [6, 6]), deadline=90)
            await reading.rest(REST_SECONDS_MAX)
            kafka = KafkaSettings(bootstrap=system.run.kafka)
            verdict = judge(await gather_evidence(kafka, system.run.postgres, sender.answered))
            assert verdict.clean, "\n".join(map(str, verdict.findings))
            assert verdict.figures["answered"] == total
            assert receiver.refused == 0
    finally:
        watch.cancel()
