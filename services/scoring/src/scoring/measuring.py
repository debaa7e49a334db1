"""What no single event tells, looked at every few seconds: work that waits, what is parked, days behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

from shared.runtime.away import DATABASE_AWAY
from shared.runtime.clock import Clock
from shared.runtime.database import Database
from shared.runtime.logs import get_logger
from shared.runtime.records import Partition

from scoring.handlers.days import Calendar
from scoring.metrics import ScoringMetrics
from scoring.ports import RETRY_REGISTRY

log = get_logger()

EVERY_SECONDS = 5.0

Owned = Callable[[], Collection[Partition]]

WAITING = """
SELECT count(*), coalesce(extract(epoch FROM now() - min(not_before)), 0)::float8
FROM work WHERE partition = ANY($1::integer[]) AND kind <> $2 AND not_before <= now()
"""
PARKED = """
SELECT count(*) FROM parked p
JOIN unnest($1::text[], $2::integer[]) AS o(topic, partition) USING (topic, partition)
WHERE p.resolved_at IS NULL
"""


class Measuring:
    """Sets gauges about the partitions that this process owns, so that all processes add up."""

    def __init__(
        self,
        database: Database,
        calendar: Calendar,
        clock: Clock,
        metrics: ScoringMetrics,
        *,
        facts: Owned,
        registry: Owned,
    ) -> None:
        self._database = database
        self._calendar = calendar
        self._clock = clock
        self._metrics = metrics
        self._facts = facts
        self._registry = registry

    async def run(self) -> None:
        """Look until cancelled; what cannot be asked keeps its last value."""
        while True:
            try:
                await self.look()
            except DATABASE_AWAY:
                log.debug("not_measured")
            except Exception:
                # Gauges that stand still look well: say why, and go on.
                log.exception("not_measured")
            await asyncio.sleep(EVERY_SECONDS)

    async def look(self) -> None:
        """Look once; raises what asyncpg raises."""
        facts, registry = sorted(self._facts()), sorted(self._registry())
        numbers = [place.partition for place in facts]
        async with self._database.pool.acquire() as connection:
            row = await connection.fetchrow(WAITING, numbers, RETRY_REGISTRY)
            for name, places in (("facts", facts), ("registry", registry)):
                columns = list(zip(*places, strict=True)) or [(), ()]
                self._metrics.parked_open.labels(name).set(await connection.fetchval(PARKED, *columns))
        assert row is not None
        self._metrics.pending_work.set(row[0])
        self._metrics.pending_work_oldest.set(row[1])
        self._metrics.days_behind.set(self._calendar.days_behind(numbers, self._clock.now()))
