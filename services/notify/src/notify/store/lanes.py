"""Lanes and deliveries as workers see them: leased, taken, finished, given back."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from shared.runtime.cursor import Connection
from shared.runtime.outbox import UnorderedRow, append_unordered

from notify.domain.breaker import Breaker, State
from notify.domain.lanes import Bucket, Health
from notify.domain.organisations import RecipientId
from notify.ports import Finished, Lane, SealedSecret, Taken
from notify.store import lane_statements as sql
from notify.store.ingest import DUE_CHANNEL

Announce = Callable[[Finished, Lane], UnorderedRow]
AnnounceSuspended = Callable[[Lane, str, datetime], UnorderedRow]

# PostgreSQL's text cannot hold it, and a receiver may well send it.
_NUL = "\x00"


class Lanes:
    """One transaction on lanes; `worker` is the number under which this process leases."""

    def __init__(
        self, tx: Connection, worker: int, announce: Announce, announce_suspended: AnnounceSuspended
    ) -> None:
        self._tx = tx
        self._worker = worker
        self._announce = announce
        self._announce_suspended = announce_suspended
        self.announced = False
        """Something was put into the outbox."""

    async def now(self) -> datetime:
        now: datetime = await self._tx.fetchval("SELECT clock_timestamp()")
        return now

    async def finish(self, rows: Sequence[Finished]) -> set[int]:
        ended = [row.ended for row in rows]
        answers = [one.sent.answer for one in ended]
        lost = await self._tx.fetch(
            sql.FINISH,
            [one.taken.delivery for one in ended],
            [one.taken.endpoint for one in ended],
            [one.claim for one in ended],
            [one.taken.attempt for one in ended],
            [answer.verdict.value for answer in answers],
            [answer.cause for answer in answers],
            [answer.status for answer in answers],
            [one.seconds for one in ended],
            [one.sent.address for one in ended],
            [_storable(one.sent.response) for one in ended],
            [one.ended_at for one in ended],
            [row.state for row in rows],
            [row.cause for row in rows],
            [row.delay_seconds for row in rows],
        )
        return {row[0] for row in lost}

    async def announce(self, rows: Sequence[Finished], lanes: Mapping[UUID, Lane]) -> None:
        events = [self._announce(row, lanes[row.ended.taken.endpoint]) for row in rows]
        await append_unordered(self._tx, events)
        self.announced = True

    async def suspend(self, lane: Lane, cause: str) -> None:
        await self._tx.execute(sql.SUSPEND, lane.endpoint, cause)
        await self._tx.execute(sql.PARK, lane.endpoint)
        now = await self.now()
        await append_unordered(self._tx, [self._announce_suspended(lane, cause, now)])
        self.announced = True

    async def keep(self, lanes: Sequence[tuple[Lane, Health]], lease_seconds: float) -> set[int]:
        await self._lock(lanes)
        kept = await self._tx.fetch(
            sql.KEEP, *_health_columns([health for _, health in lanes]), *_claims(lanes), lease_seconds
        )
        return {lane.claim for lane, _ in lanes} - {row[0] for row in kept}

    async def release(self, lanes: Sequence[tuple[Lane, Health]], now: datetime) -> None:
        await self._lock(lanes)
        await self._tx.execute(
            sql.RELEASE,
            *_health_columns([health for _, health in lanes]),
            *_claims(lanes),
            [health.blocked_until(now) for _, health in lanes],
        )

    async def lease(
        self, limit: int, lease_seconds: float, *, slow: bool, urgent_only: bool = False
    ) -> list[Lane]:
        rows = await self._tx.fetch(sql.LEASE, limit, lease_seconds, slow, urgent_only, self._worker)
        return [_lane(row) for row in rows]

    async def take(self, wants: Sequence[tuple[Lane, int]], in_hand: Collection[UUID]) -> list[Taken]:
        rows = await self._tx.fetch(
            sql.TAKE,
            [lane.endpoint for lane, _ in wants],
            [count for _, count in wants],
            [lane.claim for lane, _ in wants],
            list(in_hand),
            self._worker,
        )
        return [Taken(*row) for row in rows]

    async def reap(self) -> int:
        freed = await self._tx.fetch(sql.REAP, sql.WORKER_LOCK_CLASS, self._worker)
        if freed:
            await self._tx.execute("SELECT pg_notify($1, '')", DUE_CHANNEL)
        return len(freed)

    async def _lock(self, lanes: Sequence[tuple[Lane, Health]]) -> None:
        """In one order for everybody; the statement after this one sees what the holders before us wrote."""
        await self._tx.execute(sql.LOCK, [lane.endpoint for lane, _ in lanes])


def _storable(text: str | None) -> str | None:
    return None if text is None else text.replace(_NUL, "\ufffd")


def _claims(lanes: Sequence[tuple[Lane, Health]]) -> tuple[list[UUID], list[int]]:
    return [lane.endpoint for lane, _ in lanes], [lane.claim for lane, _ in lanes]


def _health_columns(healths: Sequence[Health]) -> tuple[list[Any], ...]:
    """In the order of `sql.HEALTH_ARRAYS`."""
    return (
        [health.slots for health in healths],
        [health.slow_until for health in healths],
        [health.paused_until for health in healths],
        [health.failing_since for health in healths],
        [health.failures for health in healths],
        [health.bucket.tokens if health.bucket else 0.0 for health in healths],
        [health.bucket.at if health.bucket else None for health in healths],
        [health.breaker.state.value for health in healths],
        [health.breaker.open_until for health in healths],
        [health.breaker.open_seconds for health in healths],
        [health.breaker.window_from for health in healths],
        [health.breaker.attempts for health in healths],
        [health.breaker.failures for health in healths],
        [health.breaker.unreached_run for health in healths],
    )


def health_of(row: Mapping[str, Any] | asyncpg.Record) -> Health:
    """The health columns of a lane row."""
    per_minute = row["rate_per_minute"]
    return Health(
        breaker=Breaker(
            state=State(row["breaker"]),
            open_until=row["open_until"],
            open_seconds=row["open_seconds"],
            window_from=row["window_from"],
            attempts=row["window_attempts"],
            failures=row["window_failures"],
            unreached_run=row["unreached_run"],
        ),
        slots=row["slots"],
        slow_until=row["slow_until"],
        paused_until=row["paused_until"],
        failing_since=row["failing_since"],
        failures=row["failures"],
        bucket=Bucket(per_minute, row["tokens"], row["tokens_at"]) if per_minute else None,
    )


def _lane(row: asyncpg.Record) -> Lane:
    return Lane(
        endpoint=row["endpoint_id"],
        recipient=RecipientId(row["recipient_id"]),
        channel=row["channel"],
        target=row["target"],
        secrets=tuple(
            SealedSecret(number, key_id, ciphertext)
            for number, key_id, ciphertext in zip(
                row["numbers"], row["key_ids"], row["ciphertexts"], strict=True
            )
        ),
        health=health_of(row),
        claim=row["claim"],
    )
