"""Records acknowledged by a real broker."""

import asyncio
import contextlib

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import OutOfOrderSequenceNumber
from shared.events.topics import FACTS, partition_for
from shared.runtime.clock import SystemClock
from shared.runtime.errors import Rejected, Retryable, StartupError
from shared.runtime.metrics import Metrics
from shared.runtime.producer import Outgoing, Position, RecordProducer
from shared.runtime.settings import KafkaSettings

from tests.eventually import eventually


@pytest.fixture
def metrics() -> Metrics:
    return Metrics("test")


@pytest.fixture
async def producer(kafka: KafkaSettings, metrics: Metrics):
    started = RecordProducer(kafka, SystemClock(), metrics)
    await started.start()
    yield started
    await started.stop()


async def everything(kafka: KafkaSettings) -> list:
    """All records of the facts topic, read by a plain consumer, in order within each partition."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        partitions = [TopicPartition(kafka.name_of(FACTS), number) for number in range(kafka.partitions)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning()
        ends = await consumer.end_offsets(partitions)
        records: list = []
        while sum(ends.values()) > len(records):
            for batch in (await consumer.getmany(timeout_ms=1_000)).values():
                records += batch
        return records
    finally:
        await consumer.stop()


async def test_a_record_lies_where_its_key_says(kafka, producer):
    position = await producer.send(
        kafka.name_of(FACTS), b"one", key=b"C00017", headers=[("content-type", b"x")]
    )

    (record,) = await everything(kafka)
    assert position == Position(partition_for(b"C00017", kafka.partitions), 0)
    assert (record.partition, record.offset) == position
    assert (record.key, record.value, record.headers) == (b"C00017", b"one", (("content-type", b"x"),))


async def test_a_given_partition_wins_over_the_key(kafka, producer):
    other = (partition_for(b"C1", kafka.partitions) + 1) % kafka.partitions

    assert (await producer.send(kafka.name_of(FACTS), b"x", key=b"C1", partition=other)).partition == other


async def test_a_group_keeps_its_order_within_each_partition(kafka, producer, metrics):
    topic = kafka.name_of(FACTS)
    outgoing = [Outgoing(topic, b"C%d" % (number % 7), b"%d" % number) for number in range(500)]

    answers = await producer.send_all(outgoing)

    stored = {(record.partition, record.offset): record.value for record in await everything(kafka)}
    assert [stored[answer] for answer in answers] == [each.value for each in outgoing]
    for partition in range(kafka.partitions):
        in_order = [int(value) for place, value in sorted(stored.items()) if place[0] == partition]
        assert in_order == sorted(in_order)
    assert metrics.published.labels(topic)._value.get() == 500


async def test_a_group_with_given_partitions_goes_in_batches_and_keeps_its_order(kafka, producer, metrics):
    topic = kafka.name_of(FACTS)
    # Of the first partition more than one batch takes.
    outgoing = [
        Outgoing(topic, b"k", b"%06d" % number + b"x" * 2_000, [("n", b"%d" % number)], number % 3 // 2)
        for number in range(600)
    ]
    outgoing.insert(300, Outgoing(topic, b"k", b"b" * 1_100_000, (), 0))
    outgoing.insert(200, Outgoing(topic, b"by its key", b"%06d" % 999_999))

    answers = await producer.send_all(outgoing)

    assert [each for each in answers if isinstance(each, Exception)] == [answers[301]]
    assert isinstance(answers[301], Rejected)
    stored = {(record.partition, record.offset): record for record in await everything(kafka)}
    for each, answer in zip(outgoing, answers, strict=True):
        if isinstance(answer, Position):
            assert (stored[answer].value, stored[answer].headers) == (each.value, tuple(each.headers))
    for partition in range(2):
        in_order = [int(r.value[:6]) for place, r in sorted(stored.items()) if place[0] == partition]
        placed = [number for number in in_order if number < 999_999]
        assert placed == sorted(placed)
    assert metrics.published.labels(topic)._value.get() == 601
    assert producer.healthy


async def test_what_is_too_large_is_rejected_and_the_rest_is_stored(kafka, producer):
    topic = kafka.name_of(FACTS)

    first, large, last = await producer.send_all(
        [Outgoing(topic, b"C1", b"a"), Outgoing(topic, b"C1", b"b" * 1_100_000), Outgoing(topic, b"C1", b"c")]
    )

    assert isinstance(large, Rejected)
    assert large.code == "too_large"
    assert [record.value for record in await everything(kafka)] == [b"a", b"c"]
    assert isinstance(first, Position)
    assert isinstance(last, Position)
    assert producer.healthy


async def test_an_empty_group_is_answered_at_once(producer):
    assert await producer.send_all([]) == []


async def test_a_missing_topic_is_told_at_the_deadline_and_costs_nothing(kafka, producer, metrics):
    with pytest.raises(Retryable):
        await producer.send(f"{kafka.topic_prefix}none", b"x", key=b"C1", deadline_seconds=0.3)

    assert (await producer.send(kafka.name_of(FACTS), b"x", key=b"C1")).offset == 0
    assert metrics.producer_rebuilds._value.get() == 0


async def test_a_broken_producer_is_built_anew_and_everybody_is_told(kafka, producer, metrics):
    topic = kafka.name_of(FACTS)
    await producer.send(topic, b"before", key=b"C1")
    lose_sequence_number(producer, topic, partition_for(b"C1", kafka.partitions))

    with pytest.raises(Retryable, match=OutOfOrderSequenceNumber.__name__):
        await producer.send(topic, b"lost", key=b"C1")
    answers = await asyncio.gather(*(producer.send(topic, b"after", key=b"C1") for _ in range(20)))

    assert [answer.offset for answer in answers] == list(range(1, 21))
    assert metrics.producer_rebuilds._value.get() == 1
    assert producer.healthy


async def test_a_batch_of_a_broken_producer_fails_as_a_whole(kafka, producer, metrics):
    topic = kafka.name_of(FACTS)
    await producer.send(topic, b"before", key=b"C", partition=0)
    lose_sequence_number(producer, topic, 0)
    outgoing = [Outgoing(topic, b"C", b"%d" % number, (), number % 2) for number in range(10)]

    answers = await producer.send_all(outgoing)

    assert all(isinstance(answer, Retryable) for answer in answers[::2])
    assert [answer.offset for answer in answers[1::2]] == list(range(5))
    again = await producer.send_all(outgoing[::2])
    assert [answer.offset for answer in again] == list(range(1, 6))
    assert metrics.producer_rebuilds._value.get() == 1


async def test_a_producer_whose_own_work_died_is_built_anew(kafka, producer, metrics, monkeypatch):
    topic = kafka.name_of(FACTS)
    await producer.send(topic, b"before", key=b"C1")

    def broken(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr(producer._link._producer._message_accumulator, "drain_by_nodes", broken)
    with pytest.raises(Retryable):
        await producer.send(topic, b"lost", key=b"C1", deadline_seconds=1.0)
    assert await eventually_sent(producer, topic) == 1
    assert metrics.producer_rebuilds._value.get() == 1


async def test_a_producer_that_is_stuck_while_the_broker_answers_is_built_anew(kafka, metrics):
    impatient = kafka.model_copy(update={"publish_deadline_seconds": 0.5})
    producer = RecordProducer(impatient, SystemClock(), metrics)
    await producer.start()
    topic = kafka.name_of(FACTS)
    await producer.send(topic, b"before", key=b"C1")

    # Its work has ended without a word: no error, and no acknowledgement any more.
    producer._link._producer._sender._sender_task.cancel()
    with pytest.raises(Retryable):
        await producer.send(topic, b"lost", key=b"C1")
    assert await eventually_sent(producer, topic) >= 1
    assert metrics.producer_rebuilds._value.get() == 1
    await producer.stop()


async def eventually_sent(producer: RecordProducer, topic: str) -> int:
    """The offset of the first record that is acknowledged again."""
    offsets: list[int] = []

    async def sent() -> bool:
        with contextlib.suppress(Retryable):
            offsets.append((await producer.send(topic, b"after", key=b"C1")).offset)
        return bool(offsets)

    await eventually(sent)
    return offsets[0]


def lose_sequence_number(producer: RecordProducer, topic: str, partition: int) -> None:
    """What a batch does that fails after its number was taken."""
    manager = producer._link._producer._txn_manager
    manager.increment_sequence_number(TopicPartition(topic, partition), 5)


async def test_after_the_end_nothing_is_sent_and_nobody_waits(kafka):
    ended = RecordProducer(kafka, SystemClock(), Metrics("test"))
    await ended.start()
    await ended.stop()
    tasks = {task for task in asyncio.all_tasks() if "aiokafka" in str(task.get_coro())}

    with pytest.raises(Retryable):
        await ended.send(kafka.name_of(FACTS), b"x", key=b"C1", deadline_seconds=60)
    (answer,) = await ended.send_all([Outgoing(kafka.name_of(FACTS), b"C1", b"x")], deadline_seconds=60)

    assert isinstance(answer, Retryable)
    assert not ended.healthy
    assert not tasks


async def test_what_is_under_way_is_flushed_at_the_end(kafka):
    ending = RecordProducer(kafka, SystemClock(), Metrics("test"))
    await ending.start()
    sends = [
        asyncio.ensure_future(ending.send(kafka.name_of(FACTS), b"x", key=b"C%d" % number))
        for number in range(100)
    ]
    await eventually(lambda: len(ending._link.waiting) > 0, every=0)

    await ending.stop()

    answers = await asyncio.gather(*sends, return_exceptions=True)
    stored = [answer for answer in answers if isinstance(answer, Position)]
    assert len(await everything(kafka)) == len(stored) > 0


async def test_a_broker_that_stays_away_is_one_sentence():
    settings = KafkaSettings(bootstrap="127.0.0.1:1", connect_deadline_seconds=0.5)

    with pytest.raises(StartupError) as error:
        await RecordProducer(settings, SystemClock(), Metrics("test")).start()

    assert error.value.sentence == (
        "Kafka at 127.0.0.1:1 does not answer: start it, or correct ANXING_KAFKA__BOOTSTRAP."
    )
