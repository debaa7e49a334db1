"""Rows of work, facts that wait for a registration, and how far days are closed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import TypeAlias

import asyncpg

from scoring.domain.facts import Day
from scoring.handlers.plan import NewWork, Plan
from scoring.ports import REGISTERED, FactsWaiting, WorkItem

# asyncpg's classes are generic in their stubs only.
Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
Transaction: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

CHANNEL = "scoring_work"
"""The trigger on `work` notifies here; owners listen, and poll as well."""

DUE = """
SELECT id, partition, kind, key, merged, from_day, cause FROM work
WHERE partition = ANY($1::integer[]) AND kind = ANY($2::text[])
  AND not_before <= now() - make_interval(secs => $3)
ORDER BY id LIMIT $4
"""
# Added to a row that waits, work is done once; `merged` tells its owner that there is more than it has seen.
ADD = """
INSERT INTO work AS w (partition, kind, key, cause, from_day, not_before)
SELECT partition, kind, key, cause, from_day, now() + make_interval(secs => delay)
FROM unnest($1::integer[], $2::text[], $3::text[], $4::text[], $5::date[], $6::float8[])
    AS n(partition, kind, key, cause, from_day, delay)
ORDER BY partition, kind, key
ON CONFLICT (partition, kind, key) DO UPDATE SET
    merged = w.merged + 1,
    from_day = least(w.from_day, excluded.from_day),
    not_before = least(w.not_before, excluded.not_before),
    cause = excluded.cause
WHERE w.kind <> 'unassigned'
"""
# A company concerns every compound that names it, on whatever day.
ADD_FOR_COMPANIES = """
INSERT INTO work AS w (partition, kind, key, cause)
SELECT DISTINCT ON (c.partition, c.compound) c.partition, $3, c.compound, n.cause
FROM unnest($1::text[], $2::text[]) AS n(company, cause)
JOIN compound_revision c ON c.company = n.company AND c.counted
ORDER BY c.partition, c.compound
ON CONFLICT (partition, kind, key) DO UPDATE SET merged = w.merged + 1, cause = excluded.cause
"""
DONE = """
DELETE FROM work w USING unnest($1::bigint[], $2::integer[]) AS d(id, merged)
WHERE w.id = d.id AND w.merged = d.merged
"""
WAIT = """
INSERT INTO unassigned AS u (partition, compound, facts)
SELECT * FROM unnest($1::integer[], $2::text[], $3::integer[])
ON CONFLICT (compound) DO UPDATE SET facts = u.facts + excluded.facts
"""
WAITING = """
SELECT DISTINCT ON (u.compound) u.compound, l.event_id, l.kind, extract(epoch FROM u.since)
FROM unassigned u JOIN ledger l USING (compound)
WHERE u.compound = ANY($1::text[]) ORDER BY u.compound, l.ledger_seq
"""
CLOSED = "SELECT partition, closed_day FROM input_cursor WHERE topic = $1 AND partition = ANY($2::integer[])"
CLOSE = """
UPDATE input_cursor c SET closed_day = n.day
FROM unnest($2::integer[], $3::date[]) AS n(partition, day)
WHERE c.topic = $1 AND c.partition = n.partition
"""


async def due(
    connection: Connection,
    partitions: Collection[int],
    kinds: Sequence[str],
    waited_seconds: float,
    limit: int,
) -> list[WorkItem]:
    rows = await connection.fetch(DUE, list(partitions), list(kinds), waited_seconds, limit)
    return [
        WorkItem(row[0], row[1], row[2], row[3], row[4], row[5] and row[5].toordinal(), row[6])
        for row in rows
    ]


async def waiting(connection: Connection, compounds: Collection[str]) -> dict[str, FactsWaiting]:
    if not compounds:
        return {}
    rows = await connection.fetch(WAITING, list(compounds))
    return {row[0]: FactsWaiting(row[1], f"anxing.{row[2]}.v1", int(row[3] * 1_000_000)) for row in rows}


async def closed_days(
    connection: Connection, topic: str, partitions: Collection[int]
) -> dict[int, Day | None]:
    rows = await connection.fetch(CLOSED, topic, list(partitions))
    return {row[0]: None if row[1] is None else row[1].toordinal() for row in rows}


async def confirmed_through(connection: Connection) -> Day | None:
    day: date | None = await connection.fetchval("SELECT max(through) FROM day_confirmation")
    return None if day is None else day.toordinal()


async def add(tx: Transaction, rows: Sequence[NewWork]) -> None:
    """Add rows, or merge them into those that wait for the same."""
    if rows:
        columns = zip(
            *(
                (
                    row.partition,
                    row.kind,
                    row.key,
                    row.cause,
                    None if row.from_day is None else date.fromordinal(row.from_day),
                    row.delay_seconds,
                )
                for row in rows
            ),
            strict=True,
        )
        await tx.execute(ADD, *columns)


async def add_for_companies(tx: Transaction, companies: Mapping[str, str]) -> None:
    """A row for every compound of these companies; the values are the ids of the events behind it."""
    if companies:
        await tx.execute(ADD_FOR_COMPANIES, list(companies), list(companies.values()), REGISTERED)


async def write(tx: Transaction, plan: Plan, topic: str) -> None:
    """Write what a plan says about work, waiting facts and closed days."""
    if plan.done:
        await tx.execute(DONE, *zip(*plan.done, strict=True))
    await add(tx, plan.work)
    if plan.unassigned:
        rows = [(*key, count) for key, count in sorted(plan.unassigned.items())]
        await tx.execute(WAIT, *zip(*rows, strict=True))
    if plan.released:
        await tx.execute("DELETE FROM unassigned WHERE compound = ANY($1::text[])", plan.released)
    if plan.closed:
        days = [date.fromordinal(day) for day in plan.closed.values()]
        await tx.execute(CLOSE, topic, list(plan.closed), days)
