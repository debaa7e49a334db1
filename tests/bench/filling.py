"""Facts without end, always some ahead of the service: `filling BOOTSTRAP PREFIX COMPOUNDS`."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import UTC, datetime
from itertools import count

import asyncpg
from shared.events import topics
from shared.runtime.settings import KafkaSettings

from tests.bench import traffic
from tests.bench.place import fill
from tests.bench.rows.stock import until

CHUNK = 50_000
AHEAD = 150_000
LOOK_SECONDS = 0.5
FIRST_SEED = 5_000_011


async def main(kafka: KafkaSettings, url: str, compounds: list[str]) -> None:
    connection = await asyncpg.connect(url)
    facts = kafka.name_of(topics.FACTS)
    query = "SELECT coalesce(sum(next_offset), 0) FROM input_cursor WHERE topic = $1"
    filled = 0

    async def needed() -> bool:
        return filled - int(await connection.fetchval(query, facts)) < AHEAD

    for seed in count(FIRST_SEED):
        await until(needed, "nothing was absorbed", seconds=LOOK_SECONDS)
        filled += await fill(kafka, facts, traffic.facts(CHUNK, compounds, datetime.now(UTC), seed=seed))


if __name__ == "__main__":
    asyncio.run(
        main(
            KafkaSettings(bootstrap=sys.argv[1], topic_prefix=sys.argv[2]),
            os.environ["SOAKED_URL"],
            traffic.compound_ids(int(sys.argv[3])),
        )
    )
