"""From an outcome on the topic to a verified webhook, and everything that is promised on the way."""

import json
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

from aiokafka import AIOKafkaConsumer
from notify.domain.identity import delivery_id, notice_id
from notify.domain.organisations import RecipientId
from shared.events.outcomes import (
    OutcomeAssessmentDecided,
    OutcomeFactUnassigned,
    OutcomeScoreUpdated,
    OutcomeStarChanged,
    OutcomeWarningRaised,
    Reason,
    Relations,
)
from shared.events.topics import DELIVERIES, OUTCOMES, PARKED, Topic
from standardwebhooks import Webhook

from tests.eventually import eventually
from tests.integration.notify.receivers import receiver
from tests.integration.notify.stage import RELATIONS, Stage


def star(*, historical: bool = False, relations: Relations = RELATIONS) -> OutcomeStarChanged:
    return OutcomeStarChanged(
        relations=relations,
        historical=historical,
        from_=4,
        to=3,
        effective_day=date(2026, 11, 24),
        cause="fact",
        score_milli=76_000,
        reasons=(Reason(item="D1", change_milli=-4000, kind="incident.recorded", code="010301"),),
    )


async def test_an_outcome_becomes_a_webhook_that_the_reference_verifier_accepts(stage: Stage) -> None:
    await stage.register("community", "Q03", "江滨社区")
    async with receiver() as inbox, stage.service() as client:
        endpoint = await client.add_webhook("community:Q03", inbox.url("/q03"))
        outcome = await stage.announce(star())
        await client.at_rest()
        (request,) = inbox.requests
        body = Webhook(endpoint["secret"]).verify(request.body.decode(), request.headers)
        assert body["type"] == "anxing.outcome.star.changed.v1"
        data = body["data"]
        assert data["outcome_id"] == str(outcome)
        assert data["notice"]["recipient"] == {"id": "community:Q03", "name": "江滨社区"}
        assert data["notice"]["title"] == "C00017动态星级由四星变为三星"
        assert "code" not in data["outcome"]["reasons"][0]
        notice = notice_id(outcome, RecipientId("community:Q03"))
        assert request.webhook_id == str(delivery_id(notice, UUID(endpoint["id"])))
        (event,) = [json.loads(value) for value in await read(stage, DELIVERIES)]
        assert event["type"] == "anxing.delivery.notice.delivered.v1"
        assert event["data"]["notice_id"] == str(notice)
        # The inbox says the same.
        (entry,) = (await client.get("/v1/notices?recipient=community:Q03"))["items"]
        assert (entry["id"], entry["title"]) == (str(notice), data["notice"]["title"])


async def test_every_recipient_of_every_outcome_has_a_decision(stage: Stage) -> None:
    await stage.register("sub_bureau", "F1", "上虞分局城区大队")
    await stage.register("station", "S1", "城东派出所", "F1")
    await stage.register("station", "S2", "城西派出所", "F1")
    await stage.register("bureau", "G1", "上虞分局")
    await stage.register("construction_bureau", "B1", "上虞区建设局")
    async with stage.service() as client:
        changed = await stage.announce(star())
        warned = await stage.announce(
            OutcomeWarningRaised(
                relations=RELATIONS,
                historical=False,
                day=date(2026, 11, 24),
                level="red",
                cause="below_90_days",
            )
        )
        lost = await stage.announce(
            OutcomeFactUnassigned(
                relations=Relations(),
                historical=False,
                event_id=str(uuid4()),
                event_type="anxing.incident.recorded.v1",
                since=datetime.now(UTC),
            ),
            compound="UNKNOWN",
        )
        await client.at_rest()
    told = ("inbox_only", "star", "no-endpoint")
    silent = ("suppressed", "not-concerned", None)
    assert await stage.decisions(changed) == {
        "company:P01": told,
        "community:Q03": told,
        "committee:Y017": told,
        "station:S1": silent,
        "developer:K02": silent,
        "street:T1": silent,
        "sub_bureau:F1": silent,
        "bureau:G1": silent,
        "construction_bureau:B1": silent,
    }
    actions = {who: action for who, (action, _, _) in (await stage.decisions(warned)).items()}
    assert {who for who, action in actions.items() if action == "suppressed"} == {
        "station:S1",
        "developer:K02",
    }
    assert set(await stage.decisions(lost)) == {"station:S1", "station:S2"}
    noticed = await stage.value("SELECT count(*) FROM decision WHERE action <> 'suppressed'")
    assert await stage.value("SELECT count(*) FROM notice") == noticed


async def test_history_wakes_nobody_but_the_annual_result_does(stage: Stage) -> None:
    async with receiver() as inbox, stage.service() as client:
        await client.add_webhook("company:P01", inbox.url())
        await stage.announce(star(historical=True))
        decided = OutcomeAssessmentDecided(
            relations=RELATIONS,
            historical=True,
            year=2025,
            score_milli=91_000,
            star=5,
            reward_yuan=5000,
            rubric="shangyu-v1",
            input_hash="0" * 64,
        )
        await stage.announce(decided)
        await client.at_rest()
        (request,) = inbox.requests
        assert json.loads(request.body)["type"] == "anxing.outcome.assessment.decided.v1"
        notices = (await client.get("/v1/notices?recipient=company:P01"))["items"]
        assert {(one["mandatory"], one["historical"]) for one in notices} == {(True, True), (False, True)}


async def test_a_repeated_sequence_or_id_is_told_once(stage: Stage) -> None:
    async with receiver() as inbox, stage.service() as client:
        await client.add_webhook("company:P01", inbox.url())
        first = await stage.announce(star())
        second = await stage.announce(star())
        # A relay that woke up again: the same records under the same numbers.
        await stage.announce(star(), outcome=first, sequence=1)
        await stage.announce(star(), outcome=second, sequence=2)
        # Another event under a number that was read: what is told under a number is told once.
        await stage.announce(star(), sequence=2)
        # A writer that lost its database: the same events under a new incarnation.
        await stage.announce(star(), outcome=second, sequence=1, incarnation=2)
        third = await stage.announce(star(), sequence=2, incarnation=2)
        # The old writer is heard of once more.
        await stage.announce(star(), outcome=first, sequence=1, incarnation=1)
        await client.at_rest()
    assert await stage.rows('SELECT event_id FROM inbox_event ORDER BY "offset"') == [
        (first,),
        (second,),
        (third,),
    ]
    assert len(inbox.requests) == len(set(inbox.webhook_ids)) == 3
    assert await stage.rows("SELECT incarnation, sequence FROM source_position ORDER BY 1") == [
        (1, 2),
        (2, 2),
    ]


async def test_a_restart_repeats_nothing(stage: Stage) -> None:
    async with receiver() as inbox:
        async with stage.service() as client:
            await client.add_webhook("company:P01", inbox.url())
            await stage.announce(star())
            await client.at_rest()
        async with stage.service() as client:
            await stage.announce(star())
            await client.at_rest()
    assert len(inbox.requests) == 2
    assert await stage.value("SELECT count(*) FROM decision") == 12


async def test_poison_is_parked_with_its_bytes_and_the_rest_goes_on(stage: Stage) -> None:
    poison: list[bytes | None] = [
        b"\xff not json",
        b"{}",
        None,
        json.dumps(envelope("anxing.outcome.never.heard.v1")).encode(),
        json.dumps(envelope("anxing.incident.recorded.v1")).encode(),
        json.dumps(envelope("anxing.outcome.star.changed.v1", id="not-a-uuid")).encode(),
        json.dumps(envelope("anxing.outcome.star.changed.v1", data={"from": "four"})).encode(),
    ]
    async with receiver() as inbox, stage.service() as client:
        await client.add_webhook("company:P01", inbox.url())
        for value in poison:
            await stage.put(OUTCOMES, value, "C00017")
        await stage.announce(star())
        await client.at_rest()
        assert len(inbox.requests) == 1
        parked = await stage.rows('SELECT value FROM parked ORDER BY "offset"')
        assert [row[0] for row in parked] == poison
        await eventually(lambda: announced(stage, len(poison)))
    published = await read(stage, PARKED)
    assert sorted(published, key=str) == sorted(poison, key=str)


async def test_names_come_from_the_registry_as_of_today(stage: Stage) -> None:
    await stage.register("community", "Q03", "旧名社区")
    await stage.register("community", "Q03", "江滨社区")
    async with stage.service() as client:
        await stage.announce(star())
        await client.at_rest()
        (entry,) = (await client.get("/v1/recipients?kind=community"))["items"]
    assert entry["name"] == "江滨社区"


async def test_hundreds_of_outcomes_of_many_compounds_all_arrive_once(stage: Stage) -> None:
    async with receiver() as inbox, stage.service() as client:
        for number in range(10):
            await client.add_webhook(f"company:P{number:02d}", inbox.url(f"/{number}"))
        for number in range(300):
            relations = Relations(company=f"P{number % 10:02d}", community="Q03", station="S1")
            score = OutcomeScoreUpdated(
                relations=relations,
                historical=False,
                day=date(2026, 11, 24),
                score_milli=80_000,
                rated=True,
                version=1,
                rubric="shangyu-v1",
                cause="fact",
            )
            await stage.announce(score, compound=f"C{number:05d}")
        await client.at_rest()
    assert len(inbox.requests) == len(set(inbox.webhook_ids)) == 300
    assert await stage.value("SELECT count(*) FROM decision") == 900


def envelope(kind: str, **changes: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": "urn:anxing:scoring",
        "type": kind,
        "subject": "C00017",
        "time": "2026-11-24T09:00:00Z",
        "data": {},
        **changes,
    }


async def announced(stage: Stage, count: int) -> bool:
    published = await stage.value("SELECT count(*) FROM parked WHERE published_at IS NOT NULL")
    return bool(published == count)


async def read(stage: Stage, topic: Topic) -> list[bytes | None]:
    """Every value on a topic, up to its end now."""
    name = stage.kafka.name_of(topic)
    consumer = AIOKafkaConsumer(
        name, bootstrap_servers=stage.kafka.bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    try:
        ends = await consumer.end_offsets(consumer.assignment())
        values: list[bytes | None] = []
        while sum(ends.values()) > len(values):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                values += [record.value for record in records]
        return values
    finally:
        await consumer.stop()
