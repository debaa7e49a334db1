"""The AsyncAPI 3.0 document of all topics: `python -m shared.events.asyncapi --write FILE`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from shared.events.catalogue import CATALOGUE, TOPIC_OF, EventType, Family
from shared.events.envelope import CONTENT_TYPE
from shared.events.samples import SAMPLES
from shared.events.schemas import schema_of
from shared.events.topics import PARKED, TOPICS, Topic

VERSION: Final = "1"
_KAFKA: Final = "0.5.0"
_DAY_MS: Final = 86_400_000
_SCHEMAS: Final = "#/components/schemas/"

# Who writes what is in each topic, and who reads it.
WRITERS: Final[Mapping[Family, str]] = {
    Family.FACT: "intake",
    Family.REGISTRY: "intake",
    Family.ACCESS: "intake",
    Family.OUTCOME: "scoring",
    Family.DELIVERY: "notify",
}
READERS: Final[Mapping[Family, tuple[str, ...]]] = {
    Family.FACT: ("scoring",),
    Family.REGISTRY: ("intake", "scoring", "notify"),
    Family.ACCESS: ("intake", "scoring", "notify"),
    Family.OUTCOME: ("notify",),
    Family.DELIVERY: (),
}
_SEQUENCED: Final = {
    "incarnation": "grows when the writer's database went back to an earlier state",
    "partition-sequence": "dense within an incarnation and partition: drop what is not above the last",
    "cause-id": "id of the event that caused this one",
}
_PARKED: Final = {
    "parked-service": "which service could not use the record",
    "parked-topic": "the topic it was read from",
    "parked-partition": "its partition there",
    "parked-offset": "its offset there",
    "parked-code": "a stable code of the reason",
    "parked-detail": "the reason in words, without values",
    "parked-at": "when it was set aside",
}


def document() -> dict[str, Any]:
    """The whole document, as plain JSON."""
    schemas: dict[str, Any] = {}
    messages: dict[str, Any] = {"parked": _parked_message()}
    for name, event_type in CATALOGUE.items():
        schema = schema_of(event_type)
        parts = schema.pop("$defs")
        del schema["$schema"], schema["$id"]
        schemas |= {part: _moved(content) for part, content in parts.items()}
        schemas[name] = _moved(schema)
        messages[name] = _message(event_type)
    return {
        "asyncapi": "3.0.0",
        "id": "urn:anxing",
        "info": {
            "title": "Anxing: events",
            "version": VERSION,
            "description": (
                "Rolling public-security star ratings of residential compounds. Every record is one "
                "CloudEvent 1.0 in structured JSON. Facts come in through intake and nowhere else; "
                "scoring announces outcomes, notify reports deliveries."
            ),
            "license": {"name": "Apache 2.0"},
        },
        "defaultContentType": CONTENT_TYPE,
        "servers": {
            "kafka": {
                "host": "{bootstrap}",
                "protocol": "kafka",
                "description": "The cluster of the installation (setting ANXING_KAFKA__BOOTSTRAP)",
                "variables": {"bootstrap": {"default": "localhost:9092", "description": "host and port"}},
            }
        },
        "channels": {_channel_name(topic): _channel(topic) for topic in TOPICS},
        "operations": _operations(),
        "components": {"messages": messages, "schemas": schemas},
    }


def text() -> str:
    """The document as it is written."""
    return json.dumps(document(), ensure_ascii=False, indent=1) + "\n"


def _channel_name(topic: Topic) -> str:
    return topic.name.split(".")[1]


def _types_of(topic: Topic) -> list[str]:
    return [name for name, known in CATALOGUE.items() if known.topic is topic] or ["parked"]


def _channel(topic: Topic) -> dict[str, Any]:
    keeps = "for ever" if topic.retention_days is None else f"for {topic.retention_days} days"
    partitions = "N partitions, as the installation chose" if topic.per_compound else "1 partition"
    configuration: dict[str, Any] = {
        "cleanup.policy": ["compact" if topic.compacted else "delete"],
        "retention.ms": -1 if topic.retention_days is None else topic.retention_days * _DAY_MS,
    }
    kafka: dict[str, Any] = {"topic": topic.name, "topicConfiguration": configuration}
    if not topic.per_compound:
        kafka["partitions"] = 1
    return {
        "address": topic.name,
        "description": f"{partitions}; kept {keeps}; keyed by {topic.key}.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in _types_of(topic)},
        "bindings": {"kafka": {**kafka, "bindingVersion": _KAFKA}},
    }


def _operations() -> dict[str, Any]:
    operations: dict[str, Any] = {}
    for family, topic in TOPIC_OF.items():
        operations[f"{WRITERS[family]}-{_channel_name(topic)}-send"] = _operation(
            "send", WRITERS[family], topic
        )
        for reader in READERS[family]:
            operations[f"{reader}-{_channel_name(topic)}-receive"] = _operation("receive", reader, topic)
    for service in ("scoring", "notify"):
        operations[f"{service}-parked-send"] = _operation("send", service, PARKED)
    return operations


def _operation(action: str, service: str, topic: Topic) -> dict[str, Any]:
    channel = f"#/channels/{_channel_name(topic)}"
    verb = "writes to" if action == "send" else "reads"
    return {
        "action": action,
        "channel": {"$ref": channel},
        "summary": f"{service} {verb} {topic.name}",
        "tags": [{"name": service}],
        "messages": [{"$ref": f"{channel}/messages/{name}"} for name in _types_of(topic)],
    }


def _message(event_type: EventType) -> dict[str, Any]:
    name = event_type.name
    # `traceparent` and everything else of CloudEvents is in the value.
    headers = {"content-type": "always application/cloudevents+json"}
    if event_type.family is Family.OUTCOME:
        headers |= _SEQUENCED
    return {
        "name": name,
        "title": event_type.kind,
        "summary": (event_type.data.__doc__ or "").strip().splitlines()[0],
        "contentType": CONTENT_TYPE,
        "headers": _headers(headers),
        "payload": {"$ref": _SCHEMAS + name},
        "bindings": {"kafka": _keyed(event_type.topic)},
        "examples": [{"name": "sample", "payload": json.loads(SAMPLES[name])}],
    }


def _parked_message() -> dict[str, Any]:
    return {
        "name": "parked",
        "title": "A record that could not be used",
        "summary": "The bytes and headers of the record as they were, with place and reason in headers.",
        "contentType": "application/octet-stream",
        "headers": _headers(_PARKED),
        "payload": {"description": "Whatever the value of the record was"},
        "bindings": {"kafka": _keyed(PARKED)},
    }


def _headers(words: Mapping[str, str]) -> dict[str, Any]:
    properties = {name: {"type": "string", "description": description} for name, description in words.items()}
    return {"type": "object", "properties": properties}


def _keyed(topic: Topic) -> dict[str, Any]:
    return {"key": {"type": "string", "description": topic.key}, "bindingVersion": _KAFKA}


def _moved(node: Any) -> Any:
    """The same with its references into the components; what stands beside one is said of both."""
    if isinstance(node, list):
        return [_moved(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    moved = {name: _moved(value) for name, value in node.items()}
    if not isinstance(node.get("$ref"), str):
        return moved
    reference = {"$ref": moved.pop("$ref").replace("#/$defs/", _SCHEMAS)}
    return {**moved, "allOf": [reference]} if moved else reference


def main(arguments: list[str] | None = None) -> int:
    """Writes the document."""
    parser = argparse.ArgumentParser(prog="python -m shared.events.asyncapi", description=__doc__)
    parser.add_argument("--write", type=Path, required=True, metavar="FILE", help="where it is kept")
    parser.parse_args(arguments).write.write_text(text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
