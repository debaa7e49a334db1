"""The AsyncAPI document: fresh, whole, valid by the official schema, with examples of what it describes."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from shared.events import asyncapi
from shared.events.catalogue import CATALOGUE, TOPIC_OF
from shared.events.topics import TOPICS

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "shared" / "docs" / "asyncapi.json"
OFFICIAL = Path(__file__).parent / "vendor" / "asyncapi" / "3.0.0.json"


@cache
def document() -> Any:
    return json.loads(COMMITTED.read_text(encoding="utf-8"))


def looked_up(reference: str) -> Any:
    node = document()
    for step in reference.removeprefix("#/").split("/"):
        node = node[step]
    return node


def references(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*(references(value) for value in node.values()))
    return set().union(*(references(entry) for entry in node)) if isinstance(node, list) else set()


def test_the_committed_document_is_fresh() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == asyncapi.text(), "run `make schemas`"


def test_it_is_valid_by_the_official_schema() -> None:
    official = json.loads(OFFICIAL.read_text(encoding="utf-8"))
    errors = [
        f"{error.json_path}: {error.message[:200]}"
        for error in Draft7Validator(official).iter_errors(document())
    ]
    assert errors == []


def test_every_reference_leads_somewhere() -> None:
    for reference in references(document()):
        assert looked_up(reference)


# Read by the shared directory of keys, for all services.
READ_FOR_ALL = {"ACCESS"}
# Written by what decides the topic by the type of an event, without naming it.
WRITTEN_BY_TYPE = {"intake": {"FACTS", "REGISTRY", "ACCESS"}}


@pytest.mark.parametrize("service", ["intake", "scoring", "notify"])
def test_each_service_has_the_topics_that_it_names(service: str) -> None:
    named = READ_FOR_ALL | WRITTEN_BY_TYPE.get(service, set())
    for module in (ROOT / "services" / service / "src").rglob("*.py"):
        for found in re.findall(r"from shared\.events\.topics import (.+)", module.read_text()):
            named |= {name for name in found.split(", ") if name.isupper() and name != "TOPICS"}
    told = {
        operation["channel"]["$ref"].rpartition("/")[2].upper()
        for name, operation in document()["operations"].items()
        if name.startswith(f"{service}-")
    }
    assert told == named


def test_every_topic_and_every_type_is_there() -> None:
    channels = document()["channels"]
    assert {channel["address"] for channel in channels.values()} == {topic.name for topic in TOPICS}
    for name, known in CATALOGUE.items():
        channel = channels[known.topic.name.split(".")[1]]
        assert channel["messages"][name] == {"$ref": f"#/components/messages/{name}"}
    assert set(document()["components"]["messages"]) == {*CATALOGUE, "parked"}
    sent = {
        operation["channel"]["$ref"]
        for operation in document()["operations"].values()
        if operation["action"] == "send"
    }
    assert sent == {f"#/channels/{name}" for name in channels}
    assert len(TOPIC_OF) + 1 == len(channels)


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_the_example_of_a_message_is_of_its_schema(name: str) -> None:
    message = document()["components"]["messages"][name]
    schema = {**message["payload"], "components": document()["components"]}
    assert message["examples"]
    for example in message["examples"]:
        assert list(Draft7Validator(schema).iter_errors(example["payload"])) == []
        assert list(Draft7Validator(schema).iter_errors({**example["payload"], "type": "another"})) != []
