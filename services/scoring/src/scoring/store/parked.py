"""Parked records: what is asked of them, what became of those tried again, and what was dropped by whom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import asyncpg
from shared.runtime.records import Partition

from scoring.ports import RETRY, RETRY_REGISTRY

# asyncpg's classes are generic in their stubs only.
Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
Transaction: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

ROWS_MAX = 200

_SHOWN = """topic, partition, "offset", code, detail, parked_at, attempts, attempted_at, published_at"""
LIST = f"""
SELECT {_SHOWN} FROM parked WHERE resolved_at IS NULL AND ($1::text IS NULL OR code = $1)
ORDER BY parked_at DESC, topic, partition, "offset" DESC LIMIT $2
"""  # noqa: S608 - names are ours
ONE = f"""
SELECT {_SHOWN}, key, value, headers, timestamp_ms, sha256(value) AS value_sha256 FROM parked
WHERE topic = $1 AND partition = $2 AND "offset" = $3 AND resolved_at IS NULL
"""  # noqa: S608 - names are ours
RESOLVED = """
SELECT topic, partition, "offset", code, detail, parked_at, attempts, resolved_at, resolution, fate, actor,
    reason, value_sha256, value_bytes
FROM parked_resolved WHERE topic = $1 AND partition = $2 AND "offset" = $3
ORDER BY resolved_at DESC LIMIT 1
"""
# All, those of a code, or those at places.
_WANTED = """
p.resolved_at IS NULL AND ($1::boolean OR p.code = $2 OR (p.topic, p.partition, p."offset") IN (
    SELECT * FROM unnest($3::text[], $4::integer[], $5::bigint[])))
"""
ASK = f"""
INSERT INTO work AS w (partition, kind, key, cause)
SELECT p.partition, k.kind, p."offset"::text, $6
FROM parked p JOIN unnest($7::text[], $8::text[]) AS k(topic, kind) ON k.topic = p.topic
WHERE {_WANTED}
ORDER BY 1, 2, 3
ON CONFLICT (partition, kind, key) DO UPDATE SET merged = w.merged + 1, cause = excluded.cause
RETURNING kind, partition, key
"""  # noqa: S608 - names are ours
_KEPT = 'topic, partition, "offset", code, detail, attempts, parked_at, value_sha256, value_bytes'
_FROM_GONE = """topic, partition, "offset", code, detail, attempts + $1, parked_at, sha256(value),
    octet_length(value)"""
COUNTED = f"""
WITH gone AS (
    DELETE FROM parked WHERE topic = $2 AND partition = $3 AND "offset" = $4 AND resolved_at IS NULL
    RETURNING *
)
INSERT INTO parked_resolved ({_KEPT}, resolution, fate, actor)
SELECT {_FROM_GONE}, 'counted', $5, $6 FROM gone
"""  # noqa: S608 - names are ours
STILL_PARKED = """
UPDATE parked SET code = $4, detail = $5, attempts = attempts + 1, attempted_at = now()
WHERE topic = $1 AND partition = $2 AND "offset" = $3 AND resolved_at IS NULL
"""
DROP = f"""
WITH gone AS (DELETE FROM parked p WHERE {_WANTED} RETURNING *)
INSERT INTO parked_resolved ({_KEPT}, resolution, actor, reason)
SELECT {_FROM_GONE.replace("$1", "0")}, 'dropped', $6, $7 FROM gone
RETURNING topic, partition, "offset", code, value_sha256
"""  # noqa: S608 - names are ours
WAITING = """
SELECT count(*) FROM work w
JOIN unnest($1::text[], $2::integer[], $3::text[]) AS a(kind, partition, key) USING (kind, partition, key)
"""


class Place(NamedTuple):
    """Where a record lies: the topic by its full name."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


class Retried(NamedTuple):
    """A parked record that was tried again; `fate` None: it stays parked, for this code and detail."""

    place: Place
    actor: str
    fate: str | None
    code: str = ""
    detail: str = ""

    @property
    def result(self) -> str:
        """For the metrics: counted or parked."""
        return "parked" if self.fate is None else "counted"


class Wanted(NamedTuple):
    """Which parked records: all of them, those of a code, and those at these places."""

    everything: bool = False
    code: str | None = None
    places: Sequence[Place] = ()

    def arguments(self) -> tuple[Any, ...]:
        """The first five arguments of a statement."""
        columns = list(zip(*self.places, strict=True)) or [(), (), ()]
        return self.everything, self.code, *columns


def kinds(facts_topic: str, registry_topic: str) -> dict[str, str]:
    """The kind of work by which records of each topic are tried again."""
    return {facts_topic: RETRY, registry_topic: RETRY_REGISTRY}


async def settle(tx: Transaction, retried: Retried) -> bool:
    """Note what became of it, inside the transaction that counts it.

    False: somebody has dropped or counted it meanwhile, and it must not be counted here.
    """
    if retried.fate is None:
        await tx.execute(STILL_PARKED, *retried.place, retried.code, retried.detail)
        return True
    status: str = await tx.execute(COUNTED, 1, *retried.place, retried.fate, retried.actor)
    return status == "INSERT 0 1"


async def listed(connection: Connection, code: str | None) -> list[asyncpg.Record]:
    """What is parked, the last first, without contents."""
    found: list[asyncpg.Record] = await connection.fetch(LIST, code, ROWS_MAX)
    return found


async def ask_for_retry(
    connection: Connection, wanted: Wanted, actor: str, kind_of: dict[str, str]
) -> list[Place]:
    """Ask the owners of their partitions to try these again; answers the places."""
    topics = {kind: topic for topic, kind in kind_of.items()}
    rows = await connection.fetch(ASK, *wanted.arguments(), actor, list(kind_of), list(kind_of.values()))
    return sorted(Place(topics[kind], partition, int(key)) for kind, partition, key in rows)


async def still_asked(connection: Connection, places: Sequence[Place], kind_of: dict[str, str]) -> int:
    """How many of these nobody has tried yet."""
    count: int = await connection.fetchval(
        WAITING,
        [kind_of[place.topic] for place in places],
        [place.partition for place in places],
        [str(place.offset) for place in places],
    )
    return count


async def find(connection: Connection, place: Place) -> asyncpg.Record | None:
    """The parked record at a place with its contents, else what became of the last one there."""
    return await connection.fetchrow(ONE, *place) or await connection.fetchrow(RESOLVED, *place)


async def drop(connection: Connection, wanted: Wanted, actor: str, reason: str) -> list[asyncpg.Record]:
    """Give these up for good; answers place, code and hash of each."""
    rows: list[asyncpg.Record] = await connection.fetch(DROP, *wanted.arguments(), actor, reason)
    return rows


def partition_of(place: Place) -> Partition:
    """The partition that a place lies in."""
    return Partition(place.topic, place.partition)
