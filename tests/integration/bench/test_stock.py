"""A stock made past the service is what the service would have stored."""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
from shared.events.topics import FACTS
from shared.runtime.settings import KafkaSettings

from tests.bench import traffic
from tests.bench.place import Place, run_to_end
from tests.bench.proving import differing
from tests.bench.seeding import Size, seed

COMPOUNDS = 120
DUE = """
SELECT count(*) FROM compound_state s JOIN input_cursor c USING (partition)
WHERE s.due_day <= c.closed_day + 2
"""


async def test_a_small_stock_holds_every_invariant(
    kafka: KafkaSettings, make_database: Callable[[str | None], Awaitable[str]], tmp_path: Path
) -> None:
    url = await make_database("scoring")
    # Two workers write ten compounds each; the others are copies.
    size = Size(COMPOUNDS, 10, kafka.partitions, templates=10)
    await seed(url, kafka.name_of(FACTS), size, datetime.now(UTC))

    assert await differing(url, traffic.compound_ids(COMPOUNDS), COMPOUNDS) == []
    place = Place(kafka.bootstrap, url, tmp_path)
    environment = place.environment(kafka, url, ANXING_KAFKA__PARTITIONS=str(kafka.partitions))
    await run_to_end(["scoring", "migrate"], environment)
    # Past days, numbers and relations of all rows as well; days that are over since may wait to be closed.
    told = json.loads(await run_to_end(["scoring", "invariants", "--json", "--sample", "200"], environment))
    assert (told["clean"], told["sampled"]) == (True, COMPOUNDS)


async def test_of_a_large_stock_one_copy_in_twenty_can_change(
    kafka: KafkaSettings, make_database: Callable[[str | None], Awaitable[str]]
) -> None:
    url = await make_database("scoring")
    size = Size(400, 10, kafka.partitions, templates=30, steps=0)
    await seed(url, kafka.name_of(FACTS), size, datetime.now(UTC))
    connection = await asyncpg.connect(url)
    steps = await connection.fetchval("SELECT count(DISTINCT compound) FROM score_step")
    due, facts = await connection.fetchval(DUE), await connection.fetchval("SELECT count(*) FROM ledger")
    await connection.close()

    assert steps == 60
    assert 340 // 20 <= due <= 340 // 20 + 60
    assert 3_000 < facts < 5_000
    assert await differing(url, traffic.compound_ids(400), 100) == []
