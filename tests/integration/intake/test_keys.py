"""`intake keys`, as an operator uses it."""

import asyncio
import json
import sys

from tests.integration.intake.house import House, Replica, incident


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


async def test_a_key_is_issued_used_listed_and_revoked(house: House, intake: Replica):
    code, out, _ = await keys(
        house, "issue", "--role", "officer", "--compound", "C00017", "--organisation", "S1", "--id", "app-1"
    )
    text = out.strip()
    assert (code, text.startswith("ax_app-1_"), "\n" in text) == (0, True, False)
    await intake.knows(text)
    assert (await intake.post(incident(), text)).status_code == 202
    assert (await intake.post(incident(subject="C00018"), text)).status_code == 403

    _, out, _ = await keys(house, "list", "--json")
    (listed,) = [key for key in json.loads(out) if key["credential_id"] == "app-1"]
    assert (listed["state"], listed["scope"]["compounds"]) == ("valid", ["C00017"])
    assert text.rpartition("_")[2] not in out
    assert "secret" not in out

    assert (await keys(house, "revoke", "app-1"))[0] == 0
    _, out, _ = await keys(house, "list", "--json")
    assert [key["state"] for key in json.loads(out) if key["credential_id"] == "app-1"] == ["revoked"]
    assert "app-1" in (await keys(house, "list"))[1]
    code, _, err = await keys(house, "revoke", "nobody")
    assert (code, err.count("\n")) == (2, 1)


async def test_the_key_of_a_laptop(house: House, intake: Replica):
    words = ("issue", "--json", "--id", "local", "--all-roles", "--right", "backfill")
    first, second = [json.loads((await keys(house, *words))[1]) for _ in range(2)]
    # The same id again is a new secret in the place of the old one.
    await intake.knows(second["key"])
    assert (await intake.get("/v1/time", first["key"])).status_code == 401
    assert len(second["roles"]) == 15
