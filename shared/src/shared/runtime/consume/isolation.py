"""What follows a bug: the batch is tried again, then halved until the record that fails is alone."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from shared.runtime.backoff import Backoff
from shared.runtime.consume.kinds import Fenced, Halted, Stale, is_away
from shared.runtime.consume.ports import Absorber, Batch
from shared.runtime.consume.writer import InDoubt, Work
from shared.runtime.cursor import Advance, Before, Claim, Connection
from shared.runtime.errors import Rejected
from shared.runtime.logs import get_logger
from shared.runtime.parking import ParkedRecord
from shared.runtime.records import Partition, Record

log = get_logger()

# Of the whole batch, the first failure included: some bugs are races and do not come twice.
TRIES = 3
BUG = "bug"


class _Parking:
    """Writes nothing of its own: the engine parks what is in `parked`."""

    def __init__(self, record: Record, code: str, detail: str) -> None:
        self.advances = (Advance(record.source, record.offset + 1),)
        self.parked = (ParkedRecord(record, code, detail),)

    async def prepare(self, batch: Batch) -> _Parking:
        del batch
        return self

    async def write(self, tx: Connection, prepared: object, before: Mapping[Partition, Before]) -> None:
        del tx, prepared, before

    def forget(self, partitions: object) -> None:
        del partitions

    async def committed(self, prepared: object) -> None:
        del prepared


class Isolation:
    """Works through a failed batch piece by piece, in order, with nothing else in the pipe."""

    def __init__(
        self,
        name: str,
        absorber: Absorber[Any],
        claims: Mapping[Partition, Claim],
        write: Callable[[Work, Any], Awaitable[None]],
        ping: Callable[[], Awaitable[object]],
        interrupted: Callable[[], bool],
    ) -> None:
        """`ping` raises when the database does not answer, which is no bug.

        `interrupted` answers True when there is something more urgent: the rest is read again later.
        """
        self._name = name
        self._absorber = absorber
        self._claims = claims
        self._write = write
        self._ping = ping
        self._interrupted = interrupted

    async def run(self, batch: Batch) -> None:
        """Absorb the batch, but for records that fail alone: these are parked.

        Raises Stale when the cursors do not stand before this batch any more, and what is not a bug.
        """
        for partition, start in batch.starts.items():
            claim = self._claims.get(partition)
            if claim is None or claim.next_offset != start:
                raise Stale
        backoff = Backoff(first_seconds=0.1, cap_seconds=1.0)
        for _ in range(TRIES - 1):
            await asyncio.sleep(backoff.next_seconds())
            if await self._try(batch.records) is None:
                return
        await self._halve(batch.records)

    async def _halve(self, records: Sequence[Record]) -> None:
        if len(records) == 1:
            # A driver may report a lost connection as anything: with the database surely there, once more.
            await self._ping()
            last = await self._try(records)
            if last is not None:
                await self._park(records[0], last)
            return
        middle = len(records) // 2
        for part in (records[:middle], records[middle:]):
            if await self._try(part) is not None:
                await self._halve(part)

    async def _try(self, records: Sequence[Record]) -> Exception | None:
        """The bug, or None when these are committed; what is not a bug is raised."""
        if self._interrupted():
            raise Stale
        claims, starts = self._standing(records)
        batch = Batch(records, claims, starts)
        try:
            prepared = await self._absorber.prepare(batch)
            await self._write(Work.of(batch, self._absorber), prepared)
        except (Fenced, Stale, Halted, InDoubt):
            raise
        except Exception as error:
            self._absorber.forget(claims.keys())
            if is_away(error):
                raise
            return error
        return None

    async def _park(self, record: Record, error: Exception) -> None:
        code, detail = BUG, place_of(error)
        if isinstance(error, Rejected):
            code, detail = error.code, error.detail
        log.error(
            "record_parked",
            consumer=self._name,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            code=code,
            exc_info=error,
        )
        claims, starts = self._standing([record])
        parking = _Parking(record, code, detail)
        await self._write(Work.of(Batch([record], claims, starts), parking), parking)

    def _standing(self, records: Sequence[Record]) -> tuple[dict[Partition, Claim], dict[Partition, int]]:
        claims: dict[Partition, Claim] = {}
        for partition in {record.source for record in records}:
            claim = self._claims.get(partition)
            if claim is None:
                raise Stale
            claims[partition] = claim
        return claims, {partition: claim.next_offset for partition, claim in claims.items()}


def place_of(error: Exception) -> str:
    """Where a bug shows itself, as the detail of what is parked for it."""
    # Without the message: a database puts the values of the row into it.
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {frame.name}, {Path(frame.filename).name}:{frame.lineno}"
