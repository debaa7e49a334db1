"""The HTTP interface: what owners see and change, and what they must not."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.eventually import eventually
from tests.integration.notify.receivers import answering, receiver
from tests.integration.notify.stage import Client, Stage
from tests.integration.notify.test_service import star


async def test_a_secret_is_shown_once_and_stored_sealed(stage: Stage) -> None:
    async with stage.service() as client:
        created = await client.add_webhook("company:P01", "https://example.com/hook")
        assert created["secret"].startswith("whsec_")
        listed = (await client.get("/v1/endpoints"))["items"][0]
        single = await client.get(f"/v1/endpoints/{created['id']}")
    assert listed["secret"] is None
    assert single["secret"] is None
    assert single["state"] == "active"
    stored = await stage.value("SELECT string_agg(endpoint_secret::text, '') FROM endpoint_secret")
    assert created["secret"].removeprefix("whsec_") not in stored


async def test_a_company_sees_and_changes_only_what_is_its_own(stage: Stage) -> None:
    own, other, nobody = (
        await stage.issue("company", organisation="P01"),
        await stage.issue("company", organisation="P02"),
        await stage.issue("integrator"),
    )
    async with receiver() as inbox, stage.service() as client:
        company, rival = Client(client.http, own), Client(client.http, other)
        endpoint = await company.add_webhook("company:P01", inbox.url())
        outcome = await stage.announce(star())
        await client.at_rest()
        (notice,) = (await company.get("/v1/notices"))["items"]
        (delivery,) = (await company.get("/v1/deliveries"))["items"]
        assert notice["recipient"] == delivery["recipient"] == "company:P01"
        for path in (
            "/v1/notices?recipient=company:P01",
            f"/v1/notices/{notice['id']}",
            f"/v1/endpoints/{endpoint['id']}",
            f"/v1/deliveries/{delivery['id']}",
            "/v1/decisions?recipient=company:P01",
            "/v1/recipients/company:P01",
            # An organisation of the same id and another kind is somebody else.
            "/v1/notices?recipient=community:P02",
        ):
            problem = await rival.get(path, expect=403)
            assert problem["type"] == "urn:anxing:problem:foreign_recipient"
        assert (await rival.get("/v1/notices"))["items"] == []
        assert (await rival.get(f"/v1/decisions?outcome={outcome}"))["items"] == []
        wish = {"recipient": "company:P01", "channel": "webhook", "target": "https://example.com"}
        await rival.ask("POST", "/v1/endpoints", wish, expect=403)
        await rival.ask("PATCH", f"/v1/endpoints/{endpoint['id']}", {"enabled": False}, expect=403)
        await Client(client.http, nobody).get("/v1/notices", expect=403)
        await Client(client.http, "ax_wrong_key").get("/v1/notices", expect=401)
        # Where we connected to is told to operators only.
        path = f"/v1/deliveries/{delivery['id']}"
        assert (await company.get(path))["history"][0]["address"] is None
        assert (await client.get(path))["history"][0]["address"] == f"127.0.0.1:{inbox.port}"


async def test_seen_and_confirmed_keep_the_first_time_and_person(stage: Stage) -> None:
    key = await stage.issue("company", organisation="P01")
    async with stage.service() as client:
        await stage.announce(star())
        await client.at_rest()
        company = Client(client.http, key)
        (entry,) = (await company.get("/v1/notices?unseen=true"))["items"]
        seen = await company.ask("POST", f"/v1/notices/{entry['id']}/seen")
        assert seen["seen_at"]
        again = await client.ask("POST", f"/v1/notices/{entry['id']}/confirmed")
        assert again["seen_at"] == seen["seen_at"]
        assert again["seen_by"] == seen["seen_by"] != again["confirmed_by"]
        assert (await company.get("/v1/notices?unseen=true"))["items"] == []
        full = await company.get(f"/v1/notices/{entry['id']}")
        assert full["payload"]["data"]["notice"]["id"] == entry["id"]


async def test_switched_off_on_and_released(stage: Stage) -> None:
    async with receiver(answering(410)) as inbox, stage.service() as client:
        endpoint = await client.add_webhook("company:P01", inbox.url())
        path = f"/v1/endpoints/{endpoint['id']}"
        await stage.announce(star())
        await eventually(lambda: in_state(client, path, "suspended"))
        await stage.announce(star())
        await client.at_rest()
        assert (await client.get(path))["health"]["parked"] == 2
        await client.ask("POST", f"{path}/release", expect=409)
        inbox.behaviour = answering(204)
        assert (await client.ask("PATCH", path, {"enabled": True}))["state"] == "active"
        assert await client.ask("POST", f"{path}/release") == {"released": 2}
        await client.at_rest()
        assert {one["state"] for one in (await client.get("/v1/deliveries"))["items"]} == {"delivered"}
        assert (await client.ask("PATCH", path, {"enabled": False}))["state"] == "disabled"
        silent = await stage.announce(star())
        await client.at_rest()
        assert (await stage.decisions(silent))["company:P01"] == ("inbox_only", "star", "no-endpoint")
    topics = await stage.value("SELECT count(*) FROM delivery")
    assert topics == 2


async def test_an_endpoint_gets_the_types_it_asked_for(stage: Stage) -> None:
    async with receiver() as inbox, stage.service() as client:
        await client.add_webhook("company:P01", inbox.url(), types=["anxing.outcome.assessment.decided.v1"])
        outcome = await stage.announce(star())
        await client.at_rest()
    assert inbox.requests == []
    assert (await stage.decisions(outcome))["company:P01"][0] == "inbox_only"


async def test_the_file_channel_from_end_to_end(stage: Stage) -> None:
    async with stage.service() as client:
        body = {"recipient": "company:P01", "channel": "file", "target": "p01.jsonl"}
        created = await client.ask("POST", "/v1/endpoints", body, expect=201)
        assert created["secret"] is None
        await stage.announce(star())
        await client.at_rest()
    directory: Path = stage.settings.notify.files_directory
    (line,) = (directory / "p01.jsonl").read_text().splitlines()
    assert json.loads(line)["payload"]["data"]["notice"]["title"] == "C00017动态星级由四星变为三星"


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"recipient": "P01"}, "/recipient"),
        ({"recipient": "planet:P01"}, "/recipient"),
        ({"target": "ftp://example.com"}, "/target"),
        ({"target": "http://example.com/"}, "/target"),
        ({"target": "https://user:pw@example.com/"}, "/target"),
        ({"target": "https://"}, "/target"),
        ({"target": "https://example.com:99999/"}, "/target"),
        ({"target": "https://example.com/\r\nHost: x"}, "/target"),
        ({"channel": "file", "target": "../../etc/passwd"}, "/target"),
        ({"types": ["anxing.incident.recorded.v1"]}, "/types/0"),
    ],
)
async def test_wrong_wishes_name_the_place(api: Client, changes: dict[str, Any], pointer: str) -> None:
    wish = {"recipient": "company:P01", "channel": "webhook", "target": "https://example.com/", **changes}
    problem = await api.ask("POST", "/v1/endpoints", wish, expect=422)
    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert "example.com" not in json.dumps(problem)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"/v1/notices/{uuid4()}"),
        ("GET", f"/v1/endpoints/{uuid4()}"),
        ("GET", f"/v1/deliveries/{uuid4()}"),
        ("POST", f"/v1/notices/{uuid4()}/seen"),
        ("GET", "/v1/recipients/company:NOBODY"),
        ("GET", "/v1/nothing"),
    ],
)
async def test_what_does_not_exist_is_404(api: Client, method: str, path: str) -> None:
    assert (await api.ask(method, path, expect=404))["status"] == 404


async def test_lists_come_in_pages(stage: Stage) -> None:
    async with stage.service() as client:
        outcomes = [str(await stage.announce(star())) for _ in range(7)]
        await client.at_rest()
        for path, field in (
            ("/v1/notices?recipient=company:P01", "outcome_id"),
            ("/v1/decisions?recipient=company:P01", "outcome_id"),
        ):
            seen: list[str] = []
            page: dict[str, Any] = {"next": ""}
            while page["next"] is not None:
                before = f"&before={page['next']}" if page["next"] else ""
                page = await client.get(f"{path}&limit=3{before}")
                seen += [entry[field] for entry in page["items"]]
            assert sorted(seen) == sorted(outcomes)
        everything = await client.get("/v1/decisions?limit=200")
        assert len(everything["items"]) == 7 * 6


async def test_progress_counts_what_is_open(stage: Stage) -> None:
    async with receiver(answering(500)) as inbox, stage.service() as client:
        await client.add_webhook("company:P01", inbox.url())
        await stage.announce(star())
        await eventually(lambda: waiting(client, 1))
        progress = await client.get("/v1/progress")
        assert {one["topic"] for one in progress["partitions"]} == {
            stage.kafka.topic_prefix + "anxing.outcomes.v1",
            stage.kafka.topic_prefix + "anxing.registry.v1",
        }
        assert len(progress["partitions"]) == stage.kafka.partitions + 1
        assert all(one["cursor"] == one["end"] for one in progress["partitions"])


async def test_the_document_of_the_interface(api: Client) -> None:
    document = await api.get("/openapi.json")
    assert "/v1/endpoints/{endpoint}/release" in document["paths"]
    metrics = await api.http.get("/metrics")
    assert "anxing_notify_attempts" in metrics.text


async def in_state(client: Client, path: str, state: str) -> bool:
    return bool((await client.get(path))["state"] == state)


async def waiting(client: Client, count: int) -> bool:
    return bool((await client.get("/v1/progress"))["waiting"] == count)
