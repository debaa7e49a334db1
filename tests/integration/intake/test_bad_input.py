"""Whatever is wrong has its status and a pointer to the place that is to blame, and nothing is published."""

import gzip
import json
import random
from typing import Any

import pytest
from shared.events.access import AccessScope

from tests.integration.intake.house import BATCH, SINGLE, House, Replica, compound, incident, words


@pytest.fixture(scope="module")
async def keys(house: House, intake: Replica, key: str) -> dict[str, str]:
    """An officer's key, a guard's, and officers' with a narrow reach."""
    made = {
        "officer": key,
        "guard": await house.key("guard"),
        "compound": await house.key(scope=AccessScope(compounds=("C00018",))),
        "station": await house.key(scope=AccessScope(stations=("S1",))),
        "registrar": await house.key("registrar"),
        "hazards": await house.key(event_types=("anxing.hazard.opened.v1",)),
    }
    for text in made.values():
        await intake.knows(text)
    return made


@pytest.fixture(autouse=True)
async def nothing_is_published(house: House):
    before = await house.ends()
    yield
    assert await house.ends() == before


def check(number: int) -> dict[str, Any]:
    return {"item": "B1", "checkpoint": f"gate {number}", "result": "pass", "note": "y" * 4000}


@pytest.mark.parametrize(
    ("body", "status", "code", "pointer"),
    [
        (b"", 400, "invalid_json", ""),
        (b"{", 400, "invalid_json", ""),
        (b"not json", 400, "invalid_json", ""),
        (b"\xff\xfe", 400, "invalid_json", ""),
        (b"\xef\xbb\xbf{}", 400, "invalid_json", ""),
        (b'{"a":NaN}', 400, "invalid_json", ""),
        (b"[" * 60_000, 400, "too_deep", ""),
        (b"[]", 400, "not_cloudevents", ""),
        (b"{}", 400, "not_cloudevents", "/specversion"),
        (incident(specversion="0.3"), 400, "not_cloudevents", "/specversion"),
        (incident(id=None), 400, "not_cloudevents", "/id"),
        (incident(note="a\u0000b"), 400, "control_character", "/note"),
        (incident(note="a\u202eb"), 400, "bidi_override", "/note"),
        (json.dumps(incident()).encode()[:-1] + b',"id":"x"}', 400, "duplicate_key", "/id"),
        (incident(type="anxing.nothing.recorded.v1"), 422, "unknown_type", "/type"),
        (incident(type="anxing.outcome.star.changed.v1"), 403, "role_not_allowed", "/type"),
        (incident(data={"code": "999999", "status": "filed"}), 422, "unknown_code", "/data/code"),
        (incident(data={"code": "010301"}), 422, "invalid_event", "/data/status"),
        (incident(receivedtime="2026-05-01T00:00:00Z"), 422, "supplied_stamp", "/receivedtime"),
        (incident(subject="C 17"), 422, "invalid_event", "/subject"),
        (incident(time="2090-01-01T00:00:00Z"), 422, "time_ahead", "/time"),
        (incident(revision=2), 422, "invalid_event", "/rootid"),
        (
            incident(
                type="anxing.inspection.recorded.v1",
                data={"kind": "routine", "checks": [check(n) for n in range(17)]},
            ),
            413,
            "event_too_large",
            None,
        ),
        (b" " * (2 * 1024 * 1024), 413, "body_too_large", None),
    ],
)
async def test_single(
    intake: Replica, keys: dict[str, str], body: Any, status: int, code: str, pointer: str | None
):
    response = await intake.post(body, keys["officer"])
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert (problem["status"], problem["type"]) == (status, f"urn:anxing:problem:{code}")
    assert problem["retryable"] is False
    if pointer is not None:
        assert pointer in [error["pointer"] for error in problem["errors"]]


@pytest.mark.parametrize(
    ("role", "event"),
    [
        ("guard", incident()),
        ("compound", incident()),
        ("station", incident()),
        ("hazards", incident()),
        ("officer", compound("C00017")),
        ("registrar", incident()),
    ],
)
async def test_outside_the_key(intake: Replica, keys: dict[str, str], role: str, event: Any):
    for form in (event, [event, event]):
        response = await intake.post(form, keys[role])
        assert response.status_code == 403
        assert response.headers["content-type"] == "application/problem+json"


async def test_old_events_need_the_right(house: House, intake: Replica):
    plain = await intake.knows(await house.key())
    response = await intake.post(incident(time="2020-01-01T00:00:00Z"), plain)
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, "/time")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": "Bearer ax_unknown_" + "0" * 64},
        {"authorization": "Basic dXNlcjpwYXNz"},
        {"authorization": "Bearer " + "x" * 5000},
    ],
)
async def test_without_a_key(intake: Replica, headers: dict[str, str]):
    body = json.dumps(incident()).encode()
    response = await intake.client.post("/v1/events", content=body, headers={**SINGLE, **headers})
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"


async def test_with_a_wrong_secret(intake: Replica, key: str):
    response = await intake.post(incident(), key[:-64] + "0" * 64)
    assert response.status_code == 401


async def test_too_many_events(intake: Replica, key: str):
    response = await intake.post([{} for _ in range(501)], key)
    assert (response.status_code, response.json()["type"]) == (413, "urn:anxing:problem:too_many_events")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/json"}, 415),
    ],
)
async def test_media_types(intake: Replica, key: str, headers: dict[str, str], status: int):
    response = await intake.post(incident(), key, **headers)
    assert response.status_code == status
    assert BATCH["content-type"] in response.headers["accept-post"]


@pytest.mark.parametrize(
    ("body", "coding", "status", "code"),
    [
        (b"{}", "br", 415, "unsupported_coding"),
        (gzip.compress(gzip.compress(b"{}")), "gzip, gzip", 415, "unsupported_coding"),
        (b"{}", "gzip", 400, "invalid_coding"),
        (gzip.compress(b"{}")[:-4], "gzip", 400, "invalid_coding"),
        (gzip.compress(b"{}") * 2, "gzip", 400, "invalid_coding"),
        (gzip.compress(b"{}"), "zstd", 400, "invalid_coding"),
        (gzip.compress(b"{"), "gzip", 400, "invalid_json"),
        (
            gzip.compress(random.Random(1).randbytes(400_000) + b" " * 9_000_000),
            "gzip",
            413,
            "decoded_too_large",
        ),
        (gzip.compress(b" " * 2_000_000), "gzip", 413, "coding_too_tight"),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else str(value),
)
async def test_codings(intake: Replica, key: str, body: bytes, coding: str, status: int, code: str):
    response = await intake.post(body, key, **{"content-encoding": coding})
    assert (response.status_code, response.json()["type"]) == (status, f"urn:anxing:problem:{code}")
    assert response.headers.get("accept-encoding") == ("gzip, zstd" if status == 415 else None)


async def test_methods(intake: Replica, key: str):
    for method in ("GET", "PUT", "DELETE"):
        response = await intake.client.request(method, "/v1/events")
        assert (response.status_code, response.headers["allow"]) == (405, "POST")


async def test_a_chunked_body_that_grows_too_large(intake: Replica, key: str):
    async def parts():
        for _ in range(20):
            yield b" " * 65_536

    response = await intake.client.post(
        "/v1/events", content=parts(), headers={**SINGLE, "authorization": f"Bearer {key}"}
    )
    assert response.status_code == 413


async def test_a_batch_with_one_fate(intake: Replica, key: str):
    wrong = [incident(data={"code": "999999", "status": "filed"}) for _ in range(3)]
    response = await intake.post(wrong, key)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert words(response) == ["rejected"] * 3
    assert [item["id"] for item in response.json()["items"]] == [event["id"] for event in wrong]


async def test_a_batch_of_different_faults(intake: Replica, key: str):
    response = await intake.post([{}, incident(type="x"), compound("C1"), 7], key)
    assert response.status_code == 207
    assert words(response) == ["rejected", "rejected", "forbidden", "rejected"]
    assert [item["problem"]["status"] for item in response.json()["items"]] == [400, 422, 403, 400]
    assert [item["index"] for item in response.json()["items"]] == [0, 1, 2, 3]


async def test_no_value_comes_back(intake: Replica, key: str):
    secret = "王小明13800000000"
    for event in (incident(subject=secret), incident(type=secret), incident(data={"code": secret})):
        assert secret not in (await intake.post(event, key)).text
