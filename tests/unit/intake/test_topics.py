"""Breaking off, probing, and what the registry says of places."""

import asyncio
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from intake.domain.places import Placement
from intake.metrics import IntakeMetrics
from intake.topics import circuit as circuits
from intake.topics.circuit import Circuit
from intake.topics.registry import RegistryView
from shared.events.encode import encode_event
from shared.events.registry import CompoundRegistered
from shared.runtime.clock import FixedClock
from shared.runtime.metrics import Metrics

from tests.eventually import eventually
from tests.unit.intake.events import KAFKA, NOW


async def test_the_circuit_opens_at_once_and_closes_with_the_first_probe_that_succeeds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(circuits, "PROBE_PAUSE_SECONDS", 0.001)
    probing, probes, most = 0, 0, 0

    async def probe() -> bool:
        nonlocal probing, probes, most
        probing += 1
        most = max(most, probing)
        await asyncio.sleep(0)
        probing -= 1
        probes += 1
        return probes == 3

    circuit = Circuit(probe, IntakeMetrics(Metrics("intake")))
    assert circuit.closed
    circuit.trip()
    circuit.trip()
    assert not circuit.closed
    await eventually(lambda: circuit.closed)
    assert (probes, most) == (3, 1)
    circuit.trip()
    await circuit.stop()
    assert not circuit.closed


def registered(station: str, effective_from: Any, subject: str = "C1") -> bytes:
    data = CompoundRegistered(
        name="一号",
        households=100,
        occupied_households=90,
        buildings=4,
        enclosed=True,
        company_id="P1",
        community_id="M1",
        station_id=station,
        effective_from=effective_from,
    )
    return encode_event(
        id="0192d8a0-0000-7000-8000-000000000001",
        source="urn:x",
        type="anxing.compound.registered.v1",
        subject=subject,
        time=NOW,
        data=data,
        receivedtime=NOW,
    )


def station_of(view: RegistryView, compound: str) -> str | None:
    places = view.of(compound)
    return None if places is None else places.now.station


def test_a_compound_lies_where_its_registration_in_force_says() -> None:
    clock = FixedClock(NOW)
    today = NOW.date()
    view = RegistryView(KAFKA, clock, ZoneInfo("Asia/Shanghai"))
    # The first counts before its day too.
    view.apply(registered("S0", today + timedelta(days=30)))
    places = view.of("C1")
    assert places is not None
    assert places.now == Placement("M1", "S0")
    view.apply(registered("S2", today - timedelta(days=5)))
    view.apply(registered("S1", today - timedelta(days=9)))
    assert station_of(view, "C1") == "S2"
    view.apply(registered("S3", today + timedelta(days=1)))
    assert station_of(view, "C1") == "S2"
    clock.advance(days=1)
    view.let_time_pass()
    assert station_of(view, "C1") == "S3"
    places = view.of("C1")
    assert places is not None
    before = places.at(NOW + timedelta(hours=1))
    assert before is not None
    assert before.placement.station == "S2"
    assert station_of(view, "C2") is None


def test_what_is_no_registration_is_left_aside() -> None:
    view = RegistryView(KAFKA, FixedClock(NOW), ZoneInfo("Asia/Shanghai"))
    for value in (None, b"", b"{}", b"\xff"):
        view.apply(value)
    assert view.of("C1") is None
