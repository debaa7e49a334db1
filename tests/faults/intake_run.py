"""One run: intake is hurt under load for a while, left in peace until it is at rest, and judged."""

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from intake.topics.credentials import publish
from shared.embedded.servers import Servers
from shared.events.access import AccessScope, Role
from shared.runtime.keys import issue_key
from shared.runtime.settings import KafkaSettings
from shared.runtime.topics import ensure_topics

from tests.eventually import eventually
from tests.faults.findings import Findings
from tests.faults.intake_arena import Arena
from tests.faults.intake_book import DOUBT, RETRY, STORED, TAKEN, Book
from tests.faults.intake_field import OWN, Field, Keys, Rhythm
from tests.faults.intake_posting import Posting, takes_gzip
from tests.faults.intake_reading import Reading, read
from tests.faults.intake_strikes import FREEZE, FREEZE_LONG, KAFKA, KINDS, Pace, hurt
from tests.faults.intake_verdict import judge
from tests.faults.intake_writing import Writing

PARTITIONS = 6
REST_SECONDS_MAX = 60.0
ASKED_AFTER = 300
REFUSED_SECONDS_MAX = 5.0
MEMORY_MB_MAX = 300.0
STATION = "S1"
# What libraries say of servers that are away.
SAID_OF_SERVERS = (
    "Unable connect to ",
    "Unable to update metadata from ",
    "Failed fetch messages from ",
    "Failed to restore the pool connection floor",
)


@dataclass
class Run:
    """What came of a run; `figures` is what is kept of it."""

    figures: dict[str, Any]
    findings: Findings
    troubles: list[str]
    book: Book
    reading: Reading

    @property
    def clean(self) -> bool:
        return self.findings.clean and not self.troubles


async def run(
    servers: Servers,
    url: str,
    folder: Path,
    *,
    seed: int,
    seconds: float,
    pace: Pace | None = None,
    rhythm: Rhythm | None = None,
    calm_seconds: float = 2.0,
) -> Run:
    """Hurt two replicas for so long, after some calm; `url` is a migrated database of intake."""
    kafka = KafkaSettings(
        bootstrap=servers.kafka, topic_prefix=f"faults-intake{seed}.", partitions=PARTITIONS
    )
    await ensure_topics(kafka)
    keys = await _keys(kafka)
    book, chance = Book(), random.Random(seed)
    arena = Arena(servers, kafka, url, folder, book, random.Random(seed + 1))
    begin = time.monotonic()
    try:
        await arena.begin()
        posting = Posting(book, arena.doors, chance)
        try:
            writing = Writing(book, chance)
            posting.zipped = await takes_gzip(
                posting, writing.incident("urn:anxing:device:first"), keys.officer
            )
            await posting.settle(book.contents[-1], keys.officer)
            fighting, over = time.monotonic(), asyncio.Event()
            async with asyncio.TaskGroup() as group:
                field = Field(writing, posting, keys, chance)
                group.create_task(field.live(rhythm or Rhythm(), over))
                await asyncio.sleep(calm_seconds)
                await hurt(arena, pace or Pace(), fighting + seconds)
                over.set()
            fought = time.monotonic() - fighting
            await _rest(arena, posting, writing, keys)
            reading = await read(servers.kafka, kafka.topic_prefix, PARTITIONS, url)
            await _ask(posting, reading, book, keys, chance)
        finally:
            await posting.close()
    finally:
        await arena.close()
    findings, counts = judge(book, reading)
    arena.troubles += [*book.strange[:20], *_bugs(arena)]
    told = Counter(answer.word for content in book.contents for answer in content.answers)
    figures = {
        "faults": {kind: arena.faults[kind] for kind in KINDS},
        "differences": len(findings.differences) + len(arena.troubles),
        "lost": len(findings.lost),
        "repeated": len(findings.repeated),
        "records": len(reading.records),
        "seconds": round(fought, 1),
        "seconds_in_all": round(time.monotonic() - begin, 1),
        "traffic_share": round(_share(book, fought), 3),
        "posts": posting.posts,
        "told": dict(told),
        "batches": len(book.batches),
        "gzip": posting.zipped,
        **counts,
        **_while_kafka_was_away(book),
        "gave_up_while_starting": arena.seen["gave up while starting"],
        "ended_by_itself": arena.seen["ended by itself"],
        "memory_mb_max": max(size for sizes in arena.memory.values() for size in sizes),
        "seed": seed,
    }
    if figures["memory_mb_max"] > MEMORY_MB_MAX:
        arena.troubles.append(f"a replica took {figures['memory_mb_max']} MB")
    return Run(figures, findings, arena.troubles, book, reading)


def _share(book: Book, seconds: float) -> float:
    """Of the seconds, those in which something was stored."""
    stored = {int(answer.end) for content in book.contents for answer in content.told(STORED)}
    return min(1.0, len(stored) / seconds)


async def _keys(kafka: KafkaSettings) -> Keys:
    """Keys that are valid whatever a clock says."""
    now = datetime.now(UTC)

    async def made(name: str, role: Role, scope: AccessScope) -> str:
        text, issued = issue_key(
            credential_id=name,
            actor_id=f"actor-{name}",
            roles=(role,),
            scope=scope,
            valid_from=now - timedelta(days=900),
            organisation=STATION,
        )
        await publish(kafka, issued, now)
        return text

    everything = AccessScope(everything=True)
    return Keys(
        await made("k-officer", "officer", everything),
        await made("k-scoped", "officer", AccessScope(compounds=OWN)),
        await made("k-registrar", "registrar", everything),
    )


async def _rest(arena: Arena, posting: Posting, writing: Writing, keys: Keys) -> None:
    """No more faults: both replicas are ready and take something in."""
    await arena.revive()
    try:
        await eventually(arena.all_ready, REST_SECONDS_MAX)
    except AssertionError:
        arena.troubles.append(f"not ready {REST_SECONDS_MAX} s after the faults")
        return
    for slot in arena.doors:
        answer = await posting.once(writing.incident("urn:anxing:device:last"), keys.officer, slot)
        if answer.word != STORED:
            arena.troubles.append(f"{slot} answered {answer.word} after the faults")


async def _ask(posting: Posting, reading: Reading, book: Book, keys: Keys, chance: random.Random) -> None:
    """Some receipts, through the door."""
    taken = [content for content in book.contents if content.taken]
    for content in chance.sample(taken, min(ASKED_AFTER, len(taken))):
        door = posting.doors[posting.some()]
        async with posting.session.get(
            f"{door}/v1/events/{content.id}",
            params={"source": content.source},
            headers={"authorization": f"Bearer {keys.officer}"},
        ) as response:
            found = response.status == 200
            reading.told[content.identity] = await response.json() if found else {"status": "absent"}


def _bugs(arena: Arena) -> list[str]:
    """What a replica may not log, whatever it made of it; and what is no log at all."""
    found: Counter[str] = Counter()
    for path in sorted(arena.folder.glob("*.log")):
        if any(not line.startswith(b"{") for line in path.read_bytes().splitlines()):
            found[f"{path.name} holds more than a log"] += 1
    for line in arena.crew.said():
        event = line["event"]
        bad = line["level"] in {"error", "critical"} or "exception" in line
        if bad and not event.startswith(SAID_OF_SERVERS):
            found[f"{event} ({line['level']})"] += 1
    return [f"replicas logged {event}: {count} times" for event, count in found.items()]


def _while_kafka_was_away(book: Book) -> dict[str, float | None]:
    """Seconds from the death of Kafka to the first 503, and the longest that any 503 took meanwhile.

    Posts to a replica that stood still are left out: it answers nobody.
    """
    firsts, longest = [], 0.0
    answers = [
        answer
        for answer in {answer for content in book.contents for answer in content.told(*DOUBT, *TAKEN)}
        if answer.word == RETRY and not book.during((FREEZE, FREEZE_LONG), answer.begin, answer.end)
    ]
    for fault in book.faults:
        if fault.kind == KAFKA:
            during = [answer for answer in answers if fault.begin <= answer.end <= fault.end]
            if during:
                firsts.append(min(answer.end for answer in during) - fault.begin)
                longest = max(longest, *(answer.end - answer.begin for answer in during))
    return {
        "first_503_seconds_max": round(max(firsts), 2) if firsts else None,
        "longest_503_seconds": round(longest, 2),
    }


def too_slow(figures: dict[str, Any]) -> list[str]:
    """What a long run also looks at; a loaded machine may miss it in half a minute."""
    if figures["longest_503_seconds"] <= REFUSED_SECONDS_MAX:
        return []
    return [f"a 503 took longer than {REFUSED_SECONDS_MAX} s while Kafka was away"]
