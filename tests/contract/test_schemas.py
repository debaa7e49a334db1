"""The frozen schemas: what others may rely on does not drift and does not break."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import msgspec
import pytest
from jsonschema import Draft202012Validator, FormatChecker
from shared.events import schemas
from shared.events.catalogue import CATALOGUE, EventType, Family
from shared.events.compatibility import breaks
from shared.events.envelope import INTAKE_STAMPS, decode_envelope
from shared.events.facts import NARRATIVE_FIELDS
from shared.events.rules import validate, validate_envelope

SCHEMAS = Path(__file__).parents[2] / "shared" / "schemas"
TYPES = sorted(CATALOGUE)


def frozen(name: str, kind: str) -> dict:
    return json.loads((SCHEMAS / f"{name}.{kind}.json").read_text(encoding="utf-8"))


def test_generated_documents_equal_the_frozen_ones() -> None:
    committed = {path.name: path.read_text(encoding="utf-8") for path in SCHEMAS.glob("*.json")}
    assert committed == schemas.documents(), "run `make schemas` and look at the difference"


def test_present_structs_break_no_published_schema() -> None:
    assert schemas.refused(SCHEMAS) == []


@pytest.mark.parametrize("name", TYPES)
def test_sample_decodes_round_trips_and_keeps_every_rule(name: str) -> None:
    raw = json.dumps(frozen(name, "sample")).encode()
    envelope = decode_envelope(raw)
    event_type = CATALOGUE[envelope.type]
    assert envelope.type == name
    data = event_type.decode(envelope.data)
    assert event_type.decode(msgspec.json.encode(data)) == data
    # `data` is Raw: compared by value, not by bytes
    again = decode_envelope(msgspec.json.encode(envelope))
    assert msgspec.structs.replace(again, data=msgspec.Raw()) == msgspec.structs.replace(
        envelope, data=msgspec.Raw()
    )
    assert validate(event_type, data) == []
    assert validate_envelope(event_type, envelope, data) == []


@pytest.mark.parametrize("name", TYPES)
def test_sample_is_valid_against_its_schema(name: str) -> None:
    schema = frozen(name, "schema")
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema, format_checker=FormatChecker())
    assert list(validator.iter_errors(frozen(name, "sample"))) == []


@pytest.mark.parametrize("name", [n for n in TYPES if CATALOGUE[n].family in {Family.FACT, Family.REGISTRY}])
def test_what_senders_write_is_closed(name: str) -> None:
    sample = frozen(name, "sample")
    sample["data"]["misspelt"] = 1
    errors = list(Draft202012Validator(frozen(name, "schema")).iter_errors(sample))
    assert [error.validator for error in errors] == ["additionalProperties"]


@pytest.mark.parametrize("name", TYPES)
def test_schema_marks_what_only_intake_may_set(name: str) -> None:
    properties = frozen(name, "schema")["properties"]
    assert all("intake only" in properties[stamp]["description"] for stamp in INTAKE_STAMPS)


def field_names(schema: object) -> set[str]:
    match schema:
        case dict():
            names = set(schema["properties"]) if isinstance(schema.get("properties"), dict) else set()
            return names.union(*(field_names(value) for value in schema.values()))
        case list():
            return set().union(*(field_names(value) for value in schema))
        case _:
            return set()


@pytest.mark.parametrize(
    "event_type", [t for t in CATALOGUE.values() if t.family in {Family.OUTCOME, Family.DELIVERY}], ids=str
)
def test_no_narrative_leaves_scoring(event_type: EventType) -> None:
    assert field_names(schemas.schema_of(event_type)["$defs"]) & NARRATIVE_FIELDS == set()


def test_reader_of_field_names_sees_nested_narrative() -> None:
    inspection = schemas.schema_of(CATALOGUE["anxing.inspection.recorded.v1"])
    assert "note" in field_names(inspection["$defs"])


PUBLISHED = schemas.schema_of(CATALOGUE["anxing.hazard.opened.v1"])


def changed(path: str, value: object) -> dict:
    """The published schema with one place set to `value`; None removes it."""
    proposed = copy.deepcopy(PUBLISHED)
    *parents, last = path.split("/")
    node = proposed
    for step in parents:
        node = node[step]
    if value is None:
        del node[last]
    else:
        node[last] = value
    return proposed


DATA = "$defs/HazardOpened"


@pytest.mark.parametrize(
    "proposed",
    [
        PUBLISHED,
        changed(f"{DATA}/properties/colour", {"type": "string"}),
        changed("properties/tracestate", {"type": "string"}),
        changed(f"{DATA}/description", "better words"),
        changed("$defs/Unused", {"type": "object"}),
        changed(f"{DATA}/required", list(reversed(PUBLISHED["$defs"]["HazardOpened"]["required"]))),
    ],
)
def test_optional_additions_and_words_are_compatible(proposed: dict) -> None:
    assert breaks(PUBLISHED, proposed) == []


@pytest.mark.parametrize(
    "proposed",
    [
        changed(f"{DATA}/properties/item", None),
        changed(f"{DATA}/properties/item/type", "integer"),
        changed(f"{DATA}/properties/points_milli/maximum", 2999),
        changed(f"{DATA}/properties/points_milli/maximum", None),
        changed(f"{DATA}/properties/points_milli/multipleOf", 10),
        changed(f"{DATA}/properties/class/enum", ["capital", "immediate", "major"]),
        changed(f"{DATA}/properties/class/enum", ["capital", "extra", "immediate", "major", "ordinary"]),
        changed(f"{DATA}/properties/evidence/default", ["x"]),
        changed(f"{DATA}/required", ["hazard_id"]),
        changed(f"{DATA}/required", [*PUBLISHED["$defs"]["HazardOpened"]["required"], "due"]),
        changed(f"{DATA}/additionalProperties", None),
        changed("properties/type", {"const": "anxing.hazard.opened.v2"}),
    ],
)
def test_everything_else_is_a_break(proposed: dict) -> None:
    assert breaks(PUBLISHED, proposed) != []


def test_writer_refuses_to_replace_a_published_schema_by_a_break(tmp_path: Path) -> None:
    assert schemas.main(["--write", str(tmp_path)]) == 0
    path = tmp_path / "anxing.volunteers.logged.v1.schema.json"
    stricter = json.loads(path.read_text(encoding="utf-8"))
    stricter["$defs"]["VolunteersLogged"]["properties"]["active"]["maximum"] = 10
    path.write_text(json.dumps(stricter), encoding="utf-8")
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert schemas.main(["--write", str(tmp_path)]) == 1
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_writer_refuses_to_drop_a_published_type(tmp_path: Path) -> None:
    (tmp_path / "anxing.gone.v1.schema.json").write_text("{}", encoding="utf-8")
    assert schemas.write(tmp_path) == ["anxing.gone.v1.schema.json: the type is gone"]
