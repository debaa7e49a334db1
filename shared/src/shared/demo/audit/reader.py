"""Reads topics and tables for an audit: plain SQL and a plain consumer, no code of any service."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from shared.demo.audit.evidence import EventKey, Evidence, Sequence
from shared.events import topics
from shared.events.topics import Topic, partitions_of
from shared.runtime.settings import KafkaSettings

READ_MILLISECONDS_MAX = 5_000
"""How long a partition may stay silent before its announced end is called missing."""


async def gather_evidence(
    kafka: KafkaSettings, databases: Mapping[str, str], answered: Collection[EventKey]
) -> Evidence:
    """Everything `judge` compares, of a system that has come to rest.

    `databases` holds the addresses of `scoring` and `notify`; `answered` what the sender was told is
    stored. Raises what asyncpg and aiokafka raise.
    """
    on_topic: Counter[EventKey] = Counter()
    for topic in (topics.FACTS, topics.REGISTRY):
        async for record in _records(kafka, topic):
            event = _event(record)
            on_topic[event["source"], event["id"]] += 1

    published: Counter[Sequence] = Counter()
    ids: defaultdict[Sequence, set[str]] = defaultdict(set)
    audience: dict[str, frozenset[str]] = {}
    async for record in _records(kafka, topics.OUTCOMES):
        event = _event(record)
        headers = {name: value.decode() for name, value in record.headers}
        sequence = (int(headers["incarnation"]), record.partition, int(headers["partition-sequence"]))
        published[sequence] += 1
        ids[sequence].add(event["id"])
        audience[event["id"]] = frozenset(
            f"{kind}:{organisation}"
            for kind, organisation in event["data"]["relations"].items()
            if organisation
        )

    facts, outcomes = kafka.name_of(topics.FACTS), kafka.name_of(topics.OUTCOMES)
    scoring = await asyncpg.connect(databases["scoring"])
    notify = await asyncpg.connect(databases["notify"])
    try:
        return Evidence(
            answered=frozenset(answered),
            on_topic=on_topic,
            counted=Counter((row[0], row[1]) for row in await scoring.fetch(_COUNTED)),
            given_out={
                row[0]: (row[1], row[2])
                for row in await scoring.fetch(
                    "SELECT partition, incarnation, out_seq FROM input_cursor WHERE topic = $1", facts
                )
            },
            published=published,
            published_ids={sequence: frozenset(found) for sequence, found in ids.items()},
            consumed={
                row[0]: (row[1], row[2])
                for row in await notify.fetch(
                    "SELECT DISTINCT ON (partition) partition, incarnation, sequence FROM source_position"
                    " WHERE topic = $1 ORDER BY partition, incarnation DESC",
                    outcomes,
                )
            },
            consumed_ids=Counter(
                str(row[0]) for row in await notify.fetch("SELECT event_id FROM inbox_event")
            ),
            audience=audience,
            decided=Counter(
                (str(row[0]), row[1])
                for row in await notify.fetch("SELECT outcome_id, recipient_id FROM decision")
            ),
            parked={
                "scoring": await scoring.fetchval(_PARKED),
                "notify": await notify.fetchval(_PARKED),
            },
        )
    finally:
        await scoring.close()
        await notify.close()


_COUNTED = """
    SELECT source, event_id FROM ledger
    UNION ALL SELECT source, event_id FROM ledger_history
    UNION ALL SELECT source, event_id FROM compound_revision
    UNION ALL SELECT source, event_id FROM company_revision
    UNION ALL SELECT source, event_id FROM organisation_revision
"""
_PARKED = "SELECT count(*) FROM parked WHERE resolved_at IS NULL"


def _event(record: ConsumerRecord[Any, Any]) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(record.value or b"{}")
    return event


async def _records(kafka: KafkaSettings, topic: Topic) -> AsyncIterator[ConsumerRecord[Any, Any]]:
    """Every record of a topic up to the ends seen at the start."""
    # Earliest by setting and not by a seek: a seek races with the reset that `assign` has begun.
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka.bootstrap, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        name = kafka.name_of(topic)
        partitions = [TopicPartition(name, p) for p in range(partitions_of(topic, kafka.partitions))]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        for partition in partitions:
            while await consumer.position(partition) < ends[partition]:
                fetched = await consumer.getmany(partition, timeout_ms=READ_MILLISECONDS_MAX)
                if not fetched:
                    raise RuntimeError(f"{name}/{partition.partition} ends before {ends[partition]}")
                for record in fetched[partition]:
                    yield record
    finally:
        await consumer.stop()
