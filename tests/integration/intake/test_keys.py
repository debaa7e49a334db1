"""`intake keys`, as an operator uses it."""

import asyncio
import json
import sys
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

from intake.cli.keys import keys as verbs
from shared.events.access import person_id
from shared.runtime.auth import Directory, Unauthorised
from shared.runtime.clock import SystemClock
from shared.runtime.errors import StartupError
from shared.runtime.metrics import Metrics
from typer.testing import CliRunner

from tests.eventually import eventually
from tests.integration.intake.house import House, Replica, compound, incident


async def keys(house: House, *words: str) -> tuple[int | None, str, str]:
    environment = house.environment()
    # Keys need no database.
    del environment["ANXING_DATABASE__URL"]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "intake", "keys", *words),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, out.decode(), err.decode()


async def said(house: House, *words: str) -> tuple[int, str, str]:
    """The same without a process of its own, which takes most of the time."""
    environment = house.environment()
    del environment["ANXING_DATABASE__URL"]
    result = await asyncio.to_thread(CliRunner().invoke, verbs, words, env=environment)
    if isinstance(result.exception, StartupError):
        return 2, result.stdout, f"{result.exception.sentence}\n"
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


async def issued(house: House, *words: str) -> str:
    """The text of a new key."""
    code, out, err = await said(house, "issue", "--json", *words)
    assert code == 0, err
    key: str = json.loads(out)["key"]
    return key


async def listed(house: House, key_id: str) -> dict[str, Any]:
    _, out, _ = await said(house, "list", "--json")
    (found,) = [key for key in json.loads(out) if key["credential_id"] == key_id]
    return dict(found)


async def answer(replica: Replica, event: dict[str, Any], key: str) -> str:
    """`stored`, or the code of the refusal."""
    body = (await replica.post(event, key)).json()
    return str(
        body.get("status") if "receipt" in body or "offset" in body else body["type"].rpartition(":")[2]
    )


async def test_a_key_is_issued_used_listed_and_revoked(house: House, intake: Replica):
    code, out, _ = await keys(
        house, "issue", "--role", "officer", "--compound", "C00017", "--organisation", "S1", "--id", "app-1"
    )
    text = out.strip()
    assert (code, text.startswith("ax_app-1_"), "\n" in text) == (0, True, False)
    await intake.knows(text)
    assert (await intake.post(incident(), text)).status_code == 202
    assert (await intake.post(incident(subject="C00018"), text)).status_code == 403

    _, out, _ = await said(house, "list", "--json")
    (listed,) = [key for key in json.loads(out) if key["credential_id"] == "app-1"]
    assert (listed["state"], listed["scope"]["compounds"]) == ("valid", ["C00017"])
    assert text.rpartition("_")[2] not in out
    assert "secret" not in out

    assert (await said(house, "revoke", "app-1"))[0] == 0
    _, out, _ = await said(house, "list", "--json")
    assert [key["state"] for key in json.loads(out) if key["credential_id"] == "app-1"] == ["revoked"]
    assert "app-1" in (await said(house, "list"))[1]
    code, _, err = await keys(house, "revoke", "nobody")
    assert (code, err.count("\n")) == (2, 1)


async def test_the_key_of_a_laptop(house: House, intake: Replica):
    words = ("issue", "--json", "--id", "local", "--all-roles", "--right", "backfill")
    first, second = [json.loads((await said(house, *words))[1]) for _ in range(2)]
    # The same id again is a new secret in the place of the old one.
    await intake.knows(second["key"])
    assert (await intake.get("/v1/time", first["key"])).status_code == 401
    assert len(second["roles"]) == 15


async def test_a_key_is_told_once_and_in_words(house: House):
    code, out, err = await said(
        house,
        *("issue", "--id", "gate-3", "--role", "guard", "--compound", "C00017", "--device", "D3"),
        *("--actor", "G-7", "--valid-days", "365", "--event-type", "patrol.logged"),
    )
    # A script takes up one line; a person reads what it is.
    assert (code, out.count("\n"), out.startswith("ax_gate-3_")) == (0, 1, True)
    assert "只显示这一次" in err
    _, table, _ = await said(house, "list")
    assert "保安" in table
    assert out.strip().rpartition("_")[2] not in table + err
    found = await listed(house, "gate-3")
    assert (found["device_id"], found["actor_id"]) == ("D3", "G-7")
    assert found["event_types"] == ["anxing.patrol.logged.v1"]


async def test_a_key_for_later_does_not_work_yet(house: House, intake: Replica):
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    text = await issued(house, "--id", "later", "--role", "officer", "--everything", "--valid-from", tomorrow)
    assert (await listed(house, "later"))["state"] == "not yet valid"

    async def known() -> bool:
        response = await intake.post(incident(), text)
        assert response.status_code == 401
        return bool(response.json()["errors"][0]["code"] == "early")

    await eventually(known)


async def test_an_ended_key_brings_what_was_recorded_before_and_a_revoked_one_nothing(
    house: House, intake: Replica
):
    text = await issued(house, "--id", "leaver", "--role", "officer", "--everything")
    await intake.knows(text)
    before = [incident() for _ in range(3)]
    assert await answer(intake, before[0], text) == "stored"
    assert (await said(house, "expire", "leaver"))[0] == 0

    async def ended() -> bool:
        return await answer(intake, incident(time=datetime.now(UTC).isoformat()), text) == "after_expiry"

    await eventually(ended, 5)
    assert await answer(intake, before[1], text) == "stored"
    assert (await listed(house, "leaver"))["state"] == "expired"
    # Elsewhere it is over at once.
    assert (await intake.get("/v1/time", text)).status_code == 401
    assert (await said(house, "revoke", "leaver"))[0] == 0

    async def revoked() -> bool:
        return (await intake.post(before[2], text)).status_code == 401

    await eventually(revoked, 5)
    for verb in ("expire", "change", "rotate"):
        code, _, err = await said(house, verb, "leaver", *(("--role", "guard") if verb == "change" else ()))
        assert (code, "was revoked" in err, err.count("\n")) == (2, True, 1)


async def test_a_moved_key_brings_what_was_recorded_where_it_was(house: House, intake: Replica):
    clerk = await intake.knows(await house.key("registrar"))
    for subject, station in (("C801", "S801"), ("C802", "S802")):
        assert (await intake.post(compound(subject, station=station), clerk)).status_code == 202
    text = await issued(
        house, "--id", "mover", "--role", "officer", "--station", "S801", "--organisation", "S801"
    )
    await intake.knows(text)

    async def reaches() -> bool:
        return await answer(intake, incident(subject="C801"), text) == "stored"

    await eventually(reaches)
    assert await answer(intake, incident(subject="C802"), text) == "out_of_scope"
    offline = incident(subject="C801")
    words = ("change", "mover", "--station", "S802", "--organisation", "S802")
    code, out, _ = await said(house, *words, "--json")
    assert (code, json.loads(out)["scope"]["stations"]) == (0, ["S802"])

    async def moved() -> bool:
        return await answer(intake, incident(subject="C802"), text) == "stored"

    # The same secret: nobody has to touch the phone.
    await eventually(moved, 5)
    assert await answer(intake, offline, text) == "stored"
    now = incident(subject="C801", time=datetime.now(UTC).isoformat())
    assert await answer(intake, now, text) == "out_of_scope"
    stored = {event["id"]: event for event in await house.events()}
    # Recorded for the station that the phone belonged to.
    assert stored[offline["id"]]["actororg"] == "S801"


async def test_a_key_is_rotated_with_some_days_of_both(house: House, intake: Replica):
    old = await issued(
        house, "--id", "phone-9", "--role", "officer", "--everything", "--actor", "P9", "--valid-days", "90"
    )
    code, out, _ = await said(house, "rotate", "phone-9", "--overlap-days", "3", "--json")
    new = json.loads(out)
    assert (code, new["id"], new["actor_id"]) == (0, "phone-9.2", "P9")
    for text in (old, new["key"]):
        await intake.knows(text)
        assert await answer(intake, incident(), text) == "stored"
    ends = datetime.fromisoformat((await listed(house, "phone-9"))["valid_to"])
    assert timedelta(days=2) < ends - datetime.now(UTC) < timedelta(days=3)
    # Both are the same person: what the one recorded, the other corrects.
    event = incident()
    assert await answer(intake, event, old) == "stored"
    assert await answer(intake, incident(rootid=event["id"], revision=2), new["key"]) == "stored"


async def test_what_is_said_of_a_key_is_known_in_every_service_within_five_seconds(house: House):
    async with AsyncExitStack() as stack:
        directories: list[Directory] = []
        for service in ("intake", "scoring", "notify"):
            directory = Directory(house.kafka, clock=SystemClock(), metrics=Metrics(service))
            await directory.start()
            stack.push_async_callback(directory.stop)
            directories.append(directory)

        def told(text: str) -> set[str]:
            codes = set()
            for directory in directories:
                try:
                    directory.authenticate(f"Bearer {text}")
                    codes.add("in")
                except Unauthorised as error:
                    codes.add(error.code)
            return codes

        lost = await issued(house, "--id", "lost", "--role", "officer", "--everything")
        left = await issued(house, "--id", "left", "--role", "officer", "--everything")
        await eventually(lambda: told(lost) == told(left) == {"in"}, 5)
        assert (await said(house, "revoke", "lost"))[0] == (await said(house, "expire", "left"))[0] == 0
        await eventually(lambda: (told(lost), told(left)) == ({"revoked"}, {"expired"}), 5)


async def test_a_console_acts_for_persons_over_http(house: House, intake: Replica):
    admin = await intake.knows(await house.key("admin"))
    console = await intake.knows(
        await issued(house, "--role", "console", "--everything", "--act-for", "officer", "--device", "web-1")
    )
    person = {
        "issuer": "https://id.example.org",
        "subject": "chen",
        "actor_id": "officer-chen",
        "roles": ["officer"],
        "scope": {"compounds": ["C00017"]},
        "organisation": "S7",
        "valid_from": "2026-01-01T00:00:00Z",
    }
    stranger = incident(type="anxing.person.granted.v1", subject="chen", data=person)
    wrong = await intake.post(stranger, admin)
    assert (wrong.status_code, wrong.json()["errors"][0]["code"]) == (422, "subject_mismatch")
    chen = person_id("https://id.example.org", "chen")
    granted = incident(type="anxing.person.granted.v1", subject=chen, data=person)
    assert (await intake.post(granted, admin)).status_code == 202

    async def acting(event: dict[str, Any], key: str = console, actor: str = chen) -> tuple[int, str]:
        response = await intake.post(event, key, **{"anxing-actor": actor})
        return response.status_code, response.json().get("type", "").rpartition(":")[2]

    event = incident()

    async def taken() -> bool:
        return (await acting(event))[0] in {200, 202}

    await eventually(taken, 5)
    (published,) = [each for each in await house.events() if each["id"] == event["id"]]
    stamps = ("actorid", "actorrole", "actororg", "deviceid")
    assert [published[name] for name in stamps] == ["officer-chen", "officer", "S7", "web-1"]
    # The receipt is found with the key that sent it.
    assert (await intake.get(f"/v1/events/{event['id']}", console)).status_code == 200
    assert await acting(incident(subject="C00018")) == (403, "out_of_scope")
    assert await acting(incident(), admin) == (403, "actor_not_allowed")
    assert await acting(incident(), actor=person_id("https://id.example.org", "li")) == (403, "unknown_actor")
    batch = await intake.post([incident(), incident(subject="C1")], console, **{"anxing-actor": chen})
    assert [item["status"] for item in batch.json()["items"]] == ["stored", "forbidden"]
    revoked = {
        "issuer": person["issuer"],
        "subject": "chen",
        "revoked_at": datetime.now(UTC).isoformat(),
        "person": person,
    }
    gone = incident(type="anxing.person.revoked.v1", subject=chen, data=revoked)
    assert (await intake.post(gone, admin)).status_code == 202

    async def refused() -> bool:
        return await acting(incident()) == (403, "unknown_actor")

    await eventually(refused, 5)
