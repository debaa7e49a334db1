"""What becomes of facts that are broken, early, late, corrected or withdrawn."""

import json
from datetime import timedelta

from shared.events.topics import FACTS

from tests.eventually import eventually
from tests.integration.scoring.stage import ZONE, Stage


def _kinds(outcomes: list[dict[str, object]]) -> list[str]:
    return [str(one["type"]).removeprefix("anxing.outcome.").removesuffix(".v1") for one in outcomes]


async def test_a_fact_moves_the_score_and_says_why(stage: Stage) -> None:
    await stage.register("C1", enrolled_on="2026-01-01")
    async with stage.service() as client:
        await eventually(lambda: _known(client, "C1"))
        fact = stage.fact("C1", "incident.recorded", {"code": "010301", "status": "filed"})
        await stage.facts([fact])
        await stage.at_rest(client)
        body = (await client.get("/v1/compounds/C1/score")).json()
        assert body["items"]["D1"] == 12_000 - 4_000 * 1_250 // 1_000
        assert not body["closed"]
        updated = [one for one in await stage.outcomes() if one["cause"] == fact["id"]]
        # Without evidence for long it has no star, and the score lies within a point of the second.
        assert _kinds(updated) == ["score.updated", "threshold.near"]
        data = updated[0]["data"]
        assert data["cause_event"] == fact["id"]
        assert data["previous"] - data["score_milli"] == 5_000 + 2_000
        assert (
            data["relations"]
            == {
                "company": "P01",
                "community": "S1",
                "station": "baiguan",
                "committee": "W1",
                "developer": None,
                "street": None,
            }
            or data["relations"]["station"] == "baiguan"
        )
        assert {one["item"]: one["change_milli"] for one in data["reasons"]} == {"D1": -5_000, "D3": -2_000}
        assert data["reasons"][0]["root"] == fact["id"]
        assert data["historical"] is False


async def test_what_hazards_inspections_disputes_and_vetoes_tell(stage: Stage) -> None:
    await stage.register("C1")
    now = stage.clock.now()
    hazard = {
        "item": "B2",
        "checkpoint": "lamp-2",
        "class": "ordinary",
        "points_milli": 1500,
        "finding": "lamp_dark",
    }
    async with stage.service() as client:
        await eventually(lambda: _known(client, "C1"))
        await stage.facts(
            [
                stage.fact(
                    "C1", "hazard.opened", {**hazard, "hazard_id": "h1"}, time=now - timedelta(hours=9)
                ),
                stage.fact("C1", "hazard.verified", {"hazard_id": "h1"}, time=now - timedelta(hours=8)),
            ]
        )
        await stage.at_rest(client)
        checks = [{"item": "B1", "checkpoint": "wall", "result": "fail"}]
        await stage.facts(
            [
                stage.fact("C1", "hazard.opened", {**hazard, "hazard_id": "h2"}),
                stage.fact("C1", "inspection.recorded", {"kind": "routine", "checks": checks}),
                stage.fact("C1", "dispute.recorded", {"dispute_id": "d1", "code": "080101"}),
                stage.fact(
                    "C1",
                    "veto.proposed",
                    {"veto_id": "v1", "veto": "V3", "occurred_on": "2026-03-01", "reason": "秘密"},
                ),
                stage.fact(
                    "C1", "objection.filed", {"objection_id": "o1", "against": [_uuid(5)], "grounds": "秘密"}
                ),
            ]
        )
        await stage.at_rest(client)
        outcomes = await stage.outcomes()
        by_kind = {kind: one["data"] for kind, one in zip(_kinds(outcomes), outcomes, strict=True)}
        opened = [one["data"] for one in outcomes if one["type"] == "anxing.outcome.hazard.opened.v1"]
        repeated = {one["hazard_id"]: one.get("repeat", False) for one in opened}
        assert repeated == {"h1": False, "h2": True}
        assert by_kind["hazard.closed"]["on_time"] is True
        assert by_kind["inspection.assessed"]["lost"] == {"B1": 3_000}
        assert by_kind["dispute.due"]["dispute_id"] == "d1"
        assert by_kind["veto.proposed"]["veto"] == "V3"
        assert by_kind["objection.filed"]["against"] == [_uuid(5)]
        assert "秘密" not in json.dumps(outcomes, ensure_ascii=False)


async def test_a_poisoned_record_is_parked_and_the_rest_goes_on(stage: Stage) -> None:
    await stage.register("C1")
    async with stage.service() as client:
        await eventually(lambda: _known(client, "C1"))
        unknown_code = stage.fact("C1", "incident.recorded", {"code": "999999", "status": "filed"})
        elsewhere = stage.fact("C1", "incident.recorded", {"code": "010301", "status": "filed"})
        other = (stage.partition("C1") + 1) % stage.kafka.partitions
        await stage.send(FACTS, b"\xffnot json", key="C1")
        await stage.facts([unknown_code, stage.fact("C1", "no.such", {})])
        await stage.send(FACTS, json.dumps(elsewhere).encode(), key="C1", partition=other)
        await stage.send(FACTS, None, key="C1")
        good = stage.fact("C1", "incident.recorded", {"code": "010302", "status": "filed"})
        await stage.facts([good])
        await stage.at_rest(client)
        codes = await stage.connection.fetch('SELECT code, value FROM parked ORDER BY partition, "offset"')
        assert {row["code"] for row in codes} == {
            "invalid_json",
            "unknown_code",
            "unknown_type",
            "wrong_partition",
            "no_value",
        }
        assert b"\xffnot json" in [row["value"] for row in codes]
        assert await stage.connection.fetchval("SELECT array_agg(event_id) FROM ledger") == [good["id"]]
        await stage.assert_dense()


async def test_facts_wait_for_their_compound(stage: Stage) -> None:
    settings = stage.settings.work.model_copy(update={"unassigned_after_seconds": 0.2})
    async with stage.service(work=settings) as client:
        facts = [
            stage.fact("C9", "incident.recorded", {"code": "010301", "status": "filed"}),
            stage.fact("C9", "incident.recorded", {"code": "010302", "status": "filed"}),
        ]
        await stage.facts(facts)
        await eventually(
            lambda: stage.connection.fetchval("SELECT facts FROM unassigned WHERE compound = 'C9'")
        )
        assert (await client.get("/v1/compounds/C9/score")).status_code == 404

        async def told() -> bool:
            return _kinds(await stage.outcomes()) == ["fact.unassigned"]

        await eventually(told)
        reported = (await stage.outcomes())[0]
        assert reported["data"]["event_id"] == facts[0]["id"]
        await stage.register("C9")
        await stage.at_rest(client)
        body = (await client.get("/v1/compounds/C9/score")).json()
        assert body["items"]["D1"] == 12_000 - 5_000 - 1_500 * 1_250 // 1_000 * 2
        assert await stage.connection.fetchval("SELECT count(*) FROM unassigned") == 0
        assert _kinds(await stage.outcomes()) == [
            "fact.unassigned",
            "score.updated",
            "star.changed",
            "threshold.near",
        ]
        await stage.facts([stage.fact("C9", "incident.recorded", {"code": "010303", "status": "filed"})])
        await stage.at_rest(client)
        assert _kinds(await stage.outcomes()).count("fact.unassigned") == 1


async def test_a_late_fact_revises_history_once(stage: Stage) -> None:
    await stage.register("C1")
    day = stage.clock.now() - timedelta(days=40)
    async with stage.service() as client:
        await eventually(lambda: _known(client, "C1"))
        late = [
            stage.fact(
                "C1",
                "incident.recorded",
                {"code": "010301", "status": "filed"},
                time=day + timedelta(minutes=n),
            )
            for n in range(3)
        ]
        await stage.facts(late)
        await stage.at_rest(client)
        revised = [one for one in await stage.outcomes() if one["type"].endswith("history.revised.v1")]
        local = day.astimezone(ZONE).date().isoformat()
        assert len(revised) in (1, 2), revised
        assert {one["data"]["first_day"] for one in revised} == {local}
        past = await client.get("/v1/compounds/C1/history", params={"from": local, "to": local})
        assert past.json()["steps"][-1]["items"]["D1"] == 0
        score = await client.get("/v1/compounds/C1/score", params={"day": local})
        assert score.json()["closed"]
        assert score.json()["items"]["D1"] == 0
        updated = [one for one in await stage.outcomes() if one["cause"] == late[-1]["id"]]
        assert all(one["data"]["historical"] for one in updated if "score.updated" in one["type"])


async def test_corrections_and_withdrawals_count_whatever_order_they_come_in(stage: Stage) -> None:
    await stage.register("C1")
    async with stage.service() as client:
        await eventually(lambda: _known(client, "C1"))
        first = stage.fact("C1", "incident.recorded", {"code": "010301", "status": "filed"})
        second = stage.fact(
            "C1", "incident.recorded", {"code": "020100", "status": "filed"}, rootid=first["id"], revision=2
        )
        third = stage.fact("C1", "fact.withdrawn", {"reason": "误报"}, rootid=first["id"], revision=3)
        await stage.facts([second])
        await stage.at_rest(client)
        assert (await client.get("/v1/compounds/C1/score")).json()["items"]["D1"] == 12_000
        assert (await client.get("/v1/compounds/C1/score")).json()["items"]["D2"] < 8_000
        await stage.facts([first, third, first, second])
        await stage.at_rest(client)
        body = (await client.get("/v1/compounds/C1/score")).json()
        assert (body["items"]["D1"], body["items"]["D2"]) == (12_000, 8_000)
        assert await stage.connection.fetchval("SELECT event_id FROM ledger") == third["id"]
        history = await stage.connection.fetchval(
            "SELECT array_agg(event_id ORDER BY revision) FROM ledger_history"
        )
        assert history == [first["id"], second["id"]]
        await stage.facts([first, second, third])
        await stage.at_rest(client)
        assert await stage.connection.fetchval("SELECT count(*) FROM ledger_history") == 2
        await stage.assert_dense()


async def test_another_registration_changes_what_facts_weigh(stage: Stage) -> None:
    await stage.register("C1")
    async with stage.service() as client:
        await eventually(lambda: _known(client, "C1"))
        await stage.facts([stage.fact("C1", "incident.recorded", {"code": "010301", "status": "filed"})])
        await stage.at_rest(client)
        assert (await client.get("/v1/compounds/C1/score")).json()["items"]["D1"] == 7_000
        today = stage.clock.today(ZONE).isoformat()
        await stage.register("C1", occupied_households=2_500, households=3_000, effective_from=today)
        await stage.at_rest(client)
        assert (await client.get("/v1/compounds/C1/score")).json()["items"][
            "D1"
        ] == 12_000 - 4_000 * 500 // 1_000
        answer = (await client.get("/v1/compounds/C1")).json()
        assert answer["registered"]["households"] == 3_000
        assert answer["registered"]["eligibility"] == {"failed": [], "unknown": ["company"]}


async def _known(client: object, compound: str) -> bool:
    answer = await client.get(f"/v1/compounds/{compound}")  # type: ignore[attr-defined]
    return bool(answer.status_code == 200)


def _uuid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"
