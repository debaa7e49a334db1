"""The CloudEvents SDK, an independent reader, understands every frozen sample."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_kafka
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from shared.events.catalogue import CATALOGUE, kafka_key, lookup
from shared.events.envelope import CONTENT_TYPE, decode_envelope

SCHEMAS = Path(__file__).parents[2] / "shared" / "schemas"


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_sdk_reads_the_sample_as_we_do(name: str) -> None:
    raw = (SCHEMAS / f"{name}.sample.json").read_bytes()
    event = JSONFormat().read(CloudEvent, raw)
    ours = decode_envelope(raw)
    assert (event.get_id(), event.get_source(), event.get_type(), event.get_subject(), event.get_time()) == (
        ours.id,
        ours.source,
        ours.type,
        ours.subject,
        ours.time,
    )
    assert event.get_data() == json.loads(bytes(ours.data))


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_sdk_reads_our_kafka_record(name: str) -> None:
    raw = (SCHEMAS / f"{name}.sample.json").read_bytes()
    key = kafka_key(lookup(name), decode_envelope(raw))
    message = KafkaMessage(headers={"content-type": CONTENT_TYPE.encode()}, key=key.encode(), value=raw)
    event = from_kafka(message, JSONFormat(), CloudEvent)
    assert event.get_type() == name
