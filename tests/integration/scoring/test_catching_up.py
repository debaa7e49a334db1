"""After weeks of absence: every star and reminder of that time is told, as history, and nothing else is."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from scoring.cli.closing import close_days
from scoring.domain.book import Book
from scoring.domain.deadlines import reminded_on
from scoring.store.views import Views
from shared.events.topics import ACCESS, FACTS
from shared.runtime.clock import FixedClock
from shared.runtime.database import Database
from shared.runtime.settings import KafkaSettings
from structlog.testing import capture_logs

from tests.conftest import MakeDatabase
from tests.eventually import eventually
from tests.integration.scoring.stage import ZONE, Stage, stage_on
from tests.unit.scoring.rubric_examples import rubric

NOON = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)
DAYS = 40
COMPOUNDS = [f"C{number}" for number in range(7)]
LAST_OPEN = date(2026, 3, 10) + timedelta(days=DAYS)


@pytest.fixture
async def still(kafka: KafkaSettings, make_database: MakeDatabase) -> AsyncIterator[Stage]:
    """An installation whose clock stands still until it is moved."""
    async with stage_on(kafka, await make_database("scoring"), FixedClock(NOON)) as one:
        yield one


def _facts_of(stage: Stage, compound: str, day: int, shift: int) -> list[dict[str, Any]]:
    """What happens to a compound on a day of the absence; `shift` makes compounds differ."""
    hazard = {"item": "B2", "checkpoint": "lamp", "points_milli": 1_500, "finding": "dark"}
    happens: dict[int, tuple[str, dict[str, Any]]] = {
        1: ("hazard.opened", {**hazard, "hazard_id": "H1", "class": "major"}),
        2: ("incident.recorded", {"code": "010301", "status": "filed"}),
        3: ("facility.status", {"item": "C1", "online": 0, "total": 10}),
        4 + shift: ("facility.status", {"item": "C2", "online": 0, "total": 10}),
        6: ("hazard.opened", {**hazard, "hazard_id": "H4", "class": "major", "checkpoint": "lamp-4"}),
        10: ("hazard.opened", {**hazard, "hazard_id": "H2", "class": "ordinary", "checkpoint": "lamp-2"}),
        13 + shift: ("hazard.verified", {"hazard_id": "H2"}),
        17 + shift: ("hazard.verified", {"hazard_id": "H4"}),
        20: ("facility.status", {"item": "C1", "online": 10, "total": 10}),
        21 + shift: ("facility.status", {"item": "C2", "online": 10, "total": 10}),
        33: ("hazard.opened", {**hazard, "hazard_id": "H3", "class": "major", "checkpoint": "lamp-3"}),
    }
    return [stage.fact(compound, *happens[day])] if day in happens else []


async def test_stars_and_reminders_of_an_absence_are_told_once_and_as_history(still: Stage) -> None:
    assert isinstance(still.clock, FixedClock)
    for compound in COMPOUNDS:
        await still.register(compound, enrolled_on="2025-11-01")
    async with still.service() as client:
        await still.at_rest(client)
    before = {one["id"] for one in await still.outcomes()}
    stars_before = {
        row[0]: row[1]
        for row in await still.connection.fetch("SELECT compound, dynamic_star FROM compound_state")
    }
    for day in range(1, DAYS + 1):
        still.clock.advance(days=1)
        for shift, compound in enumerate(COMPOUNDS):
            await still.facts(_facts_of(still, compound, day, shift % 3))
    # Intake was there all the time, so that it is known at once which day it is.
    observed = still.fact("clock", "clock.observed", {"observed_at": still.clock.now().isoformat()})
    await still.send(ACCESS, json.dumps(observed).encode(), key="clock")

    shown = await close_days(still.settings, None, confirm=False, clock=still.clock)
    assert (shown["over_through"], shown["days_behind"]) == (LAST_OPEN - timedelta(days=1), DAYS)
    # Many small batches, between which days could close too early.
    fold = still.settings.fold.model_copy(update={"batch_records_max": 3})
    with capture_logs() as lines:
        async with still.service(fold=fold) as client:
            await _all_closed(still)
            await still.at_rest(client)
            metrics = (await client.get("/metrics")).text
    told = [one for one in await still.outcomes() if one["id"] not in before]
    shown = await close_days(still.settings, None, confirm=False, clock=still.clock)

    assert shown["days_behind"] == 0
    assert {one["closed_day"] for one in shown["partitions"]} == {LAST_OPEN - timedelta(days=1)}
    said = [one for one in lines if one["event"] in {"days_catching_up", "days_caught_up"}]
    assert [one.get("days_behind") for one in said][:2] == [DAYS, DAYS - 7]
    assert said[-1]["event"] == "days_caught_up"
    assert f"anxing_scoring_days_closed_total {float(DAYS * still.kafka.partitions)}" in metrics
    expected = await _expected(still, stars_before)
    assert _stars(told) == expected["stars"]
    assert len(expected["stars"]) > len(COMPOUNDS)
    assert _reminders(told) == expected["reminders"]
    assert len(expected["reminders"]) >= 4 * len(COMPOUNDS)
    assert _overdue(told) == expected["overdue"]
    assert {hazard for _, hazard, _ in expected["overdue"]} == {"H1", "H2", "H4"}
    # Nothing of it was closed too early and then put right.
    assert not [one for one in told if one["type"].endswith("history.revised.v1")]
    _assert_marked(told)
    await still.assert_dense()


async def _all_closed(stage: Stage) -> None:
    async def closed() -> bool:
        found = await stage.connection.fetch(
            "SELECT DISTINCT closed_day FROM input_cursor WHERE topic = $1", stage.kafka.name_of(FACTS)
        )
        return [row[0] for row in found] == [LAST_OPEN - timedelta(days=1)]

    await eventually(closed, 90)


def _stars(told: list[dict[str, Any]]) -> list[tuple[str, int | None, int | None, str]]:
    found = [
        (one["subject"], one["data"].get("from"), one["data"].get("to"), one["data"]["effective_day"])
        for one in told
        if one["type"].endswith("star.changed.v1")
    ]
    return sorted(found, key=str)


def _reminders(told: list[dict[str, Any]]) -> list[tuple[str, str, str, int]]:
    return sorted(
        (one["subject"], one["data"]["hazard_id"], one["data"]["day"], one["data"]["days_left"])
        for one in told
        if one["type"].endswith("hazard.due_soon.v1")
    )


def _overdue(told: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return sorted(
        (one["subject"], one["data"]["hazard_id"], one["data"]["day"])
        for one in told
        if one["type"].endswith("hazard.overdue.v1")
    )


def _assert_marked(told: list[dict[str, Any]]) -> None:
    """What is about a day more than two days old is history, the rest is news."""
    for one in told:
        data = one["data"]
        if one["type"].endswith("star.changed.v1"):
            about = date.fromisoformat(data["effective_day"])
        elif one["type"].endswith("hazard.due_soon.v1"):
            about = date.fromisoformat(data["day"]) + timedelta(days=1)
        elif one["type"].endswith("hazard.overdue.v1"):
            about = date.fromisoformat(data["day"])
        else:
            continue
        assert data["historical"] is ((LAST_OPEN - about).days > 2), one


async def _expected(stage: Stage, stars_before: dict[str, int | None]) -> dict[str, list[Any]]:
    """What a service that had never been away would have told, by the pure domain, a day at a time."""
    database = await Database.open(stage.settings.database, application_name="test")
    rules = rubric()
    stars: list[Any] = []
    reminders: list[Any] = []
    overdue: dict[tuple[str, str], str] = {}
    try:
        views = Views(database, rules.name, ZONE, stage.kafka.name_of(FACTS))
        for compound in COMPOUNDS:
            found = await views.compounded(compound)
            assert found is not None
            book = Book(compound, rules, found.registry)
            for fact in found.facts:
                book.add(fact)
            first = date(2026, 3, 10).toordinal()
            book.close_through(first - 1)
            star = stars_before[compound]
            for day in range(first, first + DAYS):
                for step in book.close_through(day):
                    if step.dynamic_star != star:
                        stars.append(
                            (compound, star, step.dynamic_star, date.fromordinal(step.day).isoformat())
                        )
                        star = step.dynamic_star
                for hazard_id, life in reminded_on(book.shelves.hazards.events, rules.hazards, day):
                    on = date.fromordinal(day).isoformat()
                    reminders.append((compound, hazard_id, on, life.due - day))
                for hazard_id in book.deadlines(day + 1).overdue:
                    overdue.setdefault((compound, hazard_id), date.fromordinal(day + 1).isoformat())
    finally:
        await database.close()
    return {
        "stars": sorted(stars, key=str),
        "reminders": sorted(reminders),
        "overdue": sorted((*key, day) for key, day in overdue.items()),
    }
