"""The fixtures that other tests stand on."""

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from shared.events.topics import FACTS
from shared.runtime.settings import KafkaSettings

from tests.conftest import MakeDatabase


async def test_topics_carry_a_record(kafka: KafkaSettings) -> None:
    topic = kafka.name_of(FACTS)
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, max_request_size=2_000_000) as producer:
        await producer.send_and_wait(topic, b"x" * (1024 * 1024), key=b"C1")
    async with AIOKafkaConsumer(
        topic, bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest", group_id=None
    ) as consumer:
        record = await consumer.getone()
    assert len(record.value or b"") == 1024 * 1024


async def test_databases_are_apart_and_belong_to_their_role(make_database: MakeDatabase) -> None:
    urls = [await make_database(None), await make_database(None)]
    assert len(set(urls)) == 2
    for url in urls:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute("CREATE TABLE mark (a int)")
            superuser = await connection.fetchval(
                "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
            )
        finally:
            await connection.close()
        assert not superuser
