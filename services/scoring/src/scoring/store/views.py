"""What pages and programs ask: compounds, their days, rubrics, progress. Reads only, nothing is locked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, tzinfo
from typing import Any, NamedTuple

import asyncpg
from shared.runtime.auth import Scope
from shared.runtime.database import Database
from shared.runtime.records import Partition

from scoring.domain.facts import Day, Fact
from scoring.domain.registry import Registry
from scoring.domain.standing import Step
from scoring.ports import Shown
from scoring.store import ledger, registry, states

ORDERS: Mapping[str, str] = {
    "id": "compound",
    "name": "name, compound",
    "score": "score_milli NULLS LAST, compound",
    "-score": "score_milli DESC NULLS LAST, compound",
    "star": "star NULLS LAST, score_milli NULLS LAST, compound",
    "-star": "star DESC NULLS LAST, score_milli DESC NULLS LAST, compound",
    "-changed": "changed_at DESC, compound",
}
_STATE = """compound, partition, version, day, as_of_day, next_change_day, name, company_id, community_id,
    station_id, changed_at, score_milli, star, dynamic_star, rated, enrolled, shown"""
# An empty scope sees nothing; a name matches anywhere in it.
_SEEN = (
    """($1 OR compound = ANY($2::text[]) OR community_id = ANY($3::text[]) OR station_id = ANY($4::text[]))"""
)
LIST = """
SELECT {state}, count(*) OVER () AS total FROM compound_state
WHERE rubric = $5 AND {seen}
  AND ($6::smallint[] IS NULL OR star = ANY($6::smallint[]))
  AND ($7::text IS NULL OR company_id = $7)
  AND ($8::text IS NULL OR community_id = $8)
  AND ($9::text IS NULL OR station_id = $9)
  AND ($10::text IS NULL OR position(lower($10) IN lower(name)) > 0 OR compound = $10)
ORDER BY {order} OFFSET $11 LIMIT $12
"""
ONE = f"SELECT {_STATE} FROM compound_state WHERE rubric = $1 AND compound = $2"  # noqa: S608 - names are ours
# The step in force at the first day, and those after it.
HISTORY = """
SELECT day, score_milli, star, dynamic_star, up_run, down_run, items
FROM score_step
WHERE compound = $1 AND rubric = $2 AND day <= $4 AND day >= coalesce(
    (SELECT max(day) FROM score_step WHERE compound = $1 AND rubric = $2 AND day <= $3), $3)
ORDER BY day
"""
CURSORS = "SELECT topic, partition, next_offset FROM input_cursor WHERE topic = ANY($1::text[])"
OUTBOX = "SELECT partition, count(*) FROM outbox GROUP BY partition"
# A refold that only waits for its turn is due; facts that wait for a registration may do so for ever.
PENDING = """
SELECT partition, count(*) FROM work WHERE kind <> 'unassigned' OR not_before <= now() GROUP BY partition
"""
RUBRICS = "SELECT name, hash, body, added_at FROM rubric ORDER BY added_at, name"
ORGANISATIONS = """
SELECT DISTINCT ON (kind, id) kind, id, name, parent FROM (
    SELECT kind, organisation AS id, name, parent, effective_from, received_us
    FROM organisation_revision WHERE counted
    UNION ALL
    SELECT 'company', company, name, NULL, effective_from, received_us FROM company_revision WHERE counted
) o
WHERE $1::text IS NULL OR kind = $1
ORDER BY kind, id, effective_from <= $2 DESC, effective_from DESC, received_us DESC
"""


class Listed(NamedTuple):
    """A compound as its state shows it."""

    compound: str
    partition: int
    version: int
    day: date
    as_of_day: date | None
    next_change_day: date | None
    name: str
    company_id: str
    community_id: str
    station_id: str
    changed_at: datetime
    shown: Shown


class Filter(NamedTuple):
    """What a list of compounds is narrowed to; None means everything."""

    stars: tuple[int, ...] | None = None
    company: str | None = None
    community: str | None = None
    station: str | None = None
    name: str | None = None


class Compounded(NamedTuple):
    """All that decides the score of one compound, from one snapshot."""

    registry: Registry
    facts: list[Fact]
    closed: Day | None
    version: int


class Views:
    """Questions of the HTTP routes and the command line, under the active rubric."""

    def __init__(self, database: Database, rubric: str, zone: tzinfo, facts_topic: str) -> None:
        self._pool = database.pool
        self._rubric = rubric
        self._zone = zone
        self._topic = facts_topic

    async def compounds(
        self, scope: Scope, wanted: Filter, *, order: str, offset: int, limit: int
    ) -> tuple[list[Listed], int]:
        """A page of compounds within a scope, and how many there are in all."""
        statement = LIST.format(state=_STATE, seen=_SEEN, order=ORDERS[order])
        rows = await self._pool.fetch(
            statement,
            scope.everything,
            list(scope.compounds),
            list(scope.communities),
            list(scope.stations),
            self._rubric,
            None if wanted.stars is None else list(wanted.stars),
            wanted.company,
            wanted.community,
            wanted.station,
            wanted.name,
            offset,
            limit,
        )
        return [_listed(row) for row in rows], (rows[0]["total"] if rows else 0)

    async def compound(self, compound: str) -> Listed | None:
        """One compound, whatever the scope; None without a state."""
        row = await self._pool.fetchrow(ONE, self._rubric, compound)
        return None if row is None else _listed(row)

    async def compounded(self, compound: str) -> Compounded | None:
        """What decides every day of a compound; None for one that was never registered."""
        async with (
            self._pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            registries = await registry.load(connection, [compound])
            if compound not in registries:
                return None
            facts = await ledger.facts_of(connection, [compound], self._zone)
            row = await connection.fetchrow(
                "SELECT s.version, c.closed_day FROM compound_state s"
                " LEFT JOIN input_cursor c ON c.topic = $3 AND c.partition = s.partition"
                " WHERE s.compound = $1 AND s.rubric = $2",
                compound,
                self._rubric,
                self._topic,
            )
        version, closed = (0, None) if row is None else row
        return Compounded(
            registries[compound],
            facts.get(compound, []),
            None if closed is None else closed.toordinal(),
            version,
        )

    async def closed_day(self, partition: int) -> Day | None:
        """The last closed day of a partition."""
        day = await self._pool.fetchval(
            "SELECT closed_day FROM input_cursor WHERE topic = $1 AND partition = $2", self._topic, partition
        )
        return None if day is None else day.toordinal()

    async def history(self, compound: str, first: date, last: date) -> list[Step]:
        """The step in force on the first day and those after it up to the last."""
        rows = await self._pool.fetch(HISTORY, compound, self._rubric, first, last)
        return [states.read_step(*row) for row in rows]

    async def registry(self, compound: str) -> Registry | None:
        """The registry of a compound."""
        async with self._pool.acquire() as connection:
            return (await registry.load(connection, [compound])).get(compound)

    async def cursors(self, topics: list[str]) -> dict[Partition, int]:
        """How far each partition is read; one that nobody has claimed yet is missing."""
        rows = await self._pool.fetch(CURSORS, topics)
        return {Partition(row[0], row[1]): row[2] for row in rows}

    async def open_work(self) -> tuple[dict[int, int], dict[int, int]]:
        """Rows of the outbox, and rows of work that are due, by partition."""
        async with self._pool.acquire() as connection:
            # Work first: what it becomes meanwhile is then seen in the outbox, never in neither.
            pending = {row[0]: row[1] for row in await connection.fetch(PENDING)}
            outbox = {row[0]: row[1] for row in await connection.fetch(OUTBOX)}
        return outbox, pending

    async def rubrics(self) -> list[asyncpg.Record]:
        """All rubrics, oldest first: name, hash, body, added_at."""
        found: list[asyncpg.Record] = await self._pool.fetch(RUBRICS)
        return found

    async def organisations(self, kind: str | None, day: date) -> list[dict[str, Any]]:
        """Names of organisations and companies as they are on a day."""
        return [dict(row) for row in await self._pool.fetch(ORGANISATIONS, kind, day)]


def _listed(row: asyncpg.Record) -> Listed:
    values: list[Any] = list(row.values())
    return Listed._make([*values[:11], states.read_shown(*values[11:17])])
