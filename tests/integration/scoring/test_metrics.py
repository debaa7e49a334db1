"""Every metric that an operator is told of is there, and says what happened."""

import re
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from scoring.metrics import ScoringMetrics
from shared.events.topics import FACTS
from shared.runtime.clock import FixedClock
from shared.runtime.metrics import Metrics
from shared.runtime.settings import KafkaSettings

from tests.conftest import MakeDatabase
from tests.eventually import eventually
from tests.integration.scoring.stage import Stage, stage_on

NOON = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)
OPERATING = Path(__file__).parents[3] / "shared" / "docs" / "operating.md"
FENCED = 'anxing_batches_total{consumer="facts",result="fenced"}'

Values = Mapping[str, float]


@pytest.fixture
async def still(kafka: KafkaSettings, make_database: MakeDatabase) -> AsyncIterator[Stage]:
    """An installation whose clock stands still until it is moved."""
    async with stage_on(kafka, await make_database("scoring"), FixedClock(NOON)) as one:
        yield one


async def _values(client: httpx.AsyncClient) -> Values:
    """Each sample by its name with its labels, as Prometheus reads them."""
    text = (await client.get("/metrics")).text
    return {
        sample.name + ("" if not sample.labels else "{" + _labels(sample.labels) + "}"): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def _labels(labels: Mapping[str, str]) -> str:
    return ",".join(f'{name}="{value}"' for name, value in sorted(labels.items()))


async def _shows(client: httpx.AsyncClient, what: Callable[[Values], bool]) -> Values:
    values: Values = {}

    async def shown() -> bool:
        nonlocal values
        values = await _values(client)
        return what(values)

    await eventually(shown, 60)
    return values


async def test_metrics_tell_of_traffic_parking_work_and_days(still: Stage) -> None:
    await still.register("C1", enrolled_on="2026-01-01")
    async with still.service() as client:
        await still.at_rest(client)
        facts = [
            still.fact("C1", "incident.recorded", {"code": "010301", "status": "filed"}) for _ in range(20)
        ]
        await still.facts(facts)
        await still.send(FACTS, b"broken", key="C1")
        await still.at_rest(client)
        values = await _shows(client, lambda v: v['anxing_scoring_parked_open{consumer="facts"}'] == 1)
        _assert_traffic(values)

        # Nobody carries this out.
        await still.connection.execute(
            "INSERT INTO work (partition, kind, key, cause, not_before)"
            " VALUES (0, 'test', 'k', 'c', now() - interval '90 s')"
        )
        values = await _shows(client, lambda v: v["anxing_scoring_pending_work"] == 1)
        assert 90 <= values["anxing_scoring_pending_work_oldest_seconds"] < 600
        await still.connection.execute("DELETE FROM work WHERE kind = 'test'")
        values = await _shows(client, lambda v: v["anxing_scoring_pending_work"] == 0)
        assert values["anxing_scoring_pending_work_oldest_seconds"] == 0

        assert isinstance(still.clock, FixedClock)
        still.clock.advance(days=6)
        # Two days close: no more are known to be over.
        values = await _shows(client, lambda v: v["anxing_scoring_days_behind"] == 4)
        assert values["anxing_scoring_days_held"] == 1

        await still.connection.execute("UPDATE input_cursor SET epoch = epoch + 1")
        await still.facts([still.fact("C1", "survey.recorded", {"satisfied": 1, "asked": 2})])
        await _shows(client, lambda v: v[FENCED] >= 1)
        _assert_documented(values)


def _assert_traffic(values: Values) -> None:
    facts = '{consumer="facts"}'
    assert values["anxing_batch_records_count" + facts] >= 1
    assert values["anxing_batch_records_sum" + facts] == 21
    assert values["anxing_batch_seconds_count" + facts] >= 1
    assert 0 < values["anxing_batch_seconds_sum" + facts] < 60
    assert values["anxing_lag_records" + facts] == 0
    assert values["anxing_claims" + facts] == 4
    assert values['anxing_outbox_oldest_seconds{relay="outcomes"}'] >= 0
    assert values['anxing_batches_total{consumer="facts",result="committed"}'] >= 2
    assert values[FENCED] == 0
    assert values['anxing_parked_records_total{code="invalid_json",consumer="facts"}'] == 1
    assert values['anxing_scoring_parked_open{consumer="registry"}'] == 0
    assert values["anxing_scoring_days_behind"] == 0
    assert values['anxing_scoring_facts_total{result="new"}'] == 20


def _assert_documented(values: Values) -> None:
    """Operators find each name of scoring's own in the page for them, and no name that is not there."""
    page = OPERATING.read_text(encoding="utf-8")
    families = {_family(name) for name in values if name.startswith("anxing_scoring_")}
    assert {name for name in families if name not in page} == set()


def _family(sample: str) -> str:
    name = sample.partition("{")[0]
    for suffix in ("_created", "_total"):
        name = name.removesuffix(suffix)
    return name


def test_the_page_names_no_metric_that_does_not_exist() -> None:
    plumbing = Metrics("test")
    ScoringMetrics(plumbing)
    known = {family.name for family in plumbing.registry.collect()}
    named = set(re.findall("`(anxing_[a-z_]+)`", OPERATING.read_text(encoding="utf-8")))
    assert {name for name in named if name.removesuffix("_total") not in known} == set()
    assert named
