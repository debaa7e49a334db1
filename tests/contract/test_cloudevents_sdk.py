"""The CloudEvents SDK, an independent one: it reads every sample, and what it posts is taken."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cloudevents.core.bindings.http import to_binary, to_structured
from cloudevents.core.bindings.kafka import KafkaMessage, from_kafka
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from shared.events.catalogue import CATALOGUE, kafka_key, lookup
from shared.events.envelope import BATCH_CONTENT_TYPE, CONTENT_TYPE, decode_envelope

from tests.contract.served import Served, served

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


@pytest.fixture(scope="module")
def place() -> Iterator[Served]:
    with served() as serving:
        yield serving


def made() -> CloudEvent:
    """An event of the SDK's own making, with an attribute that we do not know and text that is not ASCII."""
    attributes = {
        "id": str(uuid.uuid4()),
        "source": "urn:anxing:device:sdk",
        "type": "anxing.hazard.rectified.v1",
        "subject": "C00017",
        "time": datetime.now(UTC),
        "datacontenttype": "application/json",
        "colour": '红 "1"',
    }
    return CloudEvent(attributes, {"hazard_id": "H-1", "reason": "灯已换"})


def published(place: Served, event_id: str) -> dict:
    """The record of that id, as the SDK reads it from Kafka."""
    (value,) = [value for _, value in place.log.records if json.loads(value)["id"] == event_id]
    message = KafkaMessage(headers={"content-type": CONTENT_TYPE.encode()}, key=b"C00017", value=value)
    event = from_kafka(message, JSONFormat(), CloudEvent)
    return {**event.get_attributes(), "data": event.get_data()}


@pytest.mark.parametrize("write", [to_structured, to_binary])
def test_what_the_sdk_posts_is_taken(place: Served, write) -> None:
    event = made()
    message = write(event, JSONFormat())
    with place.client as client:
        first = client.post("/v1/events", content=message.body, headers=message.headers)
        again = client.post("/v1/events", content=message.body, headers=message.headers)
    assert (first.status_code, again.status_code) == (202, 200), first.text
    stored = published(place, event.get_id())
    assert stored["data"] == event.get_data()
    assert event.get_attributes().items() <= stored.items()


def test_a_batch_of_the_sdk_is_taken(place: Served) -> None:
    events = [made() for _ in range(3)]
    body = b"[" + b",".join(JSONFormat().write(event) for event in events) + b"]"
    with place.client as client:
        answer = client.post("/v1/events", content=body, headers={"content-type": BATCH_CONTENT_TYPE})
    assert answer.status_code == 202, answer.text
    assert [item["status"] for item in answer.json()["items"]] == ["stored"] * 3
    for event in events:
        assert published(place, event.get_id())["data"] == event.get_data()


def test_both_modes_say_the_same(place: Served) -> None:
    """An event that was posted in one mode is a replay in the other."""
    event = made()
    with place.client as client:
        answers = [
            client.post("/v1/events", content=message.body, headers=message.headers)
            for message in (to_structured(event, JSONFormat()), to_binary(event, JSONFormat()))
        ]
    assert [answer.status_code for answer in answers] == [202, 200]
