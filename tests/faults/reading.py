"""What an outsider finds when all is done: every record of the topics and every row of the tables."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

import asyncpg
from aiokafka.structs import ConsumerRecord
from shared.events.topics import FACTS, OUTCOMES, REGISTRY
from shared.runtime.settings import KafkaSettings

from tests.integration.runtime.audit import read_all

Row = dict[str, Any]


class Told(NamedTuple):
    """A record of a topic."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass
class Reading:
    """Topics and tables at rest; tables are lists of rows, those of scoring where nothing else is said."""

    partitions: int
    facts_topic: str
    registry_topic: str
    facts: list[Told]
    registry: list[Told]
    outcomes: list[Told]
    tables: dict[str, list[Row]] = field(default_factory=dict)
    notified: dict[str, list[Row]] = field(default_factory=dict)
    """Tables of notify."""

    def closed_day(self, partition: int) -> date:
        """The last closed day of a partition; one without a cursor is taken for one like the others."""
        cursors = [row for row in self.tables["input_cursor"] if row["topic"] == self.facts_topic]
        own = [row for row in cursors if row["partition"] == partition]
        day: date = (own or cursors)[0]["closed_day"]
        return day


TABLES = (
    "input_cursor",
    "ledger",
    "ledger_history",
    "ledger_body",
    "incident",
    "hazard",
    "compound_state",
    "score_step",
    "outbox",
    "work",
    "unassigned",
    "compound_revision",
    "company_revision",
    "parked",
)


async def read(kafka: KafkaSettings, url: str) -> Reading:
    """Everything, by a plain consumer and a plain connection."""
    told: dict[str, list[Told]] = {}
    for topic in (FACTS, REGISTRY, OUTCOMES):
        told[topic.name] = [_told(record) for record in await read_all(kafka, topic)]
    found = Reading(
        kafka.partitions,
        kafka.name_of(FACTS),
        kafka.name_of(REGISTRY),
        *(told[topic.name] for topic in (FACTS, REGISTRY, OUTCOMES)),
    )
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            for table in TABLES:
                found.tables[table] = [dict(row) for row in await connection.fetch(f"SELECT * FROM {table}")]
    finally:
        await connection.close()
    return found


def ends(told: list[Told]) -> dict[int, int]:
    """The offset after the last record of each partition that holds any."""
    found: dict[int, int] = {}
    for one in told:
        found[one.partition] = max(found.get(one.partition, 0), one.offset + 1)
    return found


def _told(record: ConsumerRecord) -> Told:
    return Told(record.partition, record.offset, record.key, record.value, tuple(record.headers))
