"""Reads tables and topics by itself and says what is lost or doubled."""

from collections import Counter
from dataclasses import dataclass

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from shared.events.topics import FACTS, OUTCOMES, Topic
from shared.runtime.settings import KafkaSettings

Place = tuple[int, int]


@dataclass(frozen=True)
class Audit:
    """Everything empty is what a good run shows."""

    lost: list[Place]
    doubled: list[Place]
    # Partitions whose ledger or outcome sequence has a gap or a repeat.
    ledger_gaps: list[int]
    outcome_gaps: list[int]
    outcomes_lost: list[Place]
    outcomes_doubled: list[Place]

    @property
    def clean(self) -> bool:
        return not any(vars(self).values())


async def audit(kafka: KafkaSettings, url: str) -> Audit:
    facts = await read_all(kafka, FACTS)
    outcomes = effective(await read_all(kafka, OUTCOMES))
    connection = await asyncpg.connect(url)
    try:
        taken = await connection.fetch('SELECT partition, "offset", ledger_seq FROM taken')
        parked = await connection.fetch('SELECT partition, "offset" FROM parked')
    finally:
        await connection.close()
    return judge(
        facts={(r.partition, r.offset) for r in facts},
        taken=[(r[0], r[1], r[2]) for r in taken],
        parked={(r[0], r[1]) for r in parked},
        outcomes=[(r.partition, sequence(r)[1], cause(r)) for r in outcomes],
    )


def judge(
    *,
    facts: set[Place],
    taken: list[tuple[int, int, int]],
    parked: set[Place],
    outcomes: list[tuple[int, int, Place]],
) -> Audit:
    counts = Counter((p, o) for p, o, _ in taken if o >= 0)
    told = Counter(place for _, _, place in outcomes)
    wanted = facts - parked
    return Audit(
        lost=sorted(wanted - counts.keys()),
        doubled=sorted(place for place, n in counts.items() if n > 1 or place not in wanted),
        ledger_gaps=_gaps([(p, seq) for p, _, seq in taken]),
        outcome_gaps=_gaps([(p, seq) for p, seq, _ in outcomes]),
        outcomes_lost=sorted(wanted - told.keys()),
        outcomes_doubled=sorted(place for place, n in told.items() if n > 1 or place not in wanted),
    )


def _gaps(pairs: list[tuple[int, int]]) -> list[int]:
    by_partition: dict[int, list[int]] = {}
    for partition, seq in pairs:
        by_partition.setdefault(partition, []).append(seq)
    return sorted(p for p, seqs in by_partition.items() if sorted(seqs) != list(range(1, len(seqs) + 1)))


def effective(records: list) -> list:
    """What is left when a reader drops everything that is not above the last sequence it has."""
    last: dict[int, tuple[int, int]] = {}
    kept = []
    for record in records:
        if sequence(record) > last.get(record.partition, (0, 0)):
            last[record.partition] = sequence(record)
            kept.append(record)
    return kept


def sequence(record) -> tuple[int, int]:
    headers = dict(record.headers)
    return int(headers["incarnation"]), int(headers["partition-sequence"])


def cause(record) -> Place:
    partition, offset = dict(record.headers)["cause-id"].decode().split("/")
    return int(partition), int(offset)


async def read_all(kafka: KafkaSettings, topic: Topic) -> list:
    """Every record of a topic as it is now, in order of offset per partition."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        name = kafka.name_of(topic)
        count = kafka.partitions if topic.per_compound else 1
        places = [TopicPartition(name, n) for n in range(count)]
        consumer.assign(places)
        starts, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
        for place in places:
            consumer.seek(place, starts[place])
        found = []
        waiting = {p for p in places if starts[p] < ends[p]}
        while waiting:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found.extend(records)
            waiting = {p for p in waiting if await consumer.position(p) < ends[p]}
        return found
    finally:
        await consumer.stop()
