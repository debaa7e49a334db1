"""Days close by clock and news, never by a clock alone."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from scoring.app import ScoringService
from scoring.domain.rubric_sections import Rubric
from scoring.settings import ScoringSettings
from shared.runtime.clock import Clock, FixedClock
from shared.runtime.database import Database
from shared.runtime.settings import KafkaSettings

from tests.conftest import MakeDatabase
from tests.eventually import eventually
from tests.integration.scoring.stage import OneClockArchive, Stage, stage_on

NOON = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)


@pytest.fixture
async def still(kafka: KafkaSettings, make_database: MakeDatabase):  # type: ignore[no-untyped-def]
    """An installation whose clock stands still until it is moved."""
    async with stage_on(kafka, await make_database("scoring"), FixedClock(NOON)) as one:
        yield one


async def _closed(stage: Stage) -> set[date | None]:
    rows = await stage.connection.fetch(
        "SELECT closed_day FROM input_cursor WHERE topic = $1", stage.kafka.name_of(_facts())
    )
    return {row[0] for row in rows}


def _facts():  # type: ignore[no-untyped-def]
    from shared.events.topics import FACTS  # noqa: PLC0415 - one name

    return FACTS


def _clock(stage: Stage) -> FixedClock:
    assert isinstance(stage.clock, FixedClock)
    return stage.clock


async def test_a_day_closes_half_an_hour_after_midnight_and_points_expire(still: Stage) -> None:
    await still.register("C1", enrolled_on="2026-01-01")
    async with still.service() as client:
        await still.at_rest(client)
        finding = {"item": "A1", "checkpoint": "gate", "result": "fail", "finding": "post_empty"}
        await still.facts([still.fact("C1", "inspection.recorded", {"kind": "night", "checks": [finding]})])
        await still.at_rest(client)
        assert await _closed(still) == {date(2026, 3, 9)}
        _clock(still).set(datetime(2026, 3, 10, 16, 29, tzinfo=UTC))
        await still.facts([still.fact("C2", "survey.recorded", {"satisfied": 1, "asked": 2})])
        await still.at_rest(client)
        assert await _closed(still) == {date(2026, 3, 9)}
        _clock(still).set(datetime(2026, 3, 10, 16, 31, tzinfo=UTC))
        await eventually(lambda: _all(still, date(2026, 3, 10)))
        # The finding weighs half from the 60th day on, whatever else happens or does not.
        for day in range(11, 11 + 60):
            _clock(still).set(datetime(2026, 3, 1, 16, 31, tzinfo=UTC) + timedelta(days=day - 1))
            await still.facts([still.fact("C2", "survey.recorded", {"satisfied": 1, "asked": 2})])
            await eventually(lambda day=day: _all(still, date(2026, 3, 1) + timedelta(days=day - 1)))
        await still.at_rest(client)
        changes = [
            one["data"]
            for one in await still.outcomes()
            if one["subject"] == "C1"
            and one["type"].endswith("score.updated.v1")
            and one["data"]["cause"] == "time"
        ]
        halved = [one for one in changes if any(why["item"] == "A1" for why in one.get("reasons", ()))]
        assert [one["day"] for one in halved] == ["2026-05-09"]
        steps = (await client.get("/v1/compounds/C1/history", params={"from": "2026-03-01"})).json()["steps"]
        points = {step["day"]: step["items"]["A1"] for step in steps}
        assert points["2026-03-10"] == 3_500
        assert points["2026-05-09"] == 4_250


async def test_a_clock_that_jumps_closes_no_year(still: Stage) -> None:
    await still.register("C1")
    async with still.service() as client:
        await still.facts([still.fact("C1", "survey.recorded", {"satisfied": 1, "asked": 2})])
        await still.at_rest(client)
        before = await still.scores()
        _clock(still).advance(days=400)
        # At most one day ahead of the news: the day of the news and the one after it.
        await eventually(lambda: _all(still, date(2026, 3, 11)))
        await still.at_rest(client)
        metrics = (await client.get("/metrics")).text
        assert "anxing_scoring_days_held 1.0" in metrics
        assert await _closed(still) == {date(2026, 3, 11)}
        score = (await client.get("/v1/compounds/C1")).json()
        assert score["day"] <= "2026-03-12"
        assert len(await still.scores()) >= len(before)
        await still.connection.execute(
            "INSERT INTO day_confirmation (through, confirmed_by) VALUES ($1, 'test')", date(2026, 3, 20)
        )
        await eventually(lambda: _all(still, date(2026, 3, 20)))
        assert await _closed(still) == {date(2026, 3, 20)}


async def test_a_wrong_clock_begins_nothing_while_nothing_was_received(still: Stage) -> None:
    wrong = FixedClock(NOON + timedelta(days=400))

    class Archive(OneClockArchive):
        async def clock_skew_seconds(self) -> float:
            return (NOON - wrong.now()).total_seconds()

    def archive(database: Database, settings: ScoringSettings, clock: Clock, rubric: Rubric) -> Archive:
        return Archive(database, settings, clock, settings.kafka.name_of(_facts()), rubric.name)

    # The key for the API is from an earlier life: it tells nothing of the time.
    service = ScoringService(still.settings, clock=wrong, make_archive=archive)
    try:
        await service.start()
        await eventually(lambda: service.worker.ready, 30)
        figures = service._metrics.registry
        await eventually(lambda: figures.get_sample_value("anxing_scoring_days_held") == 1)
        assert await _closed(still) == {None}
        wrong.set(NOON)
        await eventually(lambda: _all(still, date(2026, 3, 9)))
    finally:
        await service.stop()


async def test_a_clock_that_was_ahead_puts_no_refold_off(still: Stage) -> None:
    def late() -> dict[str, Any]:
        long_ago = NOON - timedelta(days=40)
        return still.fact("C1", "survey.recorded", {"satisfied": 1, "asked": 2}, time=long_ago)

    async def nothing_to_do() -> bool:
        return await still.connection.fetchval("SELECT count(*) FROM work") == 0

    await still.register("C1")
    async with still.service() as client:
        await still.at_rest(client)
        for ahead in (timedelta(days=400), timedelta()):
            _clock(still).set(NOON + ahead)
            await still.facts([late()])
            await still.at_rest(client)
            await eventually(nothing_to_do)


async def test_closing_day_by_day_equals_folding_all_at_once(still: Stage) -> None:
    await still.register("C1", enrolled_on="2025-12-01")
    async with still.service() as client:
        for day in range(40):
            now = _clock(still).now()
            code = ("010301", "020100", "010306")[day % 3]
            facts = [still.fact("C2", "survey.recorded", {"satisfied": 1, "asked": 2})]
            if day % 5 == 0:
                facts.append(still.fact("C1", "incident.recorded", {"code": code, "status": "filed"}))
            await still.facts(facts)
            local = (now + timedelta(hours=8)).date()
            await still.at_rest(client)
            _clock(still).advance(days=1)
            await eventually(lambda local=local: _all(still, local))
        await still.facts([still.fact("C2", "survey.recorded", {"satisfied": 1, "asked": 2})])
        await still.at_rest(client)
        closed = (await _closed(still)).pop()
        assert closed is not None
        stored = (await client.get("/v1/compounds/C1/history", params={"from": "2025-12-01"})).json()["steps"]
        in_force = {}
        for step in stored:
            in_force[step["day"]] = step
        current = None
        for offset in range((closed - date(2025, 12, 1)).days + 1):
            day = (date(2025, 12, 1) + timedelta(days=offset)).isoformat()
            current = in_force.get(day, current)
            answer = (await client.get("/v1/compounds/C1/score", params={"day": day})).json()
            assert current is not None
            assert (answer["score_milli"], answer["dynamic_star"]) == (
                current["score_milli"],
                current["dynamic_star"],
            ), day


async def _all(stage: Stage, day: date) -> bool:
    stage.wake()
    return await _closed(stage) == {day}
