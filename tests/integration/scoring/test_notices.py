"""What is told when time passes, or when a cap, a clause or a warning changes: from fact to topic."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest
from shared.runtime.clock import FixedClock
from shared.runtime.settings import KafkaSettings

from tests.conftest import MakeDatabase
from tests.eventually import eventually
from tests.integration.scoring.stage import Stage, stage_on

NOON = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)
PERMIT = {"number": "x", "valid_from": "2020-01-01", "valid_to": "2030-01-01"}


@pytest.fixture
async def still(kafka: KafkaSettings, make_database: MakeDatabase) -> AsyncIterator[Stage]:
    """An installation whose clock stands still until it is moved."""
    async with stage_on(kafka, await make_database("scoring"), FixedClock(NOON)) as one:
        yield one


async def close_through(stage: Stage, client: httpx.AsyncClient, last: date) -> None:
    """Let the clock go on, a day at a time, until that day is closed."""
    assert isinstance(stage.clock, FixedClock)
    while stage.clock.today(stage.settings.zone) <= last:
        stage.clock.advance(days=1)
        day = stage.clock.today(stage.settings.zone) - timedelta(days=1)
        # News of the new day: without any, a clock alone closes nothing.
        await stage.facts([stage.fact("ELSEWHERE", "survey.recorded", {"satisfied": 1, "asked": 2})])

        async def closed(day: date = day) -> bool:
            stage.wake()
            rows = await stage.connection.fetch(
                "SELECT DISTINCT closed_day FROM input_cursor WHERE closed_day IS NOT NULL"
            )
            return [row[0] for row in rows] == [day]

        await eventually(closed)
    await stage.at_rest(client)


async def told(stage: Stage, *kinds: str) -> list[dict[str, Any]]:
    """The data of the outcomes of these kinds about C1, with their kind."""
    return [
        {"kind": kind, **one["data"]}
        for one in await stage.outcomes()
        if one["subject"] == "C1"
        and (kind := one["type"].removeprefix("anxing.outcome.").removesuffix(".v1")) in kinds
    ]


async def test_a_hazard_is_reminded_of_then_overdue_then_closed(still: Stage) -> None:
    await still.register("C1", enrolled_on="2026-01-01")
    hazard = {"hazard_id": "H1", "item": "B2", "checkpoint": "lamp", "class": "major"}
    async with still.service() as client:
        await still.at_rest(client)
        opened = {**hazard, "points_milli": 1_500, "finding": "dark"}
        await still.facts([still.fact("C1", "hazard.opened", opened)])
        await still.at_rest(client)
        await close_through(still, client, date(2026, 3, 18))
        assert (await client.get("/v1/compounds/C1")).json()["overdue_hazards"] == ["H1"]
        await still.facts([still.fact("C1", "hazard.verified", {"hazard_id": "H1"})])
        await still.at_rest(client)
        kinds = ("hazard.opened", "hazard.due_soon", "hazard.overdue", "hazard.closed")
        found = await told(still, *kinds)
    assert [(one["kind"], one["day"], one.get("days_left")) for one in found] == [
        ("hazard.opened", "2026-03-10", None),
        ("hazard.due_soon", "2026-03-14", 3),
        ("hazard.due_soon", "2026-03-16", 1),
        ("hazard.overdue", "2026-03-18", None),
        ("hazard.closed", "2026-03-19", None),
    ]
    assert {one["due"] for one in found} == {"2026-03-17"}
    assert not any(one["historical"] for one in found)


async def test_a_permit_that_ends_costs_eligibility_and_caps_until_it_is_renewed(still: Stage) -> None:
    await still.company(
        "P01", construction_permit={**PERMIT, "valid_to": "2026-03-11"}, market_registration=PERMIT
    )
    await still.register("C1", enrolled_on="2025-11-01")
    async with still.service() as client:
        await still.at_rest(client)
        await close_through(still, client, date(2026, 3, 12))
        await still.company(
            "P01", construction_permit=PERMIT, market_registration=PERMIT, effective_from="2026-03-13"
        )
        await still.at_rest(client)
        found = await told(still, "eligibility.changed", "veto.applied", "veto.lifted")
        score = (await client.get("/v1/compounds/C1/score")).json()
    assert [(one["kind"], one["day"], one.get("veto"), one.get("eligible")) for one in found] == [
        ("veto.applied", "2026-03-12", "V7", None),
        ("eligibility.changed", "2026-03-12", None, False),
        ("veto.lifted", "2026-03-13", "V7", None),
        ("eligibility.changed", "2026-03-13", None, True),
    ]
    assert [one.get("failed") for one in found] == [None, ["construction_permit"], None, None]
    assert score["caps"] == []


async def test_a_confirmed_veto_caps_and_a_lifted_one_frees(still: Stage) -> None:
    await still.register("C1", enrolled_on="2025-11-01")
    veto = {"veto_id": "X1", "veto": "V4", "occurred_on": "2026-03-01", "reason": "r"}
    async with still.service() as client:
        await still.at_rest(client)
        await still.facts([still.fact("C1", "veto.proposed", veto)])
        # Of one batch the caps would be told before the facts.
        await still.at_rest(client)
        await still.facts([still.fact("C1", "veto.confirmed", veto)])
        await still.at_rest(client)
        assert isinstance(still.clock, FixedClock)
        still.clock.advance(seconds=60)
        assert (await client.get("/v1/compounds/C1/score")).json()["caps"] == [{"veto": "V4", "cap": 2}]
        await still.facts([still.fact("C1", "veto.lifted", veto)])
        await still.at_rest(client)
        found = await told(still, "veto.proposed", "veto.applied", "veto.lifted")
    assert [(one["kind"], one["veto"], one["veto_id"]) for one in found] == [
        ("veto.proposed", "V4", "X1"),
        ("veto.applied", "V4", "X1"),
        ("veto.lifted", "V4", "X1"),
    ]


async def test_a_star_below_the_assessed_one_is_warned_about_and_cleared(still: Stage) -> None:
    await still.register("C1", enrolled_on="2025-11-01")
    await still.connection.execute(
        "INSERT INTO assessment (compound, year, star, decided_on) VALUES ('C1', 2025, 5, $1)",
        date(2026, 3, 11),
    )
    async with still.service() as client:
        await close_through(still, client, date(2026, 4, 10))
        found = await told(still, "warning.raised", "warning.cleared", "star.changed")
        assert (await client.get("/v1/compounds/C1")).json()["warning"] == "yellow"
    warned = [one for one in found if one["kind"] != "star.changed"]
    assert [(one["kind"], one["day"], one["level"], one["cause"]) for one in warned] == [
        ("warning.raised", "2026-04-09", "yellow", "below_30_days")
    ]


async def test_what_waited_for_its_registration_is_told_once_it_is_there(still: Stage) -> None:
    async with still.service() as client:
        opened = {
            "hazard_id": "H1",
            "item": "B2",
            "checkpoint": "lamp",
            "class": "ordinary",
            "points_milli": 500,
            "finding": "dark",
        }
        objection = {
            "objection_id": "O1",
            "against": ["00000000-0000-4000-8000-000000000001"],
            "grounds": "secret",
        }
        await still.facts(
            [
                still.fact("C1", "hazard.opened", opened),
                still.fact("C1", "dispute.recorded", {"dispute_id": "D1", "code": "080105"}),
                still.fact("C1", "objection.filed", objection),
            ]
        )
        await still.at_rest(client)
        assert await told(still, "hazard.opened") == []
        await still.register("C1", enrolled_on="2026-01-01")
        await still.at_rest(client)
        await still.register("C1", enrolled_on="2026-01-01", households=900)
        await still.at_rest(client)
        found = await told(still, "hazard.opened", "dispute.due", "objection.filed")
    # All came in one instant, so their order is that of their ids.
    assert sorted(one["kind"] for one in found) == ["dispute.due", "hazard.opened", "objection.filed"]


async def test_late_news_of_an_overdue_hazard_is_history(still: Stage) -> None:
    await still.register("C1", enrolled_on="2025-11-01")
    opened = {"hazard_id": "H1", "item": "B2", "checkpoint": "lamp", "class": "ordinary", "points_milli": 500}
    async with still.service() as client:
        await still.at_rest(client)
        late = still.fact("C1", "hazard.opened", {**opened, "finding": "x"}, time=NOON - timedelta(days=30))
        await still.facts([late])
        await still.at_rest(client)
        found = await told(still, "hazard.opened", "hazard.overdue", "hazard.due_soon")
    assert sorted((one["kind"], one["historical"]) for one in found) == [
        ("hazard.opened", True),
        ("hazard.overdue", True),
    ]
