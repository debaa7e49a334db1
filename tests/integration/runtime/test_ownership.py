"""Many owners: sharing, taking over, fencing, frozen ones."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest
from shared.events.topics import FACTS
from shared.runtime import cursor
from shared.runtime.consume import Batch
from shared.runtime.consume.kinds import Fenced
from shared.runtime.consume.writer import Work, Writer
from shared.runtime.cursor import Step
from shared.runtime.database import Database
from shared.runtime.records import Partition, Record
from shared.runtime.settings import DatabaseSettings, KafkaSettings

from tests.eventually import eventually
from tests.integration.runtime.audit import audit
from tests.integration.runtime.tally import Tally, Worker, fill

PROGRAM = Path(__file__).with_name("tally.py")


async def count(sql: asyncpg.Connection, wanted: int) -> bool:
    return await sql.fetchval('SELECT count(*) FROM taken WHERE "offset" >= 0') >= wanted


def spawn(kafka: KafkaSettings, url: str, name: str) -> subprocess.Popen[bytes]:
    given = json.dumps({"kafka": kafka.model_dump(), "url": url, "name": name})
    return subprocess.Popen([sys.executable, str(PROGRAM), given])


async def test_two_members_share_the_partitions(
    make_kafka: Callable[..., Awaitable[KafkaSettings]], url: str
) -> None:
    kafka = await make_kafka(partitions=12)
    async with Worker(kafka, url, name="a") as a:
        await eventually(lambda: len(a.owned()) == 12)
        async with Worker(kafka, url, name="b") as b:
            await eventually(lambda: len(a.owned()) == len(b.owned()) == 6, 30)
            assert a.owned() | b.owned() == set(range(12))
            await fill(kafka, [(n % 12, b"%d" % n) for n in range(120)])
            await eventually(lambda: a.tally.committed_batches and b.tally.committed_batches)
        await eventually(lambda: len(a.owned()) == 12, 30)
        await eventually(lambda: sum(p.cursor for p in a.consumer.progress().values()) == 120)
        await eventually(a.relay_empty)
    assert (await audit(kafka, url)).clean


async def test_takes_over_from_a_killed_process(
    make_kafka: Callable[..., Awaitable[KafkaSettings]], url: str, sql: asyncpg.Connection
) -> None:
    kafka = await make_kafka(partitions=4, session_timeout_ms=6000)
    victim = spawn(kafka, url, "victim")
    try:
        await fill(kafka, [(n % 4, b"%d" % n) for n in range(100)])
        await eventually(lambda: count(sql, 20), 30)
        async with Worker(kafka, url, name="heir") as heir:
            await eventually(lambda: len(heir.owned()) == 2, 30)
            victim.send_signal(signal.SIGKILL)
            await fill(kafka, [(n % 4, b"%d" % n) for n in range(100, 200)])
            await eventually(lambda: len(heir.owned()) == 4, 30)
            await eventually(lambda: count(sql, 200), 30)
            await eventually(heir.relay_empty)
    finally:
        victim.kill()
        victim.wait()
    assert (await audit(kafka, url)).clean


async def test_an_owner_frozen_in_a_transaction_is_ended(
    kafka: KafkaSettings, url: str, sql: asyncpg.Connection
) -> None:
    await fill(kafka, [(0, b"%d" % n) for n in range(10)])
    place = Partition(kafka.name_of(FACTS), 0)
    frozen = await asyncpg.connect(url)
    claim = await cursor.claim(frozen, place, await cursor.whoami(frozen))
    transaction = frozen.transaction()
    await transaction.start()
    assert await cursor.advance(frozen, [Step(place, claim.epoch, 0, 10, 10, 10)])
    async with Worker(kafka, url) as worker:
        await eventually(lambda: count(sql, 10), 30)
        await eventually(worker.relay_empty)
        assert (
            worker.metrics.registry.get_sample_value(
                "anxing_backends_terminated_total", {"consumer": "tally"}
            )
            == 1.0
        )
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await transaction.commit()
    assert (await audit(kafka, url)).clean


async def test_only_the_recorded_backend_is_ended(url: str) -> None:
    place = Partition("t", 0)
    owner, other = await asyncpg.connect(url), await asyncpg.connect(url)
    me = await cursor.whoami(owner)
    await cursor.claim(owner, place, me._replace(started=me.started.replace(year=2000)))
    # The pid is another backend's by now: its start tells.
    assert not await cursor.terminate_owner(other, place)
    assert await owner.fetchval("SELECT 1") == 1
    await owner.close()
    await other.close()


async def test_a_fenced_owner_commits_nothing_and_comes_back(
    make_kafka: Callable[..., Awaitable[KafkaSettings]], url: str, sql: asyncpg.Connection
) -> None:
    kafka = await make_kafka(partitions=4, session_timeout_ms=6000)
    async with Worker(kafka, url) as worker:
        await eventually(lambda: worker.consumer.ready)
        await fill(kafka, [(n % 4, b"a") for n in range(20)])
        await eventually(lambda: count(sql, 20))
        # Somebody claims partition 0 and dies before the group hears of it.
        thief = await asyncpg.connect(url)
        await cursor.claim(thief, Partition(kafka.name_of(FACTS), 0), await cursor.whoami(thief))
        await thief.close()
        await fill(kafka, [(n % 4, b"b") for n in range(20)])
        await eventually(lambda: count(sql, 35))
        assert worker.owned() == {1, 2, 3}
        assert not worker.consumer.ready
        await eventually(lambda: count(sql, 40), 30)
        await eventually(lambda: worker.consumer.ready)
        await eventually(worker.relay_empty)
        assert (
            worker.metrics.registry.get_sample_value(
                "anxing_batches_total", {"consumer": "tally", "result": "fenced"}
            )
            == 1.0
        )
    assert (await audit(kafka, url)).clean


async def test_a_batch_with_one_fenced_partition_writes_nothing(url: str, sql: asyncpg.Connection) -> None:
    database = await Database.open(DatabaseSettings(url=url), application_name="half")
    writer = Writer("half", database, lambda: None)
    await writer.connect()
    places = [Partition("t", 0), Partition("t", 1)]
    claims = {p: await cursor.claim(writer.connection, p, writer.owner) for p in places}
    await cursor.claim(sql, places[1], await cursor.whoami(sql))
    batch = Batch(
        [Record(*place, 0, None, b"v", (), 0) for place in places], claims, dict.fromkeys(places, 0)
    )
    tally = Tally("outcomes")
    with pytest.raises(Fenced) as fenced:
        await writer.write(Work.of(batch, tally), await tally.prepare(batch))
    assert fenced.value.partitions == {places[1]}
    assert await sql.fetchval("SELECT count(*) FROM taken") == 0
    assert {c.next_offset for c in (await cursor.read(sql, places)).values()} == {0}
    assert {c.next_offset for c in claims.values()} == {0}
    await writer.close()
    await database.close()


async def test_compare_and_set_moves_a_cursor_once(url: str, sql: asyncpg.Connection) -> None:
    places = [Partition("t", n) for n in (1, 0)]
    me = await cursor.whoami(sql)
    claims = [await cursor.claim(sql, place, me) for place in places]
    steps = [Step(c.partition, c.epoch, 0, 5, 3, 2) for c in claims]
    moved = await cursor.advance(sql, steps)
    assert moved.keys() == set(places)
    assert {(b.ledger_seq, b.out_seq, b.incarnation) for b in moved.values()} == {(0, 0, 1)}
    assert await cursor.advance(sql, steps) == {}
    # Half of a batch is nothing of a batch: the caller sees which one is missing and rolls back.
    half = [steps[0]._replace(old_offset=5, new_offset=6), steps[1]]
    assert (await cursor.advance(sql, half)).keys() == {places[0]}
    claim = await cursor.claim(sql, places[0], me)
    assert (claim.epoch, claim.next_offset, claim.ledger_seq, claim.out_seq) == (2, 6, 6, 4)


async def test_two_transactions_lock_in_the_same_order(url: str) -> None:
    a, b = await asyncpg.connect(url), await asyncpg.connect(url)
    places = [Partition("t", n) for n in range(8)]
    me = await cursor.whoami(a)
    epochs = {p: (await cursor.claim(a, p, me)).epoch for p in places}

    async def once(connection: asyncpg.Connection, order: list[Partition], turn: int) -> int:
        async with connection.transaction():
            moved = await cursor.advance(
                connection, [Step(p, epochs[p], turn, turn + 1, 0, 0) for p in order]
            )
            await asyncio.sleep(0)
            return len(moved)

    for turn in range(30):
        # A deadlock would raise.
        results = await asyncio.gather(once(a, places, turn), once(b, places[::-1], turn))
        assert sorted(results) == [0, 8]
    await a.close()
    await b.close()
