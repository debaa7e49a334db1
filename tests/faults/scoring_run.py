"""One run: scoring is hurt under traffic for a while, left in peace until it is at rest, and judged."""

import asyncio
import contextlib
import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.embedded.servers import Servers
from shared.events.topics import FACTS, REGISTRY
from shared.runtime.settings import KafkaSettings
from shared.runtime.topics import ensure_topics

from tests.eventually import eventually
from tests.faults.arena import WORKERS, Arena
from tests.faults.findings import Findings
from tests.faults.notified import Listener
from tests.faults.reading import Reading, read
from tests.faults.strikes import FOR_EVERYTHING, IN_GROUPS, KINDS, Pace, hurt
from tests.faults.traffic import Traffic
from tests.faults.verdict import judge

PARTITIONS = 6
SESSION_MS = 4000
DAY_SECONDS = 4.0
REST_SECONDS_MAX = 180.0
DAYS_AFTER = 45
# What a worker may not log: bugs that it met, whatever it made of them.
BUGS = (
    "consumer_failed",
    "consumer_halted",
    "batch_failed",
    "side_work_failed",
    "relay_failed",
    "committed_failed",
    "database_went_back",
    "outbox_row_refused",
)


@dataclass
class Run:
    """What came of a run; `figures` is what is kept of it."""

    figures: dict[str, Any]
    findings: Findings
    troubles: list[str]
    reading: Reading | None

    @property
    def clean(self) -> bool:
        return self.findings.clean and not self.troubles


async def run(
    servers: Servers,
    url: str,
    notify_url: str,
    folder: Path,
    *,
    seed: int,
    seconds: float,
    everybody: bool,
    pace: Pace | None = None,
    day_seconds: float = DAY_SECONDS,
    days_after: int = DAYS_AFTER,
) -> Run:
    """Hurt three workers for so long; both URLs are of migrated databases, of scoring and of notify."""
    kafka = KafkaSettings(
        bootstrap=servers.kafka,
        topic_prefix=f"faults{seed}.",
        partitions=PARTITIONS,
        session_timeout_ms=SESSION_MS,
    )
    await ensure_topics(kafka)
    listener = Listener(kafka, notify_url, folder / "notify")
    traffic = Traffic(kafka, folder, seed, day_seconds=day_seconds)
    arena = Arena(servers, kafka, url, folder, traffic, everybody, random.Random(seed))
    pace = pace or (FOR_EVERYTHING if everybody else IN_GROUPS)
    begin = time.monotonic()
    try:
        await traffic.start()
        listener.start()
        await arena.begin()
        fighting = time.monotonic()
        over = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(traffic.live(over))
            await hurt(arena, pace, fighting + seconds)
            over.set()
        share = traffic.share
        fought = time.monotonic() - fighting
        await _settle(arena, days_after)
        await arena.dismiss()
        reading = await read(kafka, url)
        reading.notified = await listener.hear_out(reading.outcomes)
        findings, republished = judge(reading)
    finally:
        await arena.close()
        await traffic.stop()
        heard = await listener.close()
    said = arena.crew.events()
    arena.troubles += [f"workers logged {event} {said[event]} times" for event in BUGS if said[event]]
    arena.troubles += listener.troubles
    arena.troubles += [f"notify logged {event} {heard[event]} times" for event in BUGS if heard[event]]
    takeovers = sorted(arena.takeover_seconds)
    figures = {
        "faults": {kind: arena.faults[kind] for kind in KINDS},
        "fenced": said["fenced"],
        "differences": len(findings.differences) + len(arena.troubles),
        "lost": len(findings.lost),
        "repeated": len(findings.repeated),
        "seconds": round(fought, 1),
        "seconds_in_all": round(time.monotonic() - begin, 1),
        "traffic_share": round(share, 3),
        "records": traffic.records,
        "traffic": dict(traffic.life.counts),
        "days": traffic.days,
        "outcomes": len(reading.outcomes),
        "decisions": len(reading.notified["decision"]),
        "republished": republished,
        "in_doubt": said["commit_was_in_doubt"],
        "owners_terminated": said["cursor_locked"],
        "ended_by_itself": arena.seen["ended by itself"],
        "takeover_seconds_median": takeovers[len(takeovers) // 2] if takeovers else None,
        "takeover_seconds_max": takeovers[-1] if takeovers else None,
        "members": "each alone, all claim everything" if everybody else "one group",
        "seed": seed,
    }
    return Run(figures, findings, arena.troubles, reading)


async def _settle(arena: Arena, days_after: int) -> None:
    """No more faults: everything is done; then a new worker goes on for some weeks with what is stored."""
    for name in list(arena.crew.frozen):
        arena.crew.thaw(name)
    await arena.revive()
    await eventually(lambda: not arena.ahead, 30)
    await arena.traffic.finish()
    await arena.traffic.next_day()
    await eventually(lambda: len(arena.crew.at_work()) >= WORKERS, 60)
    await _rest(arena, "after the faults")
    await arena.dismiss()
    await arena.hire()
    for _ in range(days_after):
        await arena.traffic.next_day()
    await _rest(arena, f"{days_after} days after the faults")


async def _rest(arena: Arena, when: str) -> None:
    """Until nothing is left to do; else it is said what."""
    left: list[str] = []

    async def at_rest() -> bool:
        left[:] = await _unrest(arena)
        return not left

    with contextlib.suppress(AssertionError):
        await eventually(at_rest, REST_SECONDS_MAX, every=0.5)
    arena.troubles += [f"{when}, not within {REST_SECONDS_MAX} s: {one}" for one in left]


async def _unrest(arena: Arena) -> list[str]:
    """What is still to be done."""
    found = []
    ends = await arena.traffic.ends((FACTS, REGISTRY))
    rows = await arena.sql.fetch("SELECT topic, partition, next_offset, closed_day FROM input_cursor")
    cursors = {(row[0], row[1]): row[2] for row in rows}
    for place, end in ends.items():
        if cursors.get(place, 0) != end:
            found.append(f"{place} is read up to {cursors.get(place)} of {end}")
    yesterday = arena.traffic.today() - 1
    for topic, partition, _, day in rows:
        if topic == arena.facts and (day is None or day.toordinal() != yesterday):
            found.append(f"partition {partition} is closed through {day}")
    for table in ("outbox", "work"):
        [row] = await arena.sql.fetch(f"SELECT count(*) FROM {table}")
        if row[0]:
            found.append(f"{row[0]} rows in {table}")
    return found
