"""The log is not what the cursor thinks: gaps, truncation, deleted records, a database that went back."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from shared.events.topics import FACTS, OUTCOMES
from shared.runtime.settings import KafkaSettings

from tests.eventually import eventually
from tests.integration.runtime.audit import audit, effective, read_all, sequence
from tests.integration.runtime.tally import Worker, fill


@pytest.fixture
async def admin(kafka: KafkaSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await client.start()
    yield client
    await client.close()


async def test_gaps_in_the_log_are_accepted(kafka: KafkaSettings, url: str, sql: asyncpg.Connection) -> None:
    # Each transaction ends with a marker that takes an offset and is no record.
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, transactional_id=kafka.group("gaps"))
    await producer.start()
    try:
        for turn in range(5):
            async with producer.transaction():
                for n in range(3):
                    await producer.send(kafka.name_of(FACTS), b"%d" % n, key=b"C1", partition=turn % 2)
    finally:
        await producer.stop()
    async with Worker(kafka, url, batch_records_max=2) as worker:

        async def absorbed() -> bool:
            return await sql.fetchval("SELECT count(*) FROM taken") == 15

        await eventually(absorbed)
        await eventually(worker.relay_empty)
        assert worker.fatal == []
    assert (await audit(kafka, url)).clean


async def put_cursor(sql: asyncpg.Connection, kafka: KafkaSettings, partition: int, offset: int) -> None:
    await sql.execute(
        "INSERT INTO input_cursor (topic, partition, next_offset) VALUES ($1, $2, $3)",
        kafka.name_of(FACTS),
        partition,
        offset,
    )


async def test_a_cursor_beyond_the_log_is_fatal(
    kafka: KafkaSettings, url: str, sql: asyncpg.Connection
) -> None:
    await fill(kafka, [(0, b"a")] * 3)
    await put_cursor(sql, kafka, 0, 1000)
    async with Worker(kafka, url) as worker:
        await eventually(lambda: worker.fatal, 30)
        assert "lies outside the log [0, 3]" in str(worker.fatal[0])
        assert not worker.consumer.ready
    assert await sql.fetchval("SELECT count(*) FROM taken") == 0
    assert await sql.fetchval("SELECT next_offset FROM input_cursor WHERE partition = 0") == 1000


async def test_records_deleted_unread_are_fatal(
    kafka: KafkaSettings, url: str, sql: asyncpg.Connection, admin: AIOKafkaAdminClient
) -> None:
    await fill(kafka, [(0, b"a")] * 10)
    await put_cursor(sql, kafka, 0, 2)
    await admin.delete_records({TopicPartition(kafka.name_of(FACTS), 0): RecordsToDelete(before_offset=5)})
    async with Worker(kafka, url) as worker:
        await eventually(lambda: worker.fatal, 30)
        assert "lies outside the log [5, 10]" in str(worker.fatal[0])
    assert await sql.fetchval("SELECT count(*) FROM taken") == 0


async def test_records_deleted_under_a_running_consumer_are_fatal(
    kafka: KafkaSettings, url: str, sql: asyncpg.Connection, admin: AIOKafkaAdminClient
) -> None:
    async with Worker(kafka, url) as worker:
        await eventually(lambda: worker.consumer.ready)
        place = next(p for p in worker.consumer.claims if p.partition == 0)
        worker.consumer._log.pause([place])
        await fill(kafka, [(0, b"a")] * 10)
        await admin.delete_records({TopicPartition(*place): RecordsToDelete(before_offset=5)})
        worker.consumer._log.resume([place])
        await eventually(lambda: worker.fatal, 30)
        assert "lies outside the log [5, 10]" in str(worker.fatal[0])
    assert await sql.fetchval("SELECT count(*) FROM taken") == 0


async def test_a_jump_of_the_position_is_not_taken_for_a_gap(
    kafka: KafkaSettings, url: str, sql: asyncpg.Connection
) -> None:
    async with Worker(kafka, url) as worker:
        await eventually(lambda: worker.consumer.ready)
        place = next(p for p in worker.consumer.claims if p.partition == 0)
        worker.consumer._log.pause([place])
        await fill(kafka, [(0, b"%d" % n) for n in range(10)])
        worker.consumer._log.seek(place, 6)
        worker.consumer._log.resume([place])

        async def absorbed() -> bool:
            return await sql.fetchval("SELECT count(*) FROM taken") == 10

        await eventually(absorbed)
        await eventually(worker.relay_empty)
    assert (await audit(kafka, url)).clean


async def test_positions_of_the_group_do_not_matter(
    kafka: KafkaSettings, url: str, sql: asyncpg.Connection
) -> None:
    await fill(kafka, [(n % 4, b"a") for n in range(40)])
    async with Worker(kafka, url) as worker:
        await eventually(lambda: worker.consumer.ready)
        await eventually(lambda: set(worker.consumer.lag().values()) == {0})
        await eventually(worker.relay_empty)
    # The database is new, and the group's positions say that everything was read.
    await sql.execute("TRUNCATE input_cursor, taken, outbox")
    async with Worker(kafka, url) as worker:

        async def absorbed() -> bool:
            return await sql.fetchval("SELECT count(*) FROM taken") == 40

        await eventually(absorbed)


async def test_a_database_that_went_back_gets_a_new_incarnation(
    kafka: KafkaSettings, url: str, sql: asyncpg.Connection
) -> None:
    await fill(kafka, [(0, b"%d" % n) for n in range(10)])
    async with Worker(kafka, url) as worker:

        async def published() -> bool:
            return len(await read_all(kafka, OUTCOMES)) == 10

        await eventually(published)
        await eventually(worker.relay_empty)
    await sql.execute(
        "UPDATE input_cursor SET next_offset = 6, ledger_seq = 6, out_seq = 6 WHERE partition = 0"
    )
    await sql.execute('DELETE FROM taken WHERE "offset" >= 6')
    async with Worker(kafka, url) as worker:

        async def again() -> bool:
            return len(await read_all(kafka, OUTCOMES)) == 14

        await eventually(again)
        assert (
            worker.metrics.registry.get_sample_value("anxing_incarnations_total", {"consumer": "tally"})
            == 1.0
        )
    outcomes = await read_all(kafka, OUTCOMES)
    assert [sequence(r) for r in outcomes] == [(1, n) for n in range(1, 11)] + [(2, n) for n in range(7, 11)]
    assert effective(outcomes) == outcomes


async def test_what_was_committed_and_not_yet_published_is_remembered_as_well(
    kafka: KafkaSettings, url: str, sql: asyncpg.Connection
) -> None:
    await fill(kafka, [(0, b"%d" % n) for n in range(10)])
    async with Worker(kafka, url, relay=False) as worker:

        async def absorbed() -> bool:
            return await sql.fetchval("SELECT count(*) FROM taken") == 10

        await eventually(absorbed)
        await eventually(lambda: worker.tally.told[-1:] == [(0, 9)])
        # A fail-over to a stand-by that has not received the last commits, while a relay has them in hand.
        async with sql.transaction():
            await sql.execute(
                "UPDATE input_cursor SET next_offset = 6, ledger_seq = 6, out_seq = 6 WHERE partition = 0"
            )
            await sql.execute('DELETE FROM taken WHERE "offset" >= 6')
            await sql.execute("DELETE FROM outbox WHERE seq > 6")
            await sql.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        await eventually(absorbed)
    rows = await sql.fetch("SELECT incarnation, seq FROM outbox WHERE seq > 6 ORDER BY seq")
    assert [tuple(row) for row in rows] == [(2, n) for n in range(7, 11)]


async def test_a_relay_that_dies_before_deleting_repeats_under_the_same_numbers(
    kafka: KafkaSettings, url: str, sql: asyncpg.Connection
) -> None:
    await sql.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'no'; END $$;"
        " CREATE TRIGGER refuse BEFORE DELETE ON outbox FOR EACH ROW EXECUTE FUNCTION refuse()"
    )
    await fill(kafka, [(n % 4, b"%d" % n) for n in range(40)])
    async with Worker(kafka, url):

        async def published() -> bool:
            return len(await read_all(kafka, OUTCOMES)) >= 40

        await eventually(published)
    await sql.execute("DROP TRIGGER refuse ON outbox")
    async with Worker(kafka, url) as worker:
        await eventually(worker.relay_empty)
    outcomes = await read_all(kafka, OUTCOMES)
    assert len(outcomes) >= 80
    content = {(r.partition, sequence(r), r.value) for r in outcomes}
    assert len(content) == 40
    assert (await audit(kafka, url)).clean
