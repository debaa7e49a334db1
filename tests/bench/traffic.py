"""Events as intake publishes them, for rows that start at the topic: the mix of the measured pilots."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from shared.events.catalogue import kafka_key, lookup
from shared.events.envelope import decode_envelope

DAYS = 400
CODES = ("010301", "010304", "010306", "020100", "020500", "080105", "080106", "010701")
ITEMS = ("B1", "B2", "B3", "B4", "C1", "C2", "C3", "C4", "A1")
DUPLICATES, CORRECTIONS, WITHDRAWALS = 0.02, 0.02, 0.01

_encode = msgspec.json.Encoder().encode


def compound_id(number: int) -> str:
    return f"B{number:06d}"


def compound_ids(count: int) -> list[str]:
    return [compound_id(number) for number in range(count)]


def registrations(compounds: int, now: datetime) -> Iterator[tuple[str, bytes]]:
    """(key, value) of one company and all compounds, enrolled before the first fact."""
    enrolled = (now - timedelta(days=DAYS + 30)).date().isoformat()
    permit = {"number": "1", "valid_from": "2000-01-01", "valid_to": "2099-12-31"}
    yield _keyed(
        _event(
            random.Random(0),
            "company.registered",
            "P01",
            now,
            {"name": "示例物业", "construction_permit": permit, "market_registration": permit},
            effective=enrolled,
        )
    )
    for number in range(compounds):
        data = {
            "name": f"小区{number}",
            "households": 1000,
            "occupied_households": 900,
            "buildings": 12,
            "enclosed": True,
            "enrolled_on": enrolled,
            "company_id": "P01",
            "community_id": "S1",
            "station_id": "T1",
        }
        rng = random.Random(number)
        yield _keyed(_event(rng, "compound.registered", compound_id(number), now, data, effective=enrolled))


def facts(
    count: int, compounds: Sequence[str], now: datetime, *, seed: int = 1
) -> Iterator[tuple[str, bytes]]:
    """(key, value) of `count` records: 45 % incidents, 35 % inspections, the rest the lives of hazards; with
    the pilots' share of duplicates, corrections and withdrawals, days uniform over 400."""
    rng = random.Random(seed)
    recent: list[dict[str, Any]] = []
    hazards: list[_Hazard] = []
    for _ in range(count):
        turn = rng.random()
        if recent and turn < DUPLICATES:
            yield _keyed(rng.choice(recent))
            continue
        if recent and turn < DUPLICATES + CORRECTIONS + WITHDRAWALS:
            first = rng.choice(recent)
            if first["type"] != "anxing.fact.withdrawn.v1" and "rootid" not in first:
                yield _keyed(_revised(rng, first, withdrawn=turn >= DUPLICATES + CORRECTIONS))
                continue
        event = _fact(rng, rng.choice(compounds), now, hazards)
        if len(recent) < 5000:
            recent.append(event)
        else:
            recent[rng.randrange(5000)] = event
        yield _keyed(event)


def toggle(rng: random.Random, compound: str, now: datetime, *, lit: bool) -> tuple[str, bytes]:
    """(key, value) of an inspection of one lamp: each turn of it moves the score, however often."""
    checks = [{"item": "B2", "checkpoint": "lamp-1", "result": "pass" if lit else "fail"}]
    return _keyed(_event(rng, "inspection.recorded", compound, now, {"kind": "routine", "checks": checks}))


class _Hazard(NamedTuple):
    """A hazard that is not verified yet, and when somebody last came for it."""

    compound: str
    hazard_id: str
    last: datetime
    rectified: bool = False


def _fact(rng: random.Random, compound: str, now: datetime, hazards: list[_Hazard]) -> dict[str, Any]:
    time = now - timedelta(days=rng.randrange(DAYS), seconds=rng.randrange(40_000))
    kind = rng.random()
    if kind < 0.45:
        data: dict[str, Any] = {"code": rng.choice(CODES), "status": "filed", "place": "inside"}
        return _event(rng, "incident.recorded", compound, time, data)
    if kind < 0.80:
        checks = [
            {
                "item": rng.choice(ITEMS),
                "checkpoint": f"p-{rng.randrange(6)}",
                "result": rng.choice(("pass", "pass", "pass", "partial", "fail")),
            }
            for _ in range(3)
        ]
        return _event(rng, "inspection.recorded", compound, time, {"kind": "routine", "checks": checks})
    # As many are rectified and verified, a few days later each, as are opened.
    if hazards and rng.random() < 2 / 3:
        return _moved(rng, now, hazards)
    hazard_id = f"h-{rng.getrandbits(40):x}"
    hazards.append(_Hazard(compound, hazard_id, time))
    data = {
        "hazard_id": hazard_id,
        "item": rng.choice(ITEMS[:8]),
        "checkpoint": f"p-{rng.randrange(6)}",
        "class": "ordinary",
        "points_milli": 1000,
        "finding": "defect",
    }
    return _event(rng, "hazard.opened", compound, time, data)


def _moved(rng: random.Random, now: datetime, hazards: list[_Hazard]) -> dict[str, Any]:
    place = rng.randrange(len(hazards))
    hazard = hazards[place]
    time = min(now, hazard.last + timedelta(days=rng.randrange(3), seconds=rng.randrange(1, 40_000)))
    if hazard.rectified:
        hazards[place] = hazards[-1]
        hazards.pop()
    else:
        hazards[place] = hazard._replace(rectified=True, last=time)
    kind = "hazard.verified" if hazard.rectified else "hazard.rectified"
    return _event(rng, kind, hazard.compound, time, {"hazard_id": hazard.hazard_id})


def _revised(rng: random.Random, first: dict[str, Any], *, withdrawn: bool) -> dict[str, Any]:
    event = {**first, "id": uuid_of(rng), "rootid": first["id"], "revision": 2}
    if withdrawn:
        event.update(type="anxing.fact.withdrawn.v1", data={"reason": "entered twice"})
    return event


def _event(
    rng: random.Random, kind: str, subject: str, time: datetime, data: dict[str, Any], *, effective: str = ""
) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": uuid_of(rng),
        "source": "urn:anxing:bench",
        "type": f"anxing.{kind}.v1",
        "subject": subject,
        "time": time.isoformat(),
        "datacontenttype": "application/json",
        "data": {**data, "effective_from": effective} if effective else data,
        "receivedtime": datetime.now(UTC).isoformat(),
        "actorid": "officer-1",
        "actorrole": "officer",
        "actororg": "T1",
        "deviceid": "d-1",
        "timequality": "ok",
    }


def uuid_of(rng: random.Random) -> str:
    """An id that follows from the state of `rng`."""
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def _keyed(event: dict[str, Any]) -> tuple[str, bytes]:
    value = _encode(event)
    if event["type"].endswith(".registered.v1"):
        return kafka_key(lookup(event["type"]), decode_envelope(value)), value
    return event["subject"], value
