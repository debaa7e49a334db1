"""Builds real workers on a real database, and puts work into it through the code of the service."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from notify import translate
from notify.channels.file import FileChannel
from notify.channels.guard import Guard
from notify.channels.webhook import WebhookChannel
from notify.domain import identity
from notify.domain.addresses import networks
from notify.domain.audience import Relations
from notify.domain.decide import Action, Decision
from notify.domain.organisations import Kind, Recipient
from notify.domain.policy import Signals
from notify.handlers.dispatch import Dispatcher
from notify.handlers.limits import Limits
from notify.metrics import NotifyMetrics
from notify.ports import Letter, NewDelivery, Notice, Outcome, Plan
from notify.sealing import Sealer, new_key
from notify.store.ingest import write_plan
from notify.store.managing import Manager, NewEndpoint
from notify.store.worker import WorkerStore
from shared.runtime.database import Database
from shared.runtime.metrics import Metrics
from shared.runtime.settings import DatabaseSettings

TOPIC = "anxing.deliveries.v1"
STAR = "anxing.outcome.star.changed.v1"
QUICK = Limits(poll_seconds=0.2, attempt_seconds_max=2.0, lag_check_seconds=0.1)


@dataclass
class Endpoint:
    id: UUID
    recipient: Recipient
    secret: str


@dataclass
class Workshop:
    """One database with what is needed to fill and to empty it."""

    url: str
    database: Database
    sealer: Sealer
    endpoints: int = 0

    async def empty(self) -> None:
        """As after the first migration."""
        tables = await self.value(
            "SELECT string_agg(format('%I', tablename), ', ') FROM pg_tables"
            " WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
        )
        await self.fetch(f"TRUNCATE {tables}")

    async def add_endpoint(self, target: str, channel: str = "webhook", rate: int | None = None) -> Endpoint:
        """A new recipient with one endpoint."""
        self.endpoints += 1
        recipient = Recipient(Kind.COMPANY, f"P{self.endpoints:03d}")
        manager = Manager(self.database, self.sealer, partial(translate.resumed_event, topic=TOPIC))
        wish = NewEndpoint(recipient, channel, target, None, rate)
        endpoint, secret = await manager.create(wish, "test")
        return Endpoint(endpoint, recipient, secret or "")

    async def add_work(self, endpoint: Endpoint, count: int, *, urgent: bool = False) -> list[UUID]:
        """So many notices due now; answers the ids of their deliveries."""
        plan = _plan(endpoint, count, urgent=urgent)
        async with self.database.transaction() as tx:
            await write_plan(tx, plan, "outcomes", {})
        return [delivery.id for delivery in plan.deliveries]

    @asynccontextmanager
    async def worker(
        self, limits: Limits = QUICK, *, total_seconds: float = 1.5, directory: Path | None = None
    ) -> AsyncIterator[Dispatcher]:
        """A dispatcher that runs until the block ends."""
        metrics = NotifyMetrics(Metrics("notify"))
        guard = Guard(networks(["127.0.0.0/8"]), frozenset({443}), metrics)
        webhook = WebhookChannel(guard, self.sealer, lambda: datetime.now(UTC), total_seconds=total_seconds)
        await webhook.start()
        wake = SimpleNamespace(call=lambda: None)
        store = WorkerStore(
            self.database,
            partial(translate.finished_event, topic=TOPIC),
            partial(translate.suspended_event, topic=TOPIC),
            on_due=lambda: wake.call(),  # noqa: PLW0108 - set below
            on_announced=lambda: None,
        )
        channels = {"webhook": webhook, "file": FileChannel(directory or Path("nowhere"))}
        dispatcher = Dispatcher(store, channels, time.monotonic, metrics, limits)
        wake.call = dispatcher.wake
        running = asyncio.create_task(dispatcher.run())
        try:
            yield dispatcher
        finally:
            await dispatcher.stop(0.2)
            await running
            await store.close()
            await webhook.stop()

    async def fetch(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        rows: list[asyncpg.Record] = await self.database.pool.fetch(statement, *arguments)
        return rows

    async def value(self, statement: str, *arguments: Any) -> Any:
        return await self.database.pool.fetchval(statement, *arguments)

    async def states(self) -> dict[str, int]:
        """How many deliveries are in which state."""
        rows = await self.fetch("SELECT state, count(*) FROM delivery GROUP BY state")
        return {row[0]: row[1] for row in rows}

    async def let_time_pass(self, seconds: float) -> None:
        """As if so much time had passed for everything that waits: no test waits for a ladder."""
        await self.fetch(
            "UPDATE delivery_due SET not_before = not_before - make_interval(secs => $1)", seconds
        )
        await self.fetch(
            "UPDATE lane SET next_due = next_due - make_interval(secs => $1),"
            " held_until = CASE WHEN claim IS NULL THEN held_until - make_interval(secs => $1)"
            "   ELSE held_until END,"
            " paused_until = paused_until - make_interval(secs => $1),"
            " open_until = open_until - make_interval(secs => $1),"
            " slow_until = slow_until - make_interval(secs => $1),"
            " window_from = window_from - make_interval(secs => $1),"
            " failing_since = failing_since - make_interval(secs => $1)",
            seconds,
        )


@asynccontextmanager
async def workshop(url: str) -> AsyncIterator[Workshop]:
    """Opens the database of a test."""
    settings = DatabaseSettings(url=url, pool_max=8)
    database = await Database.open(settings, application_name="test")
    try:
        yield Workshop(url, database, Sealer.from_setting(new_key()))
    finally:
        await database.close()


def _plan(endpoint: Endpoint, count: int, *, urgent: bool) -> Plan:
    outcomes, notices = [], []
    decision = Decision(endpoint.recipient, Action.SENT, "test", urgent=urgent)
    for number in range(count):
        outcome = Outcome(
            id=uuid4(),
            type=STAR,
            subject=f"C{number:05d}",
            occurred_at=datetime.now(UTC),
            relations=Relations(company=endpoint.recipient.organisation),
            signals=Signals("star.changed"),
            data=None,
            partition=0,
            offset=number,
        )
        notice = identity.notice_id(outcome.id, endpoint.recipient.id)
        letter = Letter(b'{"type":"test","data":{"number":%d}}' % number, "test")
        outcomes.append(outcome)
        notices.append(Notice(notice, outcome, decision, letter))
    deliveries = [
        NewDelivery(identity.delivery_id(notice.id, endpoint.id), notice, endpoint.id) for notice in notices
    ]
    return Plan(outcomes, [(outcome, decision) for outcome in outcomes], notices, deliveries)
