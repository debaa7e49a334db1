"""Receipts on PostgreSQL keep the same promises as those in memory, and old ones go."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import cycle

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from intake.domain.reservations import FRESH, Barred
from intake.ports import Away
from intake.store.connection import WriterConnection
from intake.store.receipts import RECEIPTS_KEPT, PostgresReceipts
from shared.runtime.database import Database
from shared.runtime.settings import DatabaseSettings

from tests.conftest import MakeDatabase
from tests.eventually import eventually
from tests.unit.intake.naive_heads import STEPS, Step, play
from tests.unit.intake.receipts_suite import MakeReceipts, ReceiptsSuite, correction, one, reservation


@pytest.fixture(scope="module")
async def url(make_database: MakeDatabase) -> str:
    return await make_database("intake")


@pytest.fixture
async def receipts(url: str) -> AsyncIterator[MakeReceipts]:
    database = await Database.open(DatabaseSettings(url=url), application_name="test")
    made: list[PostgresReceipts] = []

    async def make(*, reserved_seconds: float = 60.0) -> PostgresReceipts:
        port = PostgresReceipts(database, reserved_seconds=reserved_seconds)
        await port.start()
        made.append(port)
        return port

    yield make
    for port in made:
        await port.stop()
    await database.close()


@pytest.fixture
async def two_replicas(receipts: MakeReceipts) -> list[PostgresReceipts]:
    return [await receipts() for _ in range(2)]


class TestPostgresReceipts(ReceiptsSuite):
    pass


# Slow where many share a machine, and the fixture keeps nothing between examples: all ids are new.
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS)
async def test_any_run_of_corrections_is_judged_as_by_everything_that_came_before(
    two_replicas: list[PostgresReceipts], steps: list[Step]
):
    turns = cycle(two_replicas)

    async def another_replica() -> PostgresReceipts:
        replica = next(turns)
        # What the other one let go of is written by now.
        for each in two_replicas:
            await each._writer.settle()
        return replica

    await play(steps, another_replica)


async def test_what_was_asked_at_once_is_one_statement(receipts: MakeReceipts):
    port = await receipts()
    wanted = [reservation() for _ in range(300)]
    standings = await asyncio.gather(*(one(port, each) for each in wanted))
    assert standings == [FRESH] * 300
    await asyncio.gather(*(port.complete([(each, offset)]) for offset, each in enumerate(wanted)))
    found = await asyncio.gather(*(port.find(each.id, each.source, "K1") for each in wanted))
    assert [receipt.offset for ((_, receipt),) in found] == list(range(300))


async def test_the_same_ids_in_many_orders_over_many_replicas(receipts: MakeReceipts):
    ports = [await receipts() for _ in range(4)]
    wanted = [reservation() for _ in range(60)]
    orders = [wanted, wanted[::-1], wanted[30:] + wanted[:30], wanted[::2] + wanted[1::2]]
    answers = await asyncio.gather(*(port.reserve(order) for port, order in zip(ports, orders, strict=True)))
    fresh = [
        reservation.id
        for order, standings in zip(orders, answers, strict=True)
        for reservation, standing in zip(order, standings, strict=True)
        if standing is FRESH
    ]
    assert sorted(fresh) == sorted(each.id for each in wanted)


async def test_old_receipts_go_and_their_heads_stay(receipts: MakeReceipts, url: str):
    port = await receipts()
    now = datetime.now(UTC)
    old = reservation(received_at=now - RECEIPTS_KEPT - timedelta(minutes=1))
    young = reservation(received_at=now - RECEIPTS_KEPT + timedelta(minutes=1))
    key = reservation(received_at=old.received_at, has_head=False, kind="credential.issued")
    await port.reserve([old, young, key])
    await port.complete([(old, 1), (young, 2), (key, 3)])
    connection = await asyncpg.connect(url)
    await connection.execute("UPDATE receipt SET deadline = received_at")
    assert await port.forget(now) == 2
    assert await port.forget(now) == 0
    assert await port.find(old.id, None, "K1") == []
    assert len(await port.find(young.id, None, "K1")) == 1
    # Who may correct is still known.
    assert isinstance(await one(port, correction(old, 2, recorder="S2")), Barred)
    assert await one(port, correction(old, 2)) is FRESH
    heads = await connection.fetch("SELECT revision FROM fact_head WHERE root = $1", old.id)
    assert [row["revision"] for row in heads] == [2]
    assert await connection.fetchval("SELECT count(*) FROM fact_head WHERE root = $1", key.id) == 0
    await connection.close()


async def test_a_clock_that_is_years_ahead_forgets_nothing(receipts: MakeReceipts):
    port = await receipts()
    wanted = reservation()
    await port.reserve([wanted])
    await port.complete([(wanted, 1)])
    assert await port.forget(datetime.now(UTC) + timedelta(days=400)) == 0
    assert len(await port.find(wanted.id, None, "K1")) == 1


async def test_who_is_frozen_with_locks_in_its_hands_loses_them(receipts: MakeReceipts, url: str):
    port, original = await receipts(), reservation()
    assert await one(port, original) is FRESH
    assert await one(port, correction(original, 2)) is FRESH
    database = await Database.open(DatabaseSettings(url=url), application_name="test")
    frozen = WriterConnection(database, "frozen")
    await frozen.start()
    async with frozen.use() as connection:
        await connection.execute("BEGIN")
        await connection.execute("UPDATE fact_head SET day = day WHERE root = $1", original.root)

    async def corrected() -> bool:
        try:
            return await one(port, correction(original, 3)) is FRESH
        except Away:
            return False

    await eventually(corrected, 30)
    await eventually(lambda: frozen.open, 30)
    await frozen.close()
    await database.close()
