"""Relays on a real database, with a producer that can be told to fail: what is deleted was acknowledged."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

import asyncpg
import pytest
from shared.runtime import outbox, parking
from shared.runtime.clock import SystemClock
from shared.runtime.consume import Before, Claim, ParkedRecord, Partition, Record
from shared.runtime.database import Database
from shared.runtime.errors import Rejected, Retryable
from shared.runtime.metrics import Metrics
from shared.runtime.outbox import OutboxRow, Relay, UnorderedRelay, UnorderedRow
from shared.runtime.parking import ParkedRelay
from shared.runtime.producer import Outgoing, Position
from shared.runtime.settings import DatabaseSettings

from tests.eventually import eventually

Answer = Position | Retryable | Rejected
IN = [Partition("facts", n) for n in range(3)]


class Producer:
    """Notes what it is given and answers as told."""

    def __init__(self, answer: Callable[[Outgoing], Answer] | None = None) -> None:
        self.sent: list[Outgoing] = []
        self.answer = answer or (lambda _record: Position(0, 0))

    async def send_all(self, records: Sequence[Outgoing]) -> list[Answer]:
        answers = [self.answer(record) for record in records]
        self.sent += [r for r, a in zip(records, answers, strict=True) if isinstance(a, Position)]
        return answers


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    opened = await Database.open(DatabaseSettings(url=url), application_name="relays")
    yield opened
    await opened.close()


def row(partition: int, value: bytes) -> OutboxRow:
    return OutboxRow(partition, "outcomes", f"C{partition}", value, f"cause-{value.decode()}", {"extra": "e"})


async def append(sql: asyncpg.Connection, rows: list[OutboxRow], out_seq: int = 0) -> None:
    async with sql.transaction():
        await outbox.append(sql, rows, {p: Before(0, out_seq, 5) for p in IN})


def relay(database: Database, producer: Producer, claims: dict[Partition, Claim]) -> Relay:
    return Relay(
        "outcomes",
        producer=producer,  # type: ignore[arg-type]
        database=database,
        claims=lambda: claims,
        clock=SystemClock(),
        metrics=Metrics("t"),
    )


def owning(*numbers: int) -> dict[Partition, Claim]:
    return {IN[n]: Claim(IN[n], 1, 0, 0, 0, 5) for n in numbers}


async def left(sql: asyncpg.Connection) -> list[tuple[int, int]]:
    return [tuple(r) for r in await sql.fetch("SELECT partition, seq FROM outbox ORDER BY 1, 2")]


async def test_relays_in_order_to_the_same_partition_with_its_numbers(
    database: Database, sql: asyncpg.Connection
) -> None:
    await append(sql, [row(1, b"a"), row(0, b"b"), row(1, b"c")], out_seq=7)
    producer = Producer()
    working = relay(database, producer, owning(0, 1))
    await working.start()
    await eventually(lambda: len(producer.sent) == 3)
    await eventually(lambda: nothing_left(sql))
    await working.stop()
    ones = [record for record in producer.sent if record.partition == 1]
    assert [record.value for record in ones] == [b"a", b"c"]
    assert dict(ones[1].headers) == {
        "content-type": b"application/cloudevents+json",
        "extra": b"e",
        "cause-id": b"cause-c",
        "incarnation": b"5",
        "partition-sequence": b"9",
    }
    assert (ones[0].topic, ones[0].key) == ("outcomes", b"C1")


async def nothing_left(sql: asyncpg.Connection) -> bool:
    return not await left(sql)


async def test_leaves_the_partitions_of_others_alone(database: Database, sql: asyncpg.Connection) -> None:
    await append(sql, [row(0, b"a"), row(1, b"b")])
    producer = Producer()
    working = relay(database, producer, owning(1))
    await working.start()
    await eventually(lambda: producer.sent)

    async def only_the_other() -> bool:
        return await left(sql) == [(0, 1)]

    await eventually(only_the_other)
    await working.stop()


async def test_deletes_up_to_the_first_record_that_was_not_acknowledged(
    database: Database, sql: asyncpg.Connection
) -> None:
    await append(sql, [row(0, b"%d" % n) for n in range(5)] + [row(1, b"x")])
    fails = True

    def answer(record: Outgoing) -> Answer:
        return Retryable("away") if fails and record.value == b"2" else Position(0, 0)

    producer = Producer(answer)
    working = relay(database, producer, owning(0, 1))
    await working.start()

    async def cut() -> bool:
        return await left(sql) == [(0, 3), (0, 4), (0, 5)]

    await eventually(cut)
    fails = False
    await eventually(lambda: nothing_left(sql))
    await working.stop()
    # What lay behind the failed one comes again, after it: readers drop it, and miss nothing.
    zeros = [record.value for record in producer.sent if record.partition == 0]
    assert zeros[-3:] == [b"2", b"3", b"4"]


async def test_what_was_decided_anew_after_a_fail_over_is_not_deleted_unpublished(
    database: Database, sql: asyncpg.Connection
) -> None:
    await append(sql, [row(0, b"old")])
    publishing, frozen = asyncio.Event(), asyncio.Event()

    class Slow(Producer):
        async def send_all(self, records: Sequence[Outgoing]) -> list[Answer]:
            publishing.set()
            await frozen.wait()
            return await super().send_all(records)

    former, claims = Slow(), owning(0)
    working = relay(database, former, claims)
    await working.start()
    await publishing.wait()
    # Meanwhile the database goes back: claimed anew, it gives the same number under a new incarnation.
    claims.update(owning(0))
    await sql.execute("DELETE FROM outbox")
    async with sql.transaction():
        await outbox.append(sql, [row(0, b"new")], {IN[0]: Before(0, 0, 6)})
    frozen.set()
    await eventually(lambda: len(former.sent) >= 2)
    await working.stop()
    assert [record.value for record in former.sent] == [b"old", b"new"]


async def test_a_relay_that_has_not_heard_of_a_fail_over_skips_nothing(
    database: Database, sql: asyncpg.Connection
) -> None:
    await append(sql, [row(0, b"%d" % n) for n in range(3)])
    producer = Producer()
    working = relay(database, producer, owning(0))
    await working.start()
    await eventually(lambda: len(producer.sent) == 3)
    await eventually(lambda: nothing_left(sql))
    # The database goes back, another process claims, and numbers that this relay has deleted are rows again.
    async with sql.transaction():
        await outbox.append(sql, [row(0, b"%d" % n) for n in range(10, 15)], {IN[0]: Before(0, 0, 6)})
    await eventually(lambda: len(producer.sent) >= 8)
    await eventually(lambda: nothing_left(sql))
    await working.stop()
    assert [record.value for record in producer.sent[3:]] == [b"%d" % n for n in range(10, 15)]


async def test_a_value_no_topic_takes_is_refused_before_the_commit(sql: asyncpg.Connection) -> None:
    with pytest.raises(ValueError, match="larger than"):
        await append(sql, [row(0, b"x" * 1_000_000)])


async def test_numbers_used_again_after_a_new_claim_are_relayed(
    database: Database, sql: asyncpg.Connection
) -> None:
    producer, claims = Producer(), owning(0)
    working = relay(database, producer, claims)
    await append(sql, [row(0, b"a"), row(0, b"b")])
    await working.start()
    await eventually(lambda: nothing_left(sql))
    # The database went back, epochs and all, and says something else under the same number.
    claims.update(owning(0))
    await append(sql, [row(0, b"other")], out_seq=1)
    working.wake()
    await eventually(lambda: nothing_left(sql))
    await working.stop()
    assert [record.value for record in producer.sent] == [b"a", b"b", b"other"]


async def test_unordered_rows_are_relayed_by_one_process(database: Database, sql: asyncpg.Connection) -> None:
    producers = [Producer(), Producer()]
    relays = [
        UnorderedRelay("deliveries", producer=p, database=database, metrics=Metrics("t"))  # type: ignore[arg-type]
        for p in producers
    ]
    async with sql.transaction():
        rows = [UnorderedRow("deliveries", f"C{n}", b"%d" % n, {"h": "v"}) for n in range(20)]
        await outbox.append_unordered(sql, rows)
    for each in relays:
        await each.start()

    async def all_gone() -> bool:
        return await sql.fetchval("SELECT count(*) FROM outbox_unordered") == 0

    await eventually(all_gone)
    for each in relays:
        await each.stop()
    sent = [record for producer in producers for record in producer.sent]
    assert sorted(int(record.value or b"") for record in sent) == list(range(20))
    assert all(record.partition is None and dict(record.headers)["h"] == b"v" for record in sent)


async def test_unordered_rows_that_failed_stay(database: Database, sql: asyncpg.Connection) -> None:
    fails = True

    def answer(record: Outgoing) -> Answer:
        return Retryable("away") if fails and record.value == b"1" else Position(0, 0)

    async with sql.transaction():
        await outbox.append_unordered(sql, [UnorderedRow("d", "C", b"%d" % n) for n in range(3)])
    producer = Producer(answer)
    working = UnorderedRelay("d", producer=producer, database=database, metrics=Metrics("t"))  # type: ignore[arg-type]
    await working.start()

    async def one_left() -> bool:
        return await sql.fetchval("SELECT count(*) FROM outbox_unordered") == 1

    await eventually(one_left)
    fails = False
    await eventually(lambda: len(producer.sent) == 3)
    await working.stop()


async def test_parked_records_are_announced_once_and_stay(
    database: Database, sql: asyncpg.Connection
) -> None:
    huge = Record("facts", 0, 1, b"k", b"huge", (), 0)
    small = Record("facts", 0, 2, None, b"small", (("a", b"\xff"), ("a", b"twice")), 0)
    async with sql.transaction():
        await parking.write(
            sql, [ParkedRecord(huge, "c", "d"), ParkedRecord(small, "c", "nul \0 is refused")]
        )

    def answer(record: Outgoing) -> Answer:
        # It can never be announced, and must not hold up the others.
        return Rejected("too_large", "no") if record.value == b"huge" else Position(0, 0)

    producer = Producer(answer)
    working = ParkedRelay(topic="parked", producer=producer, database=database, metrics=Metrics("t"))  # type: ignore[arg-type]
    await working.start()

    async def all_told() -> bool:
        return await sql.fetchval("SELECT count(*) FROM parked WHERE published_at IS NULL") == 0

    await eventually(all_told)
    await working.stop()
    assert await sql.fetchval("SELECT count(*) FROM parked") == 2
    (record,) = producer.sent
    assert (record.topic, record.key, record.value) == ("parked", b"", b"small")
    headers = list(record.headers)
    assert headers[:2] == [("a", b"\xff"), ("a", b"twice")]
    named = dict(headers[2:])
    assert (named["parked-topic"], named["parked-offset"], named["parked-code"]) == (b"facts", b"2", b"c")
    assert named["parked-service"] == b"t"


async def test_a_record_parked_again_after_a_repair_counts_again(sql: asyncpg.Connection) -> None:
    record = Record("facts", 0, 1, None, b"v", (), 0)
    async with sql.transaction():
        await parking.write(sql, [ParkedRecord(record, "first", "")])
    await sql.execute("UPDATE parked SET published_at = now(), resolved_at = now()")
    assert await parking.recent(sql, IN[0], 0, 10) == set()
    async with sql.transaction():
        await parking.write(sql, [ParkedRecord(record, "second", "")])
    assert await parking.recent(sql, IN[0], 0, 10) == {1}
    assert await sql.fetchval("SELECT code FROM parked WHERE published_at IS NULL") == "second"
