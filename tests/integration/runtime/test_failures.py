"""What fails around one consumer: connections, records, code, side work. Always exactly once in the end."""

import asyncio
import contextlib
from collections.abc import Mapping
from urllib.parse import urlsplit

import asyncpg
import pytest
from shared.events.topics import FACTS, PARKED
from shared.runtime.clock import SystemClock
from shared.runtime.consume import Advance, Batch, Claim, Consumer, ParkingLimits, Partition
from shared.runtime.database import Database
from shared.runtime.errors import Retryable, StartupError
from shared.runtime.metrics import Metrics
from shared.runtime.settings import DatabaseSettings, KafkaSettings

from tests.eventually import eventually
from tests.integration.runtime.audit import audit, read_all
from tests.integration.runtime.proxy import CuttingProxy
from tests.integration.runtime.tally import POISON, REJECT, Marks, Tallied, Tally, Worker, fill


def results(worker: Worker, result: str) -> float:
    labels = {"consumer": "tally", "result": result}
    return worker.metrics.registry.get_sample_value("anxing_batches_total", labels) or 0.0


async def absorbed(sql: asyncpg.Connection, wanted: int) -> bool:
    return await sql.fetchval('SELECT count(*) FROM taken WHERE "offset" >= 0') >= wanted


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_connection_lost_during_commit(
    moment: str, kafka: KafkaSettings, url: str, sql: asyncpg.Connection
) -> None:
    async with CuttingProxy(url) as proxy, Worker(kafka, proxy.url, relay=False) as worker:
        await eventually(lambda: worker.consumer.ready)
        await fill(kafka, [(n % 4, b"a") for n in range(8)])
        await eventually(lambda: absorbed(sql, 8))
        proxy.armed = moment
        await fill(kafka, [(0, b"b")])
        await eventually(lambda: proxy.cuts == 1)
        await fill(kafka, [(n % 4, b"c") for n in range(8)])
        await eventually(lambda: absorbed(sql, 17))
        assert results(worker, "in_doubt") == 1
        # Moved means done, and whoever waits for a commit is told of each, once.
        assert sorted(worker.tally.told) == [(p, o) for p in range(4) for o in range(5 if p == 0 else 4)]
        await worker.relay.start()
        await eventually(worker.relay_empty)
    assert (await audit(kafka, url)).clean


async def test_backend_ended_in_the_middle_of_a_batch(
    kafka: KafkaSettings, url: str, sql: asyncpg.Connection
) -> None:
    async with Worker(kafka, url) as worker:
        await eventually(lambda: worker.consumer.ready)

        async def cut(tx: asyncpg.Connection, _prepared: Tallied) -> None:
            worker.tally.on_write = None
            await sql.execute("SELECT pg_terminate_backend($1)", tx.get_server_pid())

        worker.tally.on_write = cut
        await fill(kafka, [(n % 4, b"a") for n in range(40)])
        await eventually(lambda: absorbed(sql, 40))
        await eventually(worker.relay_empty)
        assert worker.tally.on_write is None
    assert (await audit(kafka, url)).clean


async def test_backend_ended_while_idle(kafka: KafkaSettings, url: str, sql: asyncpg.Connection) -> None:
    async with Worker(kafka, url) as worker:
        await eventually(lambda: worker.consumer.ready)
        epochs = {p: c.epoch for p, c in worker.consumer.claims.items()}
        await sql.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name LIKE '%writer%' AND datname = current_database()"
        )
        # Claims belong to a connection: they are taken anew before anything is written.
        await eventually(
            lambda: (
                worker.consumer.ready and all(c.epoch > epochs[p] for p, c in worker.consumer.claims.items())
            )
        )
        await fill(kafka, [(n % 4, b"a") for n in range(8)])
        await eventually(lambda: absorbed(sql, 8))
        await eventually(worker.relay_empty)
    assert (await audit(kafka, url)).clean


async def test_waits_while_the_database_is_away(
    kafka: KafkaSettings, url: str, sql: asyncpg.Connection, servers
) -> None:
    name = urlsplit(url).path[1:]
    admin = await asyncpg.connect(servers.postgres)
    async with Worker(kafka, url) as worker:
        await eventually(lambda: worker.consumer.ready)
        await fill(kafka, [(n % 4, b"a") for n in range(20)])
        await eventually(lambda: absorbed(sql, 20))
        await admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> $2",
            name,
            sql.get_server_pid(),
        )
        await fill(kafka, [(n % 4, b"b") for n in range(20)])
        await eventually(lambda: not worker.consumer.ready and worker.consumer.paused)
        assert worker.fatal == []
        await admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        await eventually(lambda: absorbed(sql, 40), 30)
        await eventually(lambda: worker.consumer.ready)
        await eventually(worker.relay_empty)
    await admin.close()
    assert (await audit(kafka, url)).clean


async def test_what_can_be_tried_again_is(kafka: KafkaSettings, url: str, sql: asyncpg.Connection) -> None:
    tries = 0
    async with Worker(kafka, url) as worker:

        async def away(_batch: Batch) -> None:
            nonlocal tries
            tries += 1
            if tries <= 3:
                raise Retryable("something we lean on is away")

        worker.tally.on_prepare = away
        await fill(kafka, [(n % 4, b"a") for n in range(10)])
        await eventually(lambda: absorbed(sql, 10))
        await eventually(worker.relay_empty)
        assert results(worker, "retried") == 3
        assert await sql.fetchval("SELECT count(*) FROM parked") == 0
    assert (await audit(kafka, url)).clean


async def test_what_a_failed_write_was_prepared_from_is_forgotten(
    kafka: KafkaSettings, url: str, sql: asyncpg.Connection
) -> None:
    failed: list[Tallied] = []
    async with Worker(kafka, url) as worker:

        async def away(_tx: asyncpg.Connection, prepared: Tallied) -> None:
            if len(failed) < 3:
                failed.append(prepared)
                raise Retryable("something we lean on is away")

        worker.tally.on_write = away
        await fill(kafka, [(n % 4, b"a") for n in range(10)])
        await eventually(lambda: absorbed(sql, 10))
        await eventually(worker.relay_empty)
        # The tally sees to it that what it has in memory fits what comes next.
        assert results(worker, "failed") == 0
    assert (await audit(kafka, url)).clean


async def test_a_poisonous_record_is_found_and_parked(
    kafka: KafkaSettings, url: str, sql: asyncpg.Connection
) -> None:
    values = [(n % 4, POISON if n in {13, 50} else b"%d" % n) for n in range(100)]
    async with Worker(kafka, url) as worker:
        await fill(kafka, values)
        await eventually(lambda: absorbed(sql, 98), 30)
        await eventually(worker.relay_empty)

        async def announced() -> bool:
            return len(await read_all(kafka, PARKED)) == 2

        await eventually(announced)
        assert worker.fatal == []
    rows = await sql.fetch('SELECT partition, "offset", code, detail, value FROM parked ORDER BY 1, 2')
    assert [(r[0], r[1], r[2]) for r in rows] == [(1, 3, "bug"), (2, 12, "bug")]
    assert all(r["value"] == POISON and "RuntimeError" in r["detail"] for r in rows)
    announced_first = min(await read_all(kafka, PARKED), key=lambda r: dict(r.headers)["parked-offset"])
    headers = dict(announced_first.headers)
    assert announced_first.value == POISON
    assert headers["parked-code"] == b"bug"
    assert headers["parked-partition"] in {b"1", b"2"}
    assert (await audit(kafka, url)).clean


async def test_a_bug_in_writing_is_isolated_too(
    kafka: KafkaSettings, url: str, sql: asyncpg.Connection
) -> None:
    async with Worker(kafka, url) as worker:

        async def fails(_tx: asyncpg.Connection, prepared: Tallied) -> None:
            assert b"bad" not in {r.value for r in prepared.records}

        worker.tally.on_write = fails
        await fill(kafka, [(n % 4, b"bad" if n == 7 else b"good") for n in range(40)])
        await eventually(lambda: absorbed(sql, 39), 30)
        await eventually(worker.relay_empty)
    assert await sql.fetchval("SELECT count(*) FROM parked WHERE code = 'bug'") == 1
    assert (await audit(kafka, url)).clean


async def test_a_bug_that_does_not_come_twice_parks_nothing(
    kafka: KafkaSettings, url: str, sql: asyncpg.Connection
) -> None:
    async with Worker(kafka, url) as worker:

        async def fails_once(_batch: Batch) -> None:
            worker.tally.on_prepare = None
            raise RuntimeError("a race")

        worker.tally.on_prepare = fails_once
        await fill(kafka, [(n % 4, b"a") for n in range(40)])
        await eventually(lambda: absorbed(sql, 40), 30)
        await eventually(worker.relay_empty)
    assert await sql.fetchval("SELECT count(*) FROM parked") == 0
    assert (await audit(kafka, url)).clean


async def test_rejected_records_are_parked_and_the_rest_goes_on(
    kafka: KafkaSettings, url: str, sql: asyncpg.Connection
) -> None:
    async with Worker(kafka, url) as worker:
        await fill(kafka, [(n % 4, REJECT if n % 10 == 3 else b"%d" % n) for n in range(100)])
        await eventually(lambda: absorbed(sql, 90))
        await eventually(worker.relay_empty)
    assert await sql.fetchval("SELECT count(*) FROM parked WHERE code = 'refused'") == 10
    assert (await audit(kafka, url)).clean


async def test_too_many_rejects_stop_the_consumer_again_and_again(
    kafka: KafkaSettings, url: str, sql: asyncpg.Connection
) -> None:
    # A bad deploy rejects everything; a process that is restarted must not park a bit more each time.
    limits = ParkingLimits(run_max=5, share_max=0.5, window=20)
    await fill(kafka, [(0, b"good")] * 3 + [(0, REJECT)] * 12)
    for _ in range(3):
        async with Worker(kafka, url, limits=limits, batch_records_max=2) as worker:
            await eventually(lambda: worker.consumer.trouble)
            assert "5 records in a row were rejected" in worker.consumer.trouble
            assert not worker.consumer.ready
            # The process is of more use alive: it shows what is parked.
            assert worker.fatal == []
        assert await sql.fetchval("SELECT count(*) FROM parked") < 5
    # The next deploy is a good one.
    async with Worker(kafka, url, limits=ParkingLimits(run_max=100), batch_records_max=2) as worker:

        async def all_parked() -> bool:
            return await sql.fetchval("SELECT count(*) FROM parked") == 12

        await eventually(all_parked)
        await eventually(worker.relay_empty)
    assert (await audit(kafka, url)).clean


async def test_bytes_of_any_kind_are_no_trouble(
    kafka: KafkaSettings, url: str, sql: asyncpg.Connection
) -> None:
    async with Worker(kafka, url) as worker:
        await eventually(lambda: worker.consumer.ready)
        topic = kafka.name_of(FACTS)
        headers = [("odd", b"\xff\x00\xfe"), ("reply_to", topic.encode())]
        await worker.producer.send(topic, REJECT, key=b"\xff\x00", partition=0, headers=headers)
        await worker.producer.send(topic, None, key=b"C1", partition=0)
        await eventually(lambda: absorbed(sql, 1))

        async def announced() -> bool:
            return len(await read_all(kafka, PARKED)) == 1

        await eventually(announced)
        parked = (await read_all(kafka, PARKED))[0]
        assert parked.key == b"\xff\x00"
        assert dict(parked.headers)["odd"] == b"\xff\x00\xfe"
        await eventually(worker.relay_empty)


async def test_side_work_takes_its_turn(kafka: KafkaSettings, url: str, sql: asyncpg.Connection) -> None:
    marks = Marks(fails=1)
    async with Worker(kafka, url, side_work=marks) as worker:
        await eventually(lambda: worker.consumer.ready)
        marks.left = 5
        await fill(kafka, [(n % 4, b"a") for n in range(100)])
        worker.consumer.wake()
        await eventually(lambda: marks.done == 5, 30)
        await eventually(lambda: absorbed(sql, 100))
        await eventually(worker.relay_empty)
    assert await sql.fetchval('SELECT count(*) FROM taken WHERE "offset" = -1') == 20
    assert (await audit(kafka, url)).clean


class Jobs:
    """Side work that finds what to do in a table, as real side work does."""

    async def prepare(self, claims: Mapping[Partition, Claim]) -> Tallied | None:
        self.job = await self.sql.fetchval("SELECT min(id) FROM job")
        return self.job and Tallied([], [], [Advance(p, None) for p in list(claims)[:1]])

    async def write(self, tx: asyncpg.Connection, prepared: Tallied, _before: object) -> None:
        assert prepared.advances
        await tx.execute("WITH done AS (DELETE FROM job WHERE id = $1) INSERT INTO did VALUES ($1)", self.job)
        await tx.execute("SELECT pg_sleep(0.02)")

    async def committed(self, _prepared: Tallied) -> None:
        pass


async def test_side_work_finds_everything_before_it_committed(
    kafka: KafkaSettings, url: str, sql: asyncpg.Connection
) -> None:
    await sql.execute("CREATE TABLE job (id integer); CREATE TABLE did (id integer)")
    jobs = Jobs()
    jobs.sql = await asyncpg.connect(url)
    async with Worker(kafka, url, side_work=jobs, batch_records_max=3) as worker:
        await fill(kafka, [(n % 4, b"a") for n in range(20)])
        await eventually(lambda: absorbed(sql, 20))
        await sql.execute("INSERT INTO job SELECT generate_series(1, 20)")
        worker.consumer.wake()

        async def all_done() -> bool:
            return await sql.fetchval("SELECT count(*) FROM job") == 0

        await eventually(all_done)
        await eventually(worker.relay_empty)
    await jobs.sql.close()
    assert [r[0] for r in await sql.fetch("SELECT id FROM did ORDER BY id")] == list(range(1, 21))


async def test_a_dead_coordination_task_is_fatal(kafka: KafkaSettings, url: str) -> None:
    async with Worker(kafka, url) as worker:
        await eventually(lambda: worker.consumer.ready)
        worker.consumer._log._consumer._coordinator._coordination_task.cancel()
        await eventually(lambda: worker.fatal)
        assert not worker.consumer.ready


async def test_a_broker_that_is_not_there_is_said_in_one_sentence(url: str) -> None:
    nowhere = KafkaSettings(bootstrap="127.0.0.1:1", connect_deadline_seconds=2.0)
    database = await Database.open(DatabaseSettings(url=url), application_name="t")
    consumer = Consumer(
        "t",
        settings=nowhere,
        topic=FACTS,
        group="t",
        database=database,
        absorber=Tally("outcomes"),
        clock=SystemClock(),
        metrics=Metrics("t"),
        on_fatal=lambda _: None,
    )
    with pytest.raises(StartupError, match="does not answer"):
        await consumer.start()
    await consumer.stop()
    await database.close()


async def test_stopping_is_quick_and_loses_nothing(
    kafka: KafkaSettings, url: str, sql: asyncpg.Connection
) -> None:
    for turn in range(4):
        # Fresh records for each turn: a quick worker may have taken all of the turn before.
        await fill(kafka, [(n % 4, b"%d" % n) for n in range(turn * 400, turn * 400 + 400)])
        worker = await Worker(kafka, url, batch_records_max=10).start()
        await eventually(lambda tally=worker.tally: tally.committed_batches >= 3, 60)
        async with asyncio.timeout(20):
            await worker.stop()
    async with Worker(kafka, url) as worker:
        await eventually(lambda: absorbed(sql, 1600))
        await eventually(worker.relay_empty)
    assert (await audit(kafka, url)).clean


async def test_a_batch_that_waits_lets_the_process_stop(kafka: KafkaSettings, url: str) -> None:
    worker = await Worker(kafka, url).start()
    blocked = asyncio.Event()

    async def for_ever(_batch: Batch) -> None:
        blocked.set()
        await asyncio.Event().wait()

    worker.tally.on_prepare = for_ever
    await fill(kafka, [(0, b"a")])
    await asyncio.wait_for(blocked.wait(), 15)
    with contextlib.suppress(asyncio.CancelledError):
        async with asyncio.timeout(30):
            await worker.stop()
    assert worker.fatal == []
