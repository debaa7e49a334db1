"""What an acknowledgement means, on real topics: stored once, in order, stamped, and found again."""

import asyncio
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
from shared.events.access import AccessScope
from shared.events.envelope import decode_envelope
from shared.events.topics import ACCESS, FACTS, REGISTRY

from tests.eventually import eventually
from tests.integration.intake.house import House, Replica, bearer, compound, incident, words


async def on_topic(house: House, *ids: str) -> list[dict[str, Any]]:
    return [event for event in await house.events() if event["id"] in ids]


async def test_a_single_event(house: House, intake: Replica, key: str):
    event = incident(colour="red", traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01")
    sent_at = datetime.now(UTC) - timedelta(minutes=3)
    response = await intake.post(event, key, **{"sent-at": sent_at.isoformat()})
    assert response.status_code == 202
    receipt = response.json()
    (record,) = [r for r in await house.records() if json.loads(r.value)["id"] == event["id"]]
    # Where the receipt says, under its compound, as the contracts say.
    assert (receipt["topic"], receipt["partition"]) == (house.kafka.name_of(FACTS), record.partition)
    assert (receipt["offset"], receipt["status"]) == (record.offset, "stored")
    assert (record.key, record.headers) == (
        b"C00017",
        (("content-type", b"application/cloudevents+json"),),
    )
    published = json.loads(record.value)
    assert {name: published[name] for name in event} == event
    envelope = decode_envelope(record.value)
    assert envelope.receivedtime == datetime.fromisoformat(receipt["receivedtime"])
    issued = await house.credential(key)
    assert (envelope.actorid, envelope.actorrole) == (issued.actor_id, "officer")
    assert envelope.actororg == "S1"
    assert envelope.timequality == "skewed"
    assert envelope.clockskewms is not None
    assert 180_000 <= envelope.clockskewms < 200_000


async def test_a_replay_answers_the_first_receipt(house: House, intake: Replica, key: str):
    event = incident()
    first = await intake.post(event, key)
    # Written otherwise, it is the same event.
    again = json.dumps(dict(reversed(event.items())), indent=3).encode()
    second = await intake.post(again, key)
    assert (first.status_code, second.status_code) == (202, 200)
    assert second.json() == {**first.json(), "status": "replayed"}
    assert len(await on_topic(house, event["id"])) == 1


async def test_the_same_id_with_other_content(house: House, intake: Replica, key: str):
    event = incident()
    first = await intake.post(event, key)
    response = await intake.post({**event, "subject": "C00018"}, key)
    assert response.status_code == 409
    problem = response.json()
    assert problem["type"] == "urn:anxing:problem:id_conflict"
    assert problem["stored_fingerprint"] == first.json()["fingerprint"] != problem["fingerprint"]
    assert len(await on_topic(house, event["id"])) == 1
    # Another source is another event.
    assert (await intake.post({**event, "source": "urn:anxing:device:D0002"}, key)).status_code == 202


async def test_a_batch_in_order(house: House, intake: Replica, key: str):
    events = [incident(subject=f"C{number % 7}") for number in range(200)]
    response = await intake.post(events, key)
    assert response.status_code == 202
    assert [item["id"] for item in response.json()["items"]] == [event["id"] for event in events]
    published = await on_topic(house, *(event["id"] for event in events))
    for subject in {event["subject"] for event in events}:
        wanted = [event["id"] for event in events if event["subject"] == subject]
        assert [event["id"] for event in published if event["subject"] == subject] == wanted
    again = await intake.post(events, key)
    assert (again.status_code, set(words(again))) == (200, {"replayed"})


async def test_a_batch_of_mixed_fate(house: House, intake: Replica, key: str):
    stored, known, wrong = incident(), incident(), incident(type="x")
    await intake.post(known, key)
    other = {**known, "subject": "C5"}
    response = await intake.post([stored, wrong, known, stored, other, compound("C1")], key)
    assert response.status_code == 207
    assert words(response) == ["stored", "rejected", "replayed", "replayed", "conflict", "forbidden"]
    items = response.json()["items"]
    assert items[3]["receipt"]["offset"] == items[0]["receipt"]["offset"]
    assert len(await on_topic(house, stored["id"])) == 1


async def test_fifty_posts_of_one_id_over_two_replicas(house: House, intake: Replica, key: str):
    event = incident()
    async with house.replica() as other:
        await other.knows(key)
        replicas = (intake, other)
        responses = await asyncio.gather(*(replicas[n % 2].post(event, key) for n in range(50)))
    assert sorted(response.status_code for response in responses) == [200] * 49 + [202]
    assert len({(r.json()["partition"], r.json()["offset"]) for r in responses}) == 1
    assert len(await on_topic(house, event["id"])) == 1


async def test_two_contents_of_one_id_at_once(house: House, intake: Replica, key: str):
    event = incident()
    async with house.replica() as other:
        await other.knows(key)
        responses = await asyncio.gather(
            *(
                replica.post({**event, "data": {"code": code, "status": "filed"}}, key)
                for replica in (intake, other)
                for code in ("010301", "010302") * 5
            )
        )
    assert {response.status_code for response in responses} <= {200, 202, 409}
    assert [response.status_code for response in responses].count(202) == 1
    assert [response.status_code for response in responses].count(409) == 10
    assert len(await on_topic(house, event["id"])) == 1


async def test_a_reservation_left_behind_is_stored_again(house: House, intake: Replica, key: str):
    """Killed between publish and completion: the next post stores it again, and it is never lost."""
    event = incident()
    first = await intake.post(event, key)
    connection = await asyncpg.connect(house.database)
    left = """UPDATE receipt SET "offset" = NULL, deadline = now() + $2 WHERE id = $1"""
    await connection.execute(left, event["id"], timedelta(seconds=1))
    pending = await intake.get(f"/v1/events/{event['id']}", key)
    assert pending.json() == {"id": event["id"], "status": "pending"}
    # Not over yet: whoever posts it waits for the one who holds it, and then takes it over.
    response = await intake.post(event, key)
    assert response.status_code == 202
    assert response.json()["offset"] > first.json()["offset"]
    assert len(await on_topic(house, event["id"])) == 2
    # One that is held on to is answered with a retry.
    await connection.execute(left, event["id"], timedelta(minutes=5))
    response = await intake.post(event, key)
    assert (response.status_code, response.json()["retryable"]) == (503, True)
    assert int(response.headers["retry-after"]) >= 1
    await connection.close()


async def test_a_killed_replica_leaves_nothing_that_blocks(house: House, key: str):
    events = [incident(subject=f"C{number}") for number in range(400)]
    answered: dict[str, int] = {}

    async def post(replica: Replica, event: dict[str, Any]) -> None:
        response = await replica.post(event, key)
        answered[event["id"]] = response.status_code

    async with house.replica(ANXING_DOOR__RESERVED_SECONDS="1") as doomed:
        await doomed.knows(key)
        posting = [asyncio.ensure_future(post(doomed, event)) for event in events]
        await eventually(lambda: len(answered) >= 20, every=0.001)
        doomed.process.kill()
        await asyncio.gather(*posting, return_exceptions=True)
    assert set(answered.values()) == {202}
    stored = {event["id"] for event in await house.events()}
    assert answered.keys() <= stored
    async with house.replica() as next_one:
        await next_one.knows(key)

        async def taken(event: dict[str, Any]) -> bool:
            return (await next_one.post(event, key)).status_code in {200, 202}

        await asyncio.gather(*(eventually(lambda event=event: taken(event)) for event in events))
    assert {event["id"] for event in events} <= {event["id"] for event in await house.events()}


async def test_receipts_by_id(house: House, intake: Replica, key: str):
    event = incident()
    first = await intake.post(event, key)
    found = await intake.get(f"/v1/events/{event['id']}", key)
    assert (found.status_code, found.json()) == (200, first.json())
    other = await intake.knows(await house.key())
    assert (await intake.get(f"/v1/events/{event['id']}", other)).status_code == 404
    by_source = await intake.client.get(
        f"/v1/events/{event['id']}", params={"source": event["source"]}, headers=bearer(other)
    )
    assert by_source.json() == first.json()
    second = {**event, "source": "urn:anxing:device:D0002"}
    await intake.post(second, key)
    several = await intake.get(f"/v1/events/{event['id']}", key)
    assert several.status_code == 409
    assert several.json()["sources"] == [event["source"], second["source"]]
    assert (await intake.get(f"/v1/events/{uuid.uuid4()}", key)).status_code == 404
    assert (await intake.get("/v1/events/7", key)).status_code in {400, 404}
    assert (await intake.get(f"/v1/events/{event['id']}")).status_code == 401


async def test_corrections_and_withdrawals(house: House, intake: Replica, key: str):
    event = incident()
    await intake.post(event, key)
    parallel = [incident(rootid=event["id"], revision=2) for _ in range(6)]
    responses = await asyncio.gather(*(intake.post(each, key) for each in parallel))
    assert sorted(response.status_code for response in responses) == [202] + [409] * 5
    stale = next(response for response in responses if response.status_code == 409)
    assert stale.json()["current_revision"] == 2
    company = await intake.knows(await house.key("company", organisation="P01"))
    withdrawal = incident(
        type="anxing.fact.withdrawn.v1", rootid=event["id"], revision=3, data={"reason": "recorded twice"}
    )
    refused = await intake.post(withdrawal, company)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (403, "/rootid")
    assert (await intake.post(withdrawal, key)).status_code == 202
    # A correction of an old fact passes, whatever the key.
    old = await intake.knows(await house.key())
    late = incident(rootid=str(uuid.uuid4()), revision=2, time="2024-01-01T00:00:00Z")
    assert (await intake.post(late, old)).status_code == 202


async def test_registry_and_access_go_through_the_same_door(house: House, intake: Replica):
    clerk = await intake.knows(await house.key("registrar", "admin"))
    response = await intake.post(compound("C77", station="S7"), clerk)
    assert (response.status_code, response.json()["topic"]) == (202, house.kafka.name_of(REGISTRY))
    assert [record.key for record in await house.records(REGISTRY)] == [b"compound:C77"]
    # What is registered decides where keys reach.
    officer = await intake.knows(await house.key(scope=AccessScope(stations=("S7",))))

    async def reached() -> bool:
        return (await intake.post(incident(subject="C77"), officer)).status_code == 202

    await eventually(reached)
    assert (await intake.post(incident(subject="C78"), officer)).status_code == 403
    issued = incident(
        type="anxing.credential.issued.v1",
        subject="k-http",
        data={
            "credential_id": "k-http",
            "secret_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "actor_id": "app",
            "roles": ["officer"],
            "scope": {"compounds": ["C77"]},
            "valid_from": "2026-01-01T00:00:00Z",
        },
    )
    assert (await intake.post(issued, clerk)).status_code == 202
    await intake.knows("ax_k-http_test")


async def test_a_revoked_key_stops_everywhere(house: House, intake: Replica):
    async with house.replica() as other:
        text = await house.key()
        for replica in (intake, other):
            await replica.knows(text)
            assert (await replica.post(incident(), text)).status_code == 202
        await house.revoke(text)

        async def stopped() -> bool:
            posts = [await replica.post(incident(), text) for replica in (intake, other)]
            return [response.status_code for response in posts] == [401, 401]

        await eventually(stopped, 5)


async def test_an_expired_key_still_brings_what_was_captured_before(house: House, intake: Replica):
    expired = datetime.now(UTC) - timedelta(days=1)
    text = await house.key(valid_to=expired)
    before = incident(time=(expired - timedelta(hours=1)).isoformat())

    async def stored() -> bool:
        return (await intake.post(before, text)).status_code in {200, 202}

    await eventually(stored)
    response = await intake.post(incident(), text)
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (403, "/time")
    gone = await house.key(valid_to=expired - timedelta(days=7))
    assert (await intake.post(before, gone)).status_code == 401


async def test_binary_mode(house: House, intake: Replica, key: str):
    event = incident()
    headers = {f"ce-{name}": value for name, value in event.items() if name != "data"}
    body = json.dumps(event["data"]).encode()
    response = await intake.client.post(
        "/v1/events", content=body, headers={**bearer(key), **headers, "content-type": "application/json"}
    )
    assert response.status_code == 202
    (published,) = await on_topic(house, event["id"])
    assert published["data"] == event["data"]


async def test_what_else_the_door_tells(intake: Replica, key: str):
    moment = datetime.fromisoformat((await intake.get("/v1/time", key)).json()["time"])
    assert abs(moment - datetime.now(UTC)) < timedelta(minutes=1)
    types = (await intake.get("/v1/schemas", key)).json()["types"]
    assert "anxing.incident.recorded.v1" in types
    assert "anxing.outcome.star.changed.v1" not in types
    schema = (await intake.get("/v1/schemas/anxing.incident.recorded.v1", key)).json()
    assert schema["title"] == "anxing.incident.recorded.v1"
    assert (await intake.get("/v1/schemas/anxing.nothing.v1", key)).status_code == 404
    document = (await intake.get("/openapi.json")).json()
    assert "202" in document["paths"]["/v1/events"]["post"]["responses"]
    assert (await intake.get("/livez")).status_code == 200
    assert 'anxing_intake_events_total{code="",status="stored"}' in (await intake.get("/metrics")).text


async def test_time_is_published_for_quiet_systems(house: House):
    async with house.replica(ANXING_CLOCK_SECONDS="0.2"):

        async def ticked() -> bool:
            events = await house.events(ACCESS)
            return sum(event["type"] == "anxing.clock.observed.v1" for event in events) >= 3

        await eventually(ticked)


async def test_the_end_is_orderly(house: House, key: str):
    async with house.replica() as replica:
        await replica.knows(key)
        events = [incident(subject=f"C{number}") for number in range(300)]
        posting = [asyncio.ensure_future(replica.post(event, key)) for event in events]
        await eventually(lambda: any(post.done() for post in posting), every=0.001)
        replica.process.terminate()
        answers = await asyncio.gather(*posting, return_exceptions=True)
        assert await replica.process.wait() == 0
    responses = [answer for answer in answers if isinstance(answer, httpx.Response)]
    assert {response.status_code for response in responses} == {202}
    stored = {event["id"] for event in await house.events()}
    assert {response.json()["id"] for response in responses} <= stored
