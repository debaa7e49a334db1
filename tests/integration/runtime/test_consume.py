"""One consumer on real servers: everything once, in order, with dense sequences."""

import asyncpg
from shared.events.topics import OUTCOMES
from shared.runtime.settings import KafkaSettings

from tests.eventually import eventually
from tests.integration.runtime.audit import audit, read_all
from tests.integration.runtime.tally import Worker, fill


async def test_absorbs_everything_once_and_publishes_it(kafka: KafkaSettings, url: str) -> None:
    await fill(kafka, [(n % 4, b"%d" % n) for n in range(200)])
    async with Worker(kafka, url, batch_records_max=30) as worker:
        await eventually(lambda: worker.consumer.ready)
        await fill(kafka, [(n % 4, b"%d" % n) for n in range(200, 300)])

        async def published() -> bool:
            return len(await read_all(kafka, OUTCOMES)) == 300

        await eventually(published)
        assert worker.fatal == []
        assert set(worker.consumer.lag().values()) == {0}
        assert worker.owned() == {0, 1, 2, 3}
    assert (await audit(kafka, url)).clean


async def test_goes_on_where_it_stopped(kafka: KafkaSettings, url: str, sql: asyncpg.Connection) -> None:
    for start in (0, 50):
        await fill(kafka, [(n % 4, b"%d" % n) for n in range(start, start + 50)])
        async with Worker(kafka, url):

            async def absorbed(wanted: int = start + 50) -> bool:
                return await sql.fetchval("SELECT count(*) FROM taken") == wanted

            await eventually(absorbed)
    async with Worker(kafka, url) as worker:
        await eventually(lambda: worker.consumer.ready)
        await eventually(worker.relay_empty)
    assert (await audit(kafka, url)).clean
