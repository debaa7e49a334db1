"""Corrections and withdrawals through real doors: one wins, the right ones may, a crash changes nothing."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from tests.integration.intake.house import House, Replica, incident

LEFT_BEHIND = """UPDATE receipt SET "offset" = NULL, deadline = now() - interval '1 second' WHERE id = $1"""


@pytest.fixture(scope="module")
async def other(house: House) -> AsyncIterator[Replica]:
    """A second replica of the module's installation."""
    async with house.replica() as replica:
        yield replica


def correcting(event: dict[str, Any], revision: int, **changes: Any) -> dict[str, Any]:
    """The whole fact once more, as corrections are."""
    return {**event, "id": str(uuid.uuid4()), "rootid": event["id"], "revision": revision, **changes}


def withdrawing(event: dict[str, Any], revision: int) -> dict[str, Any]:
    return correcting(event, revision, type="anxing.fact.withdrawn.v1", data={"reason": "recorded twice"})


async def told(replica: Replica, event: dict[str, Any], key: str) -> tuple[int, str, str]:
    """Status, code and pointer."""
    response = await replica.post(event, key)
    body = response.json()
    if response.status_code < 300:
        return response.status_code, "", ""
    return response.status_code, body["type"].rpartition(":")[2], body["errors"][0]["pointer"]


STORED = (202, "", "")


async def test_of_corrections_over_two_replicas_one_wins(
    house: House, intake: Replica, other: Replica, key: str
):
    await other.knows(key)
    for _ in range(5):
        event = incident()
        assert await told(intake, event, key) == STORED
        rivals = [correcting(event, 2) for _ in range(10)]
        responses = await asyncio.gather(
            *((intake, other)[n % 2].post(rival, key) for n, rival in enumerate(rivals))
        )
        statuses = sorted(response.status_code for response in responses)
        assert statuses == [202] + [409] * 9
        losers = [response.json() for response in responses if response.status_code == 409]
        assert {loser["current_revision"] for loser in losers} == {2}
        assert {loser["errors"][0]["pointer"] for loser in losers} == {"/revision"}
        # Only the winner is on the topic, and whoever lost may correct the winner.
        on_topic = {each["id"] for each in await house.events()}
        winner = next(
            rival for rival, response in zip(rivals, responses, strict=True) if response.status_code == 202
        )
        assert on_topic & {rival["id"] for rival in rivals} == {winner["id"]}
        assert await told(other, correcting(event, 3), key) == STORED


async def test_rivals_in_batches_over_two_replicas(intake: Replica, other: Replica, key: str):
    await other.knows(key)
    events = [incident(subject=f"C{n}") for n in range(12)]
    assert (await intake.post(events, key)).status_code == 202
    # In opposite order: nobody waits for ever, and each fact has one winner.
    batches = [[correcting(event, 2) for event in order] for order in (events, events[::-1])]
    first, second = await asyncio.gather(intake.post(batches[0], key), other.post(batches[1], key))
    words = {
        event["id"]: {first.json()["items"][n]["status"], second.json()["items"][11 - n]["status"]}
        for n, event in enumerate(events)
    }
    assert all(fates == {"stored", "conflict"} for fates in words.values()), words


async def test_a_correction_keeps_its_subject_and_its_type(intake: Replica, key: str):
    event = incident()
    assert await told(intake, event, key) == STORED
    moved = correcting(event, 2, subject="C00018")
    assert await told(intake, moved, key) == (422, "subject_changed", "/subject")
    made_another = correcting(event, 2, type="anxing.volunteers.logged.v1", data={"active": 3})
    assert await told(intake, made_another, key) == (422, "type_changed", "/type")
    assert await told(intake, correcting(event, 2), key) == STORED
    assert await told(intake, withdrawing({**event, "subject": "C00018"}, 3), key) == (
        422,
        "subject_changed",
        "/subject",
    )
    assert await told(intake, withdrawing(event, 3), key) == STORED


async def test_who_may_correct_whom(house: House, intake: Replica):
    async def one(*roles: str, organisation: str) -> str:
        return await intake.knows(await house.key(*roles, organisation=organisation))

    officer, colleague, stranger = [await one("officer", organisation=org) for org in ("S1", "S1", "S2")]
    chief = await one("officer", "station_chief", organisation="S2")
    bureau = await one("sub_bureau", organisation="B1")
    company, guard = [await one(role, organisation="P1") for role in ("company", "guard")]
    event = incident()
    assert await told(intake, event, officer) == STORED
    refused = (403, "not_the_recorder", "/rootid")
    assert await told(intake, correcting(event, 2), stranger) == refused
    assert await told(intake, withdrawing(event, 2), company) == refused
    assert await told(intake, correcting(event, 2), colleague) == STORED
    assert await told(intake, correcting(event, 3), chief) == STORED
    assert await told(intake, withdrawing(event, 4), bureau) == STORED
    # A chief's fact is corrected by the chief's organisation, or from above.
    by_chief = incident(
        type="anxing.hazard.extended.v1", data={"hazard_id": "H1", "due": "2027-01-01", "reason": "parts"}
    )
    only_chief = await one("station_chief", organisation="S1")
    assert await told(intake, by_chief, only_chief) == STORED
    assert await told(intake, withdrawing(by_chief, 2), chief) == refused
    assert await told(intake, withdrawing(by_chief, 2), officer) == (403, "role_not_allowed", "/rootid")
    assert await told(intake, withdrawing(by_chief, 2), bureau) == STORED
    roster = incident(
        type="anxing.guards.updated.v1",
        data={"guards": 9, "licensed": 9, "mean_star_milli": 3000, "self_recruit_filed": True},
    )
    assert await told(intake, roster, company) == STORED
    assert await told(intake, withdrawing(roster, 2), guard) == (403, "role_not_allowed", "/rootid")
    assert await told(intake, withdrawing(roster, 2), officer) == STORED


async def test_a_withdrawal_before_its_original(intake: Replica, key: str):
    event = incident()
    assert await told(intake, withdrawing(event, 2), key) == STORED
    # The original is still news; scoring counts the highest revision.
    assert await told(intake, event, key) == STORED
    assert await told(intake, correcting(event, 2), key) == (409, "stale_revision", "/revision")
    assert await told(intake, correcting(event, 3), key) == STORED


async def test_old_facts_may_be_corrected(house: House, intake: Replica, key: str):
    old = incident(time=(datetime.now(UTC) - timedelta(days=200)).isoformat())
    plain = await intake.knows(await house.key("officer"))
    assert await told(intake, old, plain) == (422, "time_too_old", "/time")
    assert await told(intake, old, key) == STORED
    assert await told(intake, correcting(old, 2), plain) == STORED
    assert await told(intake, withdrawing(old, 3), plain) == STORED


async def test_a_crash_between_publish_and_completion_leaves_the_head_right(
    house: House, intake: Replica, other: Replica, key: str
):
    await other.knows(key)
    connection = await asyncpg.connect(house.database)
    event = incident()
    second = correcting(event, 2)
    assert await told(intake, event, key) == STORED
    assert await told(intake, second, key) == STORED
    await connection.execute(LEFT_BEHIND, second["id"])
    # It is the head, though nobody noted where it lies: a rival is stale to it.
    assert await told(other, correcting(event, 2), key) == (409, "stale_revision", "/revision")
    # Whoever posts it again takes it over: a repeat on the topic, and the same head.
    assert await told(other, second, key) == STORED
    assert len([each for each in await house.events() if each["id"] == second["id"]]) == 2
    assert await told(other, second, key) == (200, "", "")
    # Overtaken before it was taken over: it would count for nothing, and its sender is told.
    third = correcting(event, 3)
    assert await told(intake, third, key) == STORED
    await connection.execute(LEFT_BEHIND, third["id"])
    fourth = correcting(event, 4)
    assert await told(other, fourth, key) == STORED
    response = await intake.post(third, key)
    assert (response.status_code, response.json()["current_revision"]) == (409, 4)
    head = await connection.fetchrow(
        "SELECT revision, event_id::text AS event_id, recorder FROM fact_head WHERE root = $1", event["id"]
    )
    assert tuple(head) == (4, fourth["id"], "S1")
    await connection.close()
