"""Publishes the outbox of the partitions this process owns, in order, to the same partition numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from shared.runtime.clock import Clock
from shared.runtime.cursor import Claim
from shared.runtime.database import Database
from shared.runtime.errors import Rejected
from shared.runtime.logs import get_logger
from shared.runtime.metrics import Metrics
from shared.runtime.outbox.loop import RelayLoop
from shared.runtime.producer import Outgoing, Position, RecordProducer
from shared.runtime.records import Partition
from shared.runtime.tail import Tail

log = get_logger()

PARTITION_ROWS_MAX = 1000
CONTENT_TYPE = "application/cloudevents+json"
NOTHING = Tail(0, 0)

_headers = msgspec.json.Decoder(dict[str, str])

# Each partition alone, so that one with a long backlog does not hold up the rest. `above` skips what this
# relay has already deleted: dead rows at the head of the index would be scanned again each time.
_READ = """
SELECT o.partition, o.seq, o.incarnation, o.topic, o.key, o.value, o.headers, o.created_at
FROM unnest($1::integer[], $2::bigint[]) AS w (partition, above)
CROSS JOIN LATERAL (
    SELECT * FROM outbox WHERE partition = w.partition AND seq > w.above ORDER BY seq LIMIT $3
) AS o
ORDER BY o.partition, o.seq
"""

# Not by sequence alone: while a relay was frozen between publishing and deleting, the database may have gone
# back, and the same numbers under a new incarnation are rows that nobody has published.
_DELETE = """
DELETE FROM outbox o
USING unnest($1::integer[], $2::integer[], $3::bigint[]) AS w (partition, incarnation, upto)
WHERE o.partition = w.partition AND o.incarnation <= w.incarnation AND o.seq <= w.upto
"""


class Relay:
    """Relays the ordered outbox; never waited for by the consumer, never ahead of its commits.

    A crash between publishing and deleting, or a former owner that wakes up, publishes the same rows again
    under the same incarnation and sequence: readers drop what is not above their last.
    """

    def __init__(
        self,
        name: str,
        *,
        producer: RecordProducer,
        database: Database,
        claims: Callable[[], Mapping[Partition, Claim]],
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        """`claims` answers what the consumer owns now: `lambda: consumer.claims`."""
        self._producer = producer
        self._database = database
        self._claims = claims
        self._clock = clock
        self._relayed = metrics.relayed.labels(name)
        self._age = metrics.outbox_age.labels(name)
        # Per partition: up to where this relay has deleted under that very claim. Not by epoch: a database
        # that went back counts epochs and sequences again.
        self._deleted: dict[int, tuple[Claim, Tail]] = {}
        self._loop = RelayLoop(name, self._round)

    def wake(self) -> None:
        """Look now; called by the absorber's `committed`."""
        self._loop.wake()

    async def start(self) -> None:
        """Begin in the background; an outage of either server is waited out."""
        self._loop.start()

    async def stop(self) -> None:
        """Finish the round in hand, or give it up soon: it is done again by the next owner."""
        await self._loop.stop()

    async def _round(self) -> bool:
        rows = await self._read()
        if not rows:
            self._age.set(0)
            return False
        self._age.set(max(0.0, (self._clock.now() - min([row.created_at for row in rows])).total_seconds()))
        answers = await self._producer.send_all([_outgoing(row) for row in rows])
        reached, relayed, failure = _reached(rows, answers)
        if reached:
            await self._database.pool.execute(_DELETE, list(reached), *zip(*reached.values(), strict=True))
            for number, upto in reached.items():
                self._deleted[number] = (self._deleted[number][0], upto)
            self._relayed.inc(relayed)
        if failure is not None:
            raise failure
        # Less than that, and there was no more; what is committed since wakes us.
        return len(rows) >= PARTITION_ROWS_MAX

    async def _read(self) -> list[_Row]:
        known = self._deleted
        self._deleted = {
            number: known[number] if number in known and known[number][0] is claim else (claim, NOTHING)
            for (_, number), claim in self._claims().items()
        }
        if not self._deleted:
            return []
        rows = await self._fetch()
        # Rows of another incarnation than those deleted last: the database has gone back and this process has
        # not heard of it yet. Then what it has deleted may be there again as something else.
        anew = {
            row.partition for row in rows if 0 < self._deleted[row.partition][1].incarnation < row.incarnation
        }
        if anew:
            self._deleted.update((number, (self._deleted[number][0], NOTHING)) for number in anew)
            rows = await self._fetch()
        return rows

    async def _fetch(self) -> list[_Row]:
        above = [upto.sequence for _, upto in self._deleted.values()]
        rows = await self._database.pool.fetch(_READ, list(self._deleted), above, PARTITION_ROWS_MAX)
        return [_Row(*row) for row in rows]


class _Row(NamedTuple):
    """A row of the outbox as `_READ` reads it."""

    partition: int
    seq: int
    incarnation: int
    topic: str
    key: str
    value: bytes
    headers: str
    created_at: datetime


def _reached(
    rows: Sequence[_Row], answers: Sequence[Position | Exception]
) -> tuple[dict[int, Tail], int, Exception | None]:
    """Per partition, up to where every row is acknowledged; how many these are; the first failure, if any."""
    reached: dict[int, Tail] = {}
    relayed = 0
    cut: set[int] = set()
    failure: Exception | None = None
    for row, answer in zip(rows, answers, strict=True):
        number = row.partition
        if isinstance(answer, Exception):
            cut.add(number)
            failure = failure or answer
            if isinstance(answer, Rejected):
                log.error("outbox_row_refused", partition=number, seq=row.seq, code=answer.code)
        elif number not in cut:
            reached[number] = Tail(row.incarnation, row.seq)
            relayed += 1
    return reached, relayed, failure


def _outgoing(row: _Row) -> Outgoing:
    named = _headers.decode(row.headers)
    headers = [] if "content-type" in named else [("content-type", CONTENT_TYPE.encode())]
    headers += [(name, value.encode()) for name, value in named.items()]
    headers += [("incarnation", b"%d" % row.incarnation), ("partition-sequence", b"%d" % row.seq)]
    return Outgoing(row.topic, row.key.encode(), row.value, headers, row.partition)
