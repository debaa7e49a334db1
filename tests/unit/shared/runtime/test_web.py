"""The application that all services share: keys, health, OpenAPI and problem details."""

import datetime as dt

import msgspec
import pytest
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.testing import AsyncTestClient
from shared.events.access import AccessScope
from shared.runtime.auth import Directory, Principal, issue_key
from shared.runtime.clock import SystemClock
from shared.runtime.health import Readiness
from shared.runtime.metrics import Metrics
from shared.runtime.problems import FieldError, Problem
from shared.runtime.settings import KafkaSettings
from shared.runtime.web import PUBLIC, build_app, mounted

from tests.unit.shared.runtime.test_auth import record

LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


class Check(msgspec.Struct):
    item: str
    points: int


class Report(msgspec.Struct):
    checks: list[Check]
    parts: dict[str, int] = {}


@get("/v1/compounds/{compound:str}")
async def read(
    compound: FromPath[str],
    day: FromQuery[dt.date],
    principal: NamedDependency[Principal],
    greeting: NamedDependency[str],
) -> dict[str, str]:
    """One compound."""
    return {"compound": compound, "day": str(day), "actor": principal.actor_id, "greeting": greeting}


@post("/v1/reports")
async def report(data: JSONBody[Report]) -> int:
    return len(data.checks)


@get("/v1/progress", tags=["operations"])
async def progress() -> int:
    return 0


@get("/v1/broken", opt=PUBLIC)
async def broken() -> None:
    raise RuntimeError("geheim")


@get("/v1/busy", opt=PUBLIC)
async def busy() -> None:
    raise Problem(503, "busy", "Come back.", errors=[FieldError("/a/0", "full")], retry_after=3)


async def plain(scope, receive, send):
    await send({"type": "http.response.start", "status": 202, "headers": []})
    await send({"type": "http.response.body", "body": b"stored"})


@pytest.fixture
def metrics() -> Metrics:
    return Metrics("test")


@pytest.fixture
def readiness() -> Readiness:
    return Readiness({"kafka": lambda: True})


@pytest.fixture
async def client(metrics: Metrics, readiness: Readiness):
    directory = Directory(KafkaSettings(), clock=SystemClock(), metrics=metrics)
    key, issued = issue_key(
        credential_id="k", actor_id="anna", roles=["officer"], scope=AccessScope(), valid_from=LONG_AGO
    )
    directory.apply(record("credential.issued", "k", issued))
    app = build_app(
        [read, report, progress, broken, busy, mounted("/v1/events", "POST", plain)],
        title="Test",
        version="1",
        readiness=readiness,
        directory=directory,
        metrics=metrics,
        dependencies={"greeting": "好"},
        extra_paths={
            "/v1/events": {"post": {"summary": "Store", "responses": {"202": {"description": "x"}}}}
        },
    )
    async with AsyncTestClient(app, raise_server_exceptions=False) as test_client:
        test_client.headers["Authorization"] = f"Bearer {key}"
        yield test_client


async def test_a_caller_is_known_to_the_handler(client):
    answer = await client.get("/v1/compounds/C1?day=2026-05-01")

    assert answer.json() == {"compound": "C1", "day": "2026-05-01", "actor": "anna", "greeting": "好"}


async def test_without_a_key_nothing_is_told(client):
    del client.headers["Authorization"]

    answer = await client.get("/v1/compounds/C1?day=2026-05-01")

    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["type"] == "urn:anxing:problem:unauthorised"
    assert answer.json()["errors"] == [{"pointer": "Authorization", "code": "missing"}]
    assert answer.json()["retryable"] is False


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code", "errors"),
    [
        ("GET", "/v1/geheim", None, 404, "not_found", None),
        ("GET", "/v1/compounds/C1", None, 400, "invalid_request", [("day", "missing")]),
        ("GET", "/v1/compounds/C1?day=geheim", None, 400, "invalid_request", [("day", "invalid")]),
        ("POST", "/v1/reports", b"geheim", 400, "invalid_request", None),
        ("POST", "/v1/reports", b'{"checks": 1}', 400, "invalid_request", [("/checks", "invalid")]),
        (
            "POST",
            "/v1/reports",
            b'{"checks": [{"item": "A1", "points": "geheim"}]}',
            400,
            "invalid_request",
            [("/checks/0/points", "invalid")],
        ),
        (
            "POST",
            "/v1/reports",
            b'{"checks": [], "parts": {"geheim": "x"}}',
            400,
            "invalid_request",
            [("/parts", "invalid")],
        ),
        ("POST", "/v1/reports", b" " * 1_100_000, 413, "too_large", None),
    ],
)
async def test_a_wrong_request_is_told_where_but_not_what(client, method, path, body, status, code, errors):
    answer = await client.request(method, path, content=body, headers={"content-type": "application/json"})

    problem = answer.json()
    assert (answer.status_code, problem["status"]) == (status, status)
    assert problem["type"] == f"urn:anxing:problem:{code}"
    assert answer.headers["content-type"] == "application/problem+json"
    assert "geheim" not in answer.text
    if errors is not None:
        assert [(each["pointer"], each["code"]) for each in problem["errors"]] == errors


async def test_the_methods_of_a_path_are_told(client):
    refused = await client.delete("/v1/reports")
    mounted_refused = await client.get("/v1/events")

    assert (refused.status_code, mounted_refused.status_code) == (405, 405)
    assert "POST" in refused.headers["allow"]
    assert mounted_refused.headers["allow"] == "POST"
    assert mounted_refused.json()["type"] == "urn:anxing:problem:method_not_allowed"


async def test_what_nobody_expected_is_a_500_without_internals(client):
    answer = await client.get("/v1/broken")

    assert answer.status_code == 500
    assert answer.json()["type"] == "urn:anxing:problem:internal_error"
    assert "geheim" not in answer.text
    assert "Traceback" not in answer.text


async def test_a_problem_is_answered_as_it_stands(client):
    answer = await client.get("/v1/busy")

    assert answer.headers["retry-after"] == "3"
    assert answer.json() == {
        "type": "urn:anxing:problem:busy",
        "title": "Service Unavailable",
        "status": 503,
        "retryable": True,
        "detail": "Come back.",
        "errors": [{"pointer": "/a/0", "code": "full"}],
    }


async def test_readiness_names_what_fails_and_liveness_does_not_care(client, readiness):
    assert (await client.get("/readyz")).json() == {"status": "ready", "failing": []}

    readiness.add("directory", lambda: False)

    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"status": "not ready", "failing": ["directory"]})
    assert (await client.get("/livez")).status_code == 200


async def test_openapi_describes_all_routes_and_the_form_of_errors(client):
    del client.headers["Authorization"]

    document = (await client.get("/openapi.json")).json()

    assert document["openapi"].startswith("3.1")
    assert {"/v1/compounds/{compound}", "/v1/events", "/livez"} <= set(document["paths"])
    assert document["paths"]["/v1/events"]["post"]["responses"].keys() == {"202", "401", "default"}
    public = {path for path, item in document["paths"].items() if item.get("get", {}).get("security") == []}
    assert public == {"/livez", "/readyz", "/metrics", "/v1/broken", "/v1/busy"}
    for item in document["paths"].values():
        for operation in item.values():
            assert "application/problem+json" in operation["responses"]["default"]["content"]
    assert "ProblemDocument" in document["components"]["schemas"]
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"


async def test_requests_are_counted_by_template(client, metrics):
    await client.get("/v1/compounds/C1?day=2026-05-01")
    await client.get("/v1/compounds/C2?day=2026-05-01")

    text = (await client.get("/metrics")).text

    labels = 'method="GET",route="/v1/compounds/{compound}",status="200"'
    assert f"anxing_http_requests_total{{{labels}}} 2.0" in text
    assert "process_resident_memory_bytes" in text
    assert "C1" not in text


async def test_a_mounted_application_answers_by_itself(client):
    del client.headers["Authorization"]

    answer = await client.post("/v1/events")

    assert (answer.status_code, answer.text) == (202, "stored")
