"""Events as values of the domain: days in the zone, instants, roles, fingerprints."""

import hashlib
import json
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import rfc8785
from scoring.domain import facts as f
from scoring.domain.routes import ROUTES
from scoring.translate import company_revision_from, compound_revision_from, fact_from, fingerprint
from shared.events.catalogue import CATALOGUE, Family, lookup
from shared.events.envelope import decode_envelope

from tests.unit.scoring.rubric_examples import ZONE, fact_of

SAMPLES = Path("shared/schemas")
EVENT = {
    "specversion": "1.0",
    "id": "0190B3A1-0000-7000-8000-000000000001",
    "source": "urn:test",
    "type": "anxing.incident.recorded.v1",
    "subject": "C1",
    "time": "2025-03-01T23:30:00Z",
    "data": {"code": "010301", "status": "filed"},
}


def test_the_day_is_the_local_date_of_the_time() -> None:
    fact = fact_of(EVENT)
    assert fact.day == date(2025, 3, 2).toordinal()
    assert fact.instant_us == 1_740_871_800_000_000
    assert fact.order == (fact.day, fact.instant_us, EVENT["id"].lower())
    raw = json.dumps(EVENT).encode()
    envelope = decode_envelope(raw)
    data = lookup(envelope.type).decode(envelope.data)
    assert fact_from(envelope, data, ZoneInfo("UTC")).day == date(2025, 3, 1).toordinal()


@pytest.mark.parametrize(
    ("role", "company"),
    [("guard", True), ("company", True), ("building_head", True), ("officer", False), (None, False)],
)
def test_company_roles_are_those_of_the_company(role: str | None, company: bool) -> None:
    assert fact_of({**EVENT, **({"actorrole": role} if role else {})}).by_company is company


def test_stamps_and_traces_are_no_content() -> None:
    stamped = {
        **EVENT,
        "receivedtime": "2025-03-01T23:30:01.000001Z",
        "actorid": "a",
        "clockskewms": 3,
        "traceparent": "00-x",
    }
    assert fact_of(stamped).fingerprint == fact_of(EVENT).fingerprint
    assert fact_of(stamped).received_us == 1_740_871_801_000_001
    assert (
        fact_of({**EVENT, "recordedtime": "2025-03-01T23:30:00Z"}).fingerprint != fact_of(EVENT).fingerprint
    )


@pytest.mark.parametrize(
    "data",
    [
        {"b": 1, "a": [True, None, 'é\u2028"\\\n\u0001']},
        {"x": 0.1, "y": 1e21, "z": -0.0},
        {"\U0001f600": 1, "\ufb33": 2, "é": {"b": 1, "a": 2}},
        {},
    ],
)  # fmt: skip
def test_the_fingerprint_is_that_of_the_canonical_form(data: dict[str, object]) -> None:
    event = {**EVENT, "data": data}
    expected = hashlib.sha256(rfc8785.dumps(event)).digest()
    assert fingerprint(json.dumps(event, ensure_ascii=False, indent=2).encode()) == expected
    assert fingerprint(json.dumps({**event, "actorid": "x"}).encode()) == expected


def test_every_fact_of_the_contract_is_translated() -> None:
    kinds = [one for one in CATALOGUE.values() if one.family is Family.FACT]
    translated = set()
    for event_type in kinds:
        raw = (SAMPLES / f"{event_type.name}.sample.json").read_bytes()
        envelope = decode_envelope(raw)
        fact = fact_from(envelope, event_type.decode(envelope.data), ZONE)
        assert fact.kind == event_type.kind
        if fact.data is not None:
            translated.add(fact.kind)
    assert set(ROUTES) | {"veto.proposed"} == translated


def test_a_withdrawal_has_no_data() -> None:
    event = {
        **EVENT,
        "type": "anxing.fact.withdrawn.v1",
        "rootid": "r",
        "revision": 2,
        "data": {"reason": "x"},
    }
    fact = fact_of(event)
    assert (fact.withdrawn, fact.data, fact.root, fact.revision) == (True, None, "r", 2)


def test_registrations_are_translated() -> None:
    envelope = decode_envelope((SAMPLES / "anxing.compound.registered.v1.sample.json").read_bytes())
    compound = lookup(envelope.type).decode(envelope.data)
    made = compound_revision_from(envelope, compound)
    assert (made.compound, made.households) == (envelope.subject, compound.households)
    assert made.effective_from == compound.effective_from.toordinal()
    envelope = decode_envelope((SAMPLES / "anxing.company.registered.v1.sample.json").read_bytes())
    company = lookup(envelope.type).decode(envelope.data)
    revision = company_revision_from(envelope, company)
    assert revision.construction_permit.valid_to == company.construction_permit.valid_to.toordinal()


def test_the_parts_of_a_hazard_are_kept() -> None:
    data = {
        "hazard_id": "h",
        "item": "B1",
        "checkpoint": "p",
        "class": "major",
        "points_milli": 1_000,
        "due": "2025-03-09",
        "finding": "hole",
        "reopens": "g",
    }
    fact = fact_of({**EVENT, "type": "anxing.hazard.opened.v1", "data": data})
    due = date(2025, 3, 9).toordinal()
    assert fact.data == f.HazardOpened("h", "B1", "p", "major", 1_000, due, "hole", "g")
