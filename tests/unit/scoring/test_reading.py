"""Records as values; what can never work is told apart with a reason that repeats no value."""

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from scoring.reading import read_facts, read_registry
from shared.events.topics import partition_for
from shared.runtime.consume import Record

ZONE = ZoneInfo("Asia/Shanghai")
PARTITIONS = 4
ROOT = "00000000-0000-4000-8000-000000000001"
HOME = partition_for(b"C1", PARTITIONS)


def _record(value: bytes | None, *, partition: int | None = None) -> Record:
    place = HOME if partition is None else partition
    return Record("facts", place, 7, b"C1", value, (), 0)


def _event(kind: str, data: dict[str, Any], **attributes: Any) -> bytes:
    return json.dumps(
        {
            "specversion": "1.0",
            "id": ROOT,
            "source": "urn:test",
            "type": f"anxing.{kind}.v1",
            "subject": "C1",
            "time": "2026-03-01T23:30:00Z",
            **attributes,
            "data": data,
        }
    ).encode()


async def test_a_fact() -> None:
    body = _event(
        "incident.recorded", {"code": "010301", "status": "filed"}, receivedtime="2026-03-02T00:00:00Z"
    )
    read = await read_facts([_record(body)], ZONE, PARTITIONS)
    (arrival,) = read.arrivals
    assert (arrival.offset, arrival.body, arrival.key) == (
        7,
        body,
        ("C1", "00000000-0000-4000-8000-000000000001"),
    )
    assert arrival.fact.day == datetime(2026, 3, 2, tzinfo=UTC).toordinal()
    assert read.newest == datetime(2026, 3, 2, tzinfo=UTC)


async def test_what_cannot_be_used() -> None:
    secret = "某某某"
    incident = {"code": "010301", "status": "filed"}
    records = [
        _record(None),
        _record(b"{"),
        _record(_event("no.such", {})),
        _record(_event("compound.registered", {})),
        _record(_event("incident.recorded", {"code": "999999", "status": "filed", "case_no": secret})),
        _record(_event("incident.recorded", {"code": secret, "status": "filed"})),
        _record(
            _event("incident.recorded", incident),
            partition=(HOME + 1) % PARTITIONS,
        ),
        _record(_event("incident.recorded", incident)),
    ]
    read = await read_facts(records, ZONE, PARTITIONS)
    assert [one.code for one in read.parked] == [
        "no_value",
        "invalid_json",
        "unknown_type",
        "unknown_type",
        "unknown_code",
        "pattern",
        "wrong_partition",
    ]
    assert all(secret not in one.detail for one in read.parked)
    assert len(read.arrivals) == 1


def test_the_registry() -> None:
    compound = {
        "name": "小区",
        "households": 10,
        "occupied_households": 5,
        "buildings": 3,
        "enclosed": True,
        "company_id": "P1",
        "community_id": "S1",
        "station_id": "B1",
        "effective_from": "2026-01-01",
    }
    permit = {"number": "1", "valid_from": "2026-01-01", "valid_to": "2027-01-01"}
    company = {
        "name": "物业",
        "construction_permit": permit,
        "market_registration": permit,
        "effective_from": "2026-01-01",
    }
    station = {"kind": "station", "name": "所", "parent_id": "B0", "effective_from": "2026-01-01"}
    read = read_registry(
        [
            _record(_event("compound.registered", compound)),
            _record(_event("company.registered", company)),
            _record(_event("organisation.registered", station)),
            _record(_event("compound.registered", {**compound, "occupied_households": 11})),
        ],
        PARTITIONS,
    )
    assert (read.compounds[0].company, read.compounds[0].partition) == (
        "P1",
        partition_for(b"C1", PARTITIONS),
    )
    assert read.companies[0].name == "物业"
    assert (read.organisations[0].kind, read.organisations[0].parent) == ("station", "B0")
    assert [one.code for one in read.parked] == ["range"]
