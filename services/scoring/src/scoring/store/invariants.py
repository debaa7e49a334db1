"""What must hold in the tables at any moment, as statements that answer the rows for which it does not."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias

import asyncpg

# asyncpg's classes are generic in their stubs only.
Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"

UNASSIGNED: Final = "anxing.outcome.fact.unassigned.v1"
"""Told of a compound that nobody has registered: the one outcome without a state."""
SHOWN_MAX: Final = 20
"""Rows told of each broken invariant; all are counted."""
SECONDS_MAX: Final = 3600.0
"""A statement looks at every fact of an installation."""

# What was asked for stands in `given`; every statement answers (subject, detail).
_WRAP = """
WITH given AS (
    SELECT $1::text AS topic, $2::text AS rubric, $3::float8 AS patience_seconds, $4::date AS over,
        $5::integer AS partitions
), cursors AS (
    SELECT c.* FROM input_cursor c JOIN given USING (topic)
), broken AS ({statement})
SELECT subject, detail, count(*) OVER () AS total FROM broken ORDER BY subject, detail LIMIT $6
"""

CHECKS: Final[Mapping[str, str]] = MappingProxyType(
    {
        # Every partition is claimed by somebody once anything is.
        "cursors_complete": """
            SELECT 'partition ' || n AS subject, 'has no cursor: nobody reads it' AS detail
            FROM given, generate_series(0, given.partitions - 1) AS n
            WHERE EXISTS (SELECT FROM cursors) AND NOT EXISTS (SELECT FROM cursors c WHERE c.partition = n)
        """,
        # Numbers of facts are given out without gaps, and each has its event.
        "ledger_dense": """
            SELECT 'partition ' || partition AS subject, format(
                'the cursor has given out %s numbers, there are %s events from %s to %s',
                coalesce(c.ledger_seq, 0), coalesce(b.events, 0), b.first, b.last) AS detail
            FROM cursors c FULL JOIN (
                SELECT partition, count(*) AS events, min(ledger_seq) AS first, max(ledger_seq) AS last
                FROM ledger_body GROUP BY partition
            ) b USING (partition)
            WHERE coalesce(c.ledger_seq, 0) <> coalesce(b.events, 0)
               OR coalesce(c.ledger_seq, 0) <> coalesce(b.last, 0) OR b.first <> 1
        """,
        # A fact that counts, or has counted, has its event; no number is used twice.
        "facts_have_events": """
            SELECT format('fact %s/%s', r.partition, r.ledger_seq) AS subject,
                CASE WHEN bool_and(b.partition IS NULL) THEN 'has no event' ELSE 'stands in two rows' END
                AS detail
            FROM (
                SELECT partition, ledger_seq FROM ledger
                UNION ALL SELECT partition, ledger_seq FROM ledger_history
            ) r
            LEFT JOIN ledger_body b USING (partition, ledger_seq)
            GROUP BY r.partition, r.ledger_seq
            HAVING count(*) > 1 OR bool_and(b.partition IS NULL)
        """,
        # What waits to be published ends with the last number given out.
        "outbox_dense": """
            SELECT 'partition ' || partition AS subject, format(
                'the cursor has given out %s, %s outcomes wait from %s to %s',
                coalesce(c.out_seq, 0), o.waiting, o.first, o.last) AS detail
            FROM (
                SELECT partition, count(*) AS waiting, min(seq) AS first, max(seq) AS last
                FROM outbox GROUP BY partition
            ) o LEFT JOIN cursors c USING (partition)
            WHERE o.waiting <> o.last - o.first + 1 OR o.last IS DISTINCT FROM c.out_seq
        """,
        "outbox_young": """
            SELECT 'partition ' || partition AS subject,
                format('outcome %s waits since %s', min(seq), min(created_at)::timestamptz(0)) AS detail
            FROM outbox, given
            GROUP BY partition, given.patience_seconds
            HAVING min(created_at) < now() - make_interval(secs => given.patience_seconds)
        """,
        "work_done": """
            SELECT format('work %s of partition %s', kind, partition) AS subject,
                format('%s is due since %s', key, not_before::timestamptz(0)) AS detail
            FROM work, given WHERE not_before < now() - make_interval(secs => given.patience_seconds)
        """,
        # A partition without any fact has just been begun.
        "days_closed": """
            SELECT 'partition ' || partition AS subject,
                coalesce('is closed through ' || closed_day, 'has no closed day')
                || format(', %s is over', given.over) AS detail
            FROM cursors, given
            WHERE closed_day < given.over OR (closed_day IS NULL AND ledger_seq > 0)
        """,
        # The closing of a day has looked at every compound that it concerns.
        "days_folded": """
            SELECT s.compound AS subject, format(
                'is folded through %s, was to be looked at for %s, its day %s is closed',
                s.as_of_day, s.due_day, c.closed_day) AS detail
            FROM compound_state s JOIN given USING (rubric) JOIN cursors c USING (partition)
            WHERE s.due_day <= c.closed_day + 1 AND s.as_of_day < c.closed_day
        """,
        "states_registered": """
            SELECT s.compound AS subject, 'has a state and was never registered' AS detail
            FROM compound_state s
            WHERE NOT EXISTS (SELECT FROM compound_revision r WHERE r.compound = s.compound AND r.counted)
        """,
        "registered_have_states": """
            SELECT DISTINCT r.compound AS subject, 'is registered, has no state, and no work waits' AS detail
            FROM compound_revision r, given
            WHERE r.counted
              AND NOT EXISTS (
                SELECT FROM compound_state s WHERE s.compound = r.compound AND s.rubric = given.rubric)
              AND NOT EXISTS (
                SELECT FROM work w
                WHERE w.partition = r.partition AND w.kind = 'registered' AND w.key = r.compound)
        """,
        "waiting_facts_released": """
            SELECT u.compound AS subject, format('has a state, and %s facts wait for it', u.facts) AS detail
            FROM unassigned u
            WHERE EXISTS (SELECT FROM compound_state s WHERE s.compound = u.compound)
              AND NOT EXISTS (
                SELECT FROM work w
                WHERE w.partition = u.partition AND w.kind = 'registered' AND w.key = u.compound)
        """,
    }
)

SAMPLE = """
SELECT compound, partition, as_of_day, next_change_day FROM compound_state s
WHERE rubric = $1 AND NOT EXISTS (
    SELECT FROM work w
    WHERE w.partition = s.partition AND w.kind = ANY($2::text[]) AND w.key = s.compound)
ORDER BY hashtextextended(compound, $3), compound LIMIT $4
"""
# Outcomes not yet published; those about facts of an unknown compound are the only ones without a state.
WAITING = """
SELECT key, coalesce(max((event -> 'data' ->> 'version')::bigint), 0), count(*) FROM (
    SELECT key, convert_from(value, 'UTF8')::json AS event FROM outbox
) o
WHERE event ->> 'type' <> $1 GROUP BY key
"""
# Outcomes by compound and the highest version told; what tells none has version 0.
TOLD = """
SELECT o.compound, o.version, s.version AS stored
FROM unnest($1::text[], $2::bigint[]) AS o(compound, version)
LEFT JOIN compound_state s ON s.compound = o.compound AND s.rubric = $3
WHERE s.compound IS NULL OR s.version < o.version
ORDER BY o.compound
"""
# `waits_from`: every number before it must be on the topic.
POSITIONS = """
SELECT c.partition, c.incarnation, c.out_seq, coalesce(min(o.seq), c.out_seq + 1) AS waits_from
FROM input_cursor c LEFT JOIN outbox o USING (partition)
WHERE c.topic = $1 GROUP BY c.partition, c.incarnation, c.out_seq
"""


class Broken(NamedTuple):
    """One thing that does not hold: which invariant, of what, and what is there instead."""

    invariant: str
    subject: str
    detail: str


class Found(NamedTuple):
    """What breaks one invariant: the first rows, and how many there are."""

    broken: list[Broken]
    total: int


class Given(NamedTuple):
    """What the statements are told: `over` is the last day that must be closed."""

    topic: str
    rubric: str
    patience_seconds: float
    over: date
    partitions: int


class Sampled(NamedTuple):
    """A compound to be computed anew, with the columns of its state that are not read elsewhere."""

    compound: str
    partition: int
    as_of_day: date | None
    next_change_day: date | None


class Position(NamedTuple):
    """Where the outcomes of a partition stand; `waits_from` is the first that may still be unpublished."""

    partition: int
    incarnation: int
    out_seq: int
    waits_from: int


async def check(connection: Connection, name: str, given: Given) -> Found:
    """What breaks one of CHECKS."""
    statement = _WRAP.format(statement=CHECKS[name])
    rows = await connection.fetch(statement, *given, SHOWN_MAX, timeout=SECONDS_MAX)
    return Found([Broken(name, row[0], row[1]) for row in rows], rows[0]["total"] if rows else 0)


async def sample(
    connection: Connection, rubric: str, kinds: list[str], seed: int, count: int
) -> list[Sampled]:
    """Compounds in an order that follows from the seed; those with work of these kinds are left out."""
    rows = await connection.fetch(SAMPLE, rubric, kinds, seed, count, timeout=SECONDS_MAX)
    return [Sampled(*row) for row in rows]


async def waiting(connection: Connection) -> tuple[dict[str, int], int]:
    """The highest version that waits to be told of each compound (0: none), and how many outcomes wait."""
    rows = await connection.fetch(WAITING, UNASSIGNED, timeout=SECONDS_MAX)
    return {row[0]: row[1] for row in rows}, sum(row[2] for row in rows)


async def told_of(
    connection: Connection, versions: Mapping[str, int], rubric: str
) -> list[tuple[str, int, int | None]]:
    """(compound, version told, version stored or None) where the state is older than what was told."""
    rows = await connection.fetch(TOLD, list(versions), list(versions.values()), rubric)
    return [(row[0], row[1], row[2]) for row in rows]


async def positions(connection: Connection, topic: str) -> list[Position]:
    """Where the outcomes of each partition stand."""
    return [Position(*row) for row in await connection.fetch(POSITIONS, topic)]
