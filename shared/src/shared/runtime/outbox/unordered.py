"""Publishes outbox rows that have no sequence: by key, at least once, by one process at a time."""

from __future__ import annotations

import asyncpg
import msgspec

from shared.runtime.database import Database
from shared.runtime.metrics import Metrics
from shared.runtime.outbox.loop import RelayLoop
from shared.runtime.outbox.relay import CONTENT_TYPE
from shared.runtime.producer import Outgoing, Position, RecordProducer

# Held for the transaction of a round, so that a process that dies gives it up at once.
RELAY_LOCK = 0x616E785F6F757462
ROUND_ROWS_MAX = 1000

_READ = "SELECT id, topic, key, value, headers FROM outbox_unordered ORDER BY id LIMIT $1"
_DELETE = "DELETE FROM outbox_unordered WHERE id = ANY($1::bigint[])"


class UnorderedRelay:
    """Relays `outbox_unordered`; rows are published in order of id, repeats are possible after a crash."""

    def __init__(self, name: str, *, producer: RecordProducer, database: Database, metrics: Metrics) -> None:
        self._producer = producer
        self._database = database
        self._relayed = metrics.relayed.labels(name)
        self._loop = RelayLoop(name, self._round)

    def wake(self) -> None:
        """Look now; called after a commit that appended."""
        self._loop.wake()

    async def start(self) -> None:
        """Begin in the background; an outage of either server is waited out."""
        self._loop.start()

    async def stop(self) -> None:
        """Finish the round in hand, or give it up soon: it is done again at the next start."""
        await self._loop.stop()

    async def _round(self) -> bool:
        async with self._database.transaction() as tx:
            if not await tx.fetchval("SELECT pg_try_advisory_xact_lock($1)", RELAY_LOCK):
                return False
            rows = await tx.fetch(_READ, ROUND_ROWS_MAX)
            if not rows:
                return False
            answers = await self._producer.send_all([_outgoing(row) for row in rows])
            done = [row["id"] for row, sent in zip(rows, answers, strict=True) if isinstance(sent, Position)]
            if done:
                await tx.execute(_DELETE, done)
        self._relayed.inc(len(done))
        if len(done) < len(rows):
            raise next(answer for answer in answers if isinstance(answer, Exception))
        return True


def _outgoing(row: asyncpg.Record) -> Outgoing:
    headers = {"content-type": CONTENT_TYPE, **msgspec.json.decode(row["headers"], type=dict[str, str])}
    return Outgoing(
        row["topic"],
        row["key"].encode(),
        row["value"],
        [(name, value.encode()) for name, value in headers.items()],
    )
