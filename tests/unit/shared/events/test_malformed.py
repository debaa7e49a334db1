"""What a sender is told about a wrong event: a code and a pointer, never a value."""

from __future__ import annotations

import json

import pytest
from shared.events.catalogue import lookup
from shared.events.envelope import decode_envelope
from shared.events.errors import Malformed
from shared.events.samples import SAMPLES


def refusal(kind: str, data: object) -> Malformed:
    with pytest.raises(Malformed) as caught:
        lookup(f"anxing.{kind}.v1").decode(data if isinstance(data, bytes) else json.dumps(data).encode())
    return caught.value


CHECK = {"item": "A1", "checkpoint": "g", "result": "pass"}


@pytest.mark.parametrize(
    ("kind", "data", "code", "pointer"),
    [
        ("inspection.recorded", {"kind": "routine"}, "missing", "/data/checks"),
        ("inspection.recorded", {"kind": "routine", "checks": []}, "length", "/data/checks"),
        ("inspection.recorded", {"kind": "routine", "checks": [CHECK] * 501}, "length", "/data/checks"),
        ("inspection.recorded", {"kind": "secret", "checks": [CHECK]}, "unknown_value", "/data/kind"),
        (
            "inspection.recorded",
            {"kind": "routine", "checks": [CHECK, CHECK | {"item": "a1"}]},
            "pattern",
            "/data/checks/1/item",
        ),
        (
            "inspection.recorded",
            {"kind": "routine", "checks": [CHECK | {"item": "A1\n"}]},
            "pattern",
            "/data/checks/0/item",
        ),
        (
            "inspection.recorded",
            {"kind": "routine", "checks": [CHECK | {"evidence": ["0" * 64] * 31}]},
            "length",
            "/data/checks/0/evidence",
        ),
        ("volunteers.logged", {"active": 1, "a/b~c": 1}, "unknown_field", "/data/a~1b~0c"),
        ("volunteers.logged", {"active": "secret"}, "type", "/data/active"),
        ("volunteers.logged", {"active": True}, "type", "/data/active"),
        ("volunteers.logged", {"active": -1}, "range", "/data/active"),
        ("volunteers.logged", {"active": 10**30}, "range", "/data/active"),
        ("volunteers.logged", {"active": None}, "type", "/data/active"),
        ("volunteers.logged", [], "type", "/data"),
        ("volunteers.logged", b"{", "invalid_json", "/data"),
        ("patrol.logged", {"date": "2025-02-29"}, "format", "/data/date"),
        ("evidence.stored", {"sha256": "secret"}, "pattern", "/data/sha256"),
        ("selfassessment.submitted", {"year": 2025, "items": {"A1": -1}}, "range", "/data/items"),
        ("selfassessment.submitted", {"year": 2025, "items": {"secret": 1}}, "pattern", "/data/items"),
    ],
)
def test_code_and_pointer(kind: str, data: object, code: str, pointer: str) -> None:
    error = refusal(kind, data)
    assert (error.code, error.pointer) == (code, pointer)
    assert "secret" not in str(error)


def test_a_long_field_name_is_cut_in_the_pointer() -> None:
    assert len(refusal("volunteers.logged", {"active": 1, "x" * 4000: 1}).pointer) < 100


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"specversion": "0.3"}, "unknown_value", "/specversion"),
        ({"id": ""}, "length", "/id"),
        ({"time": "2026-03-02T09:30:00"}, "format", "/time"),
        ({"time": "yesterday"}, "format", "/time"),
        ({"time": "9999-12-31T23:59:59Z"}, "range", "/time"),
        ({"time": "0001-01-01T00:00:00+14:00"}, "range", "/time"),
        ({"revision": 0}, "range", "/revision"),
        ({"subject": None}, "type", "/subject"),
    ],
)
def test_envelope_refusals(change: dict, code: str, pointer: str) -> None:
    event = json.loads(SAMPLES["anxing.volunteers.logged.v1"]) | change
    with pytest.raises(Malformed) as caught:
        decode_envelope(json.dumps(event).encode())
    assert (caught.value.code, caught.value.pointer) == (code, pointer)


def test_envelope_without_data_names_it() -> None:
    event = json.loads(SAMPLES["anxing.volunteers.logged.v1"])
    del event["data"]
    with pytest.raises(Malformed) as caught:
        decode_envelope(json.dumps(event).encode())
    assert (caught.value.code, caught.value.pointer) == ("missing", "/data")


def test_unknown_attributes_are_ignored_and_root_defaults_to_the_id() -> None:
    event = json.loads(SAMPLES["anxing.volunteers.logged.v1"]) | {"myextension": "x"}
    envelope = decode_envelope(json.dumps(event).encode())
    assert envelope.root == envelope.id
    assert envelope.revision == 1
