"""The rules between fields, each broken once."""

from __future__ import annotations

import json
from zoneinfo import ZoneInfo

import pytest
from shared.events.catalogue import CATALOGUE
from shared.events.envelope import decode_envelope
from shared.events.rules import POINTS_BOUNDS, validate, validate_envelope
from shared.events.samples import SAMPLES

OTHER = "019cac25-1940-7000-8000-00000000000f"


def violations(
    kind: str, *, data: dict | None = None, zone: str = "Asia/Shanghai", **attributes: object
) -> list:
    """(code, pointer) of all violations of the sample of `kind` after the changes; None removes."""
    event = json.loads(SAMPLES[f"anxing.{kind}.v1"])
    event |= attributes
    event["data"] |= data or {}
    for target in (event, event["data"]):
        for name in [name for name, value in target.items() if value is None]:
            del target[name]
    envelope = decode_envelope(json.dumps(event).encode())
    event_type = CATALOGUE[envelope.type]
    decoded = event_type.decode(envelope.data)
    found = validate(event_type.name, decoded) + validate_envelope(
        event_type, envelope, decoded, ZoneInfo(zone)
    )
    return [(error.code, error.pointer) for error in found]


@pytest.mark.parametrize(("kind", "least", "most"), [(k, *v) for k, v in POINTS_BOUNDS.items()])
def test_points_of_a_hazard_stay_within_its_class(kind: str, least: int, most: int) -> None:
    assert violations("hazard.opened", data={"class": kind, "points_milli": least}) == []
    assert violations("hazard.opened", data={"class": kind, "points_milli": most}) == []
    for points in {least - 1, most + 1} & set(range(250, 3001)):
        assert violations("hazard.opened", data={"class": kind, "points_milli": points}) == [
            ("range", "/data/points_milli")
        ]


@pytest.mark.parametrize(
    ("kind", "data", "expected"),
    [
        ("incident.recorded", {"code": "999999"}, ("unknown_code", "/data/code")),
        ("dispute.recorded", {"code": "080199"}, ("unknown_code", "/data/code")),
        ("facility.status", {"online": 5, "total": 4}, ("range", "/data/online")),
        ("hazard.extended", {"due": "9999-12-31"}, ("range", "/data/due")),
        ("veto.proposed", {"occurred_on": "0001-01-01"}, ("range", "/data/occurred_on")),
        ("survey.recorded", {"satisfied": 51}, ("range", "/data/satisfied")),
        ("hazard.opened", {"reopens": "H-2026-0117"}, ("self_reference", "/data/reopens")),
        ("objection.filed", {"against": [OTHER, OTHER.upper()]}, ("duplicate", "/data/against")),
        (
            "inspection.recorded",
            {"checks": [{"item": "A1", "checkpoint": "g", "result": "pass", "evidence": ["0" * 64] * 2}]},
            ("duplicate", "/data/checks/0/evidence"),
        ),
        ("compound.registered", {"occupied_households": 1001}, ("range", "/data/occupied_households")),
        ("compound.registered", {"withdrawn_on": "2024-12-31"}, ("range", "/data/withdrawn_on")),
        (
            "compound.registered",
            {"withdrawn_on": "2024-12-31", "enrolled_on": None},
            ("missing", "/data/enrolled_on"),
        ),
        (
            "company.registered",
            {"market_registration": {"number": "n", "valid_from": "2025-02-01", "valid_to": "2025-01-01"}},
            ("range", "/data/market_registration/valid_to"),
        ),
        ("credential.issued", {"valid_to": "2020-01-01T00:00:00Z"}, ("range", "/data/valid_to")),
        ("patrol.logged", {"date": "2026-03-03"}, ("date_mismatch", "/data/date")),
    ],
)
def test_rule_of_the_data(kind: str, data: dict, expected: tuple[str, str]) -> None:
    assert violations(kind, data=data) == [expected]


@pytest.mark.parametrize(
    ("kind", "attributes", "expected"),
    [
        ("volunteers.logged", {"id": "7"}, ("pattern", "/id")),
        ("volunteers.logged", {"source": "app 17"}, ("pattern", "/source")),
        ("volunteers.logged", {"source": "app-17"}, ("pattern", "/source")),
        ("volunteers.logged", {"subject": "C/17"}, ("pattern", "/subject")),
        ("volunteers.logged", {"subject": "C17\n"}, ("pattern", "/subject")),
        ("volunteers.logged", {"subject": "C" * 65}, ("pattern", "/subject")),
        ("volunteers.logged", {"datacontenttype": "text/xml"}, ("unknown_value", "/datacontenttype")),
        ("volunteers.logged", {"traceparent": "00"}, ("pattern", "/traceparent")),
        ("volunteers.logged", {"objectionid": ""}, ("length", "/objectionid")),
        ("volunteers.logged", {"rootid": "x", "revision": 2}, ("pattern", "/rootid")),
        ("volunteers.logged", {"revision": 2}, ("missing", "/rootid")),
        ("volunteers.logged", {"rootid": OTHER}, ("range", "/revision")),
        ("fact.withdrawn", {"revision": 1}, ("range", "/revision")),
        ("fact.withdrawn", {"rootid": None}, ("missing", "/rootid")),
        ("clock.observed", {"rootid": OTHER, "revision": 2}, ("range", "/revision")),
        ("credential.issued", {"subject": "other"}, ("subject_mismatch", "/subject")),
        ("credential.revoked", {"subject": "other"}, ("subject_mismatch", "/subject")),
        ("person.granted", {"subject": OTHER}, ("subject_mismatch", "/subject")),
        ("person.revoked", {"subject": OTHER}, ("subject_mismatch", "/subject")),
    ],
)
def test_rule_of_the_envelope(kind: str, attributes: dict, expected: tuple[str, str]) -> None:
    assert violations(kind, **attributes) == [expected]


def test_a_correction_that_names_its_root_is_right() -> None:
    assert violations("volunteers.logged", rootid=OTHER, revision=2) == []


def test_a_permit_may_be_for_ever() -> None:
    for_ever = {"number": "n", "valid_from": "2025-02-01", "valid_to": "9999-12-31"}
    assert violations("company.registered", data={"market_registration": for_ever}) == []


def test_the_date_of_a_patrol_is_that_of_the_installation() -> None:
    late_evening = "2026-03-01T22:30:00Z"
    assert violations("patrol.logged", time=late_evening) == []
    assert violations("patrol.logged", time=late_evening, zone="UTC") == [("date_mismatch", "/data/date")]
