"""One request from its headers to its answer, without a server around it."""

import asyncio
import gzip
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intake.api.events import PATH
from intake.api.front import Front
from prometheus_client import generate_latest

from tests.unit.intake.events import incident, raw
from tests.unit.intake.site import Site


@pytest.fixture
def site() -> Site:
    return Site()


async def test_an_event_goes_through(site: Site) -> None:
    status, headers, receipt = await site.post(raw(incident()))
    assert (status, headers[b"content-type"]) == (202, b"application/json")
    assert (receipt["status"], receipt["offset"]) == ("stored", 0)


async def test_an_event_goes_through_coded_too(site: Site) -> None:
    event = incident()
    status, _, receipt = await site.post(gzip.compress(raw(event)), coding=b"gzip")
    assert (status, receipt["status"]) == (202, "stored")
    # It is the same event without its coding.
    status, _, again = await site.post(raw(event))
    assert (status, again["fingerprint"]) == (200, receipt["fingerprint"])


async def test_a_coded_body_takes_the_room_that_it_needs() -> None:
    site = Site(bytes_max=1024 * 1024)
    wide = gzip.compress(raw(incident()) + b" " * 1_000_000)
    first = asyncio.ensure_future(site.post(b"x" * 100_000, hang=True))
    await asyncio.sleep(0)
    status, headers, problem = await site.post(wide, coding=b"gzip")
    assert (status, problem["type"]) == (503, "urn:anxing:problem:busy")
    assert b"retry-after" in headers
    first.cancel()
    await asyncio.wait([first])
    assert (await site.post(wide, coding=b"gzip"))[0] == 202
    assert "anxing_intake_bytes_under_way 0.0" in generate_latest(site.metrics.registry).decode()


async def test_while_nothing_can_be_stored_no_body_is_read(site: Site) -> None:
    site.available = False
    status, headers, problem = await site.post(raw(incident()))
    assert (status, problem["retryable"], site.reads) == (503, True, 0)
    assert 1 <= int(headers[b"retry-after"]) <= 5


async def test_too_much_at_once_is_refused_before_it_is_read() -> None:
    site = Site(requests_max=1)
    first = asyncio.ensure_future(site.post(raw(incident()), hang=True))
    await asyncio.sleep(0)
    assert site.reads == 1
    status, headers, problem = await site.post(raw(incident()))
    assert (status, problem["type"], site.reads) == (503, "urn:anxing:problem:busy", 1)
    assert b"retry-after" in headers
    first.cancel()
    await asyncio.wait([first])
    assert (await site.post(raw(incident())))[0] == 202


async def test_the_key_is_looked_at_before_the_body(site: Site) -> None:
    status, headers, problem = await site.post(raw(incident()), key="ax_k1_00")
    assert (status, headers[b"www-authenticate"], site.reads) == (401, b"Bearer", 0)
    assert problem["errors"] == [{"pointer": "Authorization", "code": "unknown"}]


async def test_a_key_that_was_issued_anew_is_judged_anew(site: Site) -> None:
    assert (await site.post(raw(incident())))[0] == 202
    site.key = site.issue(event_types=("anxing.hazard.opened.v1",))
    assert (await site.post(raw(incident())))[0] == 403


async def test_a_defect_of_ours_is_a_500_that_tells_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(topic: str, key: str) -> int:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(site.log, "partition_of", broken)
    status, _, problem = await site.post(raw(incident()))
    assert (status, problem["type"]) == (500, "urn:anxing:problem:internal_error")
    assert "secret" not in str(problem)


async def test_every_verdict_and_refusal_is_counted(site: Site) -> None:
    event = raw(incident())
    for body in (event, event, raw(incident(type="x")), b"{"):
        await site.post(body)
    await site.post(event, content_type=b"text/plain")
    text = generate_latest(site.metrics.registry).decode()
    for line in (
        'anxing_intake_events_total{code="",status="stored"} 1.0',
        'anxing_intake_events_total{code="",status="replayed"} 1.0',
        'anxing_intake_events_total{code="unknown_type",status="rejected"} 1.0',
        'anxing_intake_events_total{code="invalid_json",status="rejected"} 1.0',
        'anxing_intake_requests_refused_total{code="unsupported_media_type"} 1.0',
        'anxing_http_requests_total{method="POST",route="/v1/events",status="202"} 1.0',
        "anxing_intake_requests_under_way 0.0",
        "anxing_intake_bytes_under_way 0.0",
    ):
        assert line in text


async def test_the_front_takes_posts_and_leaves_the_rest() -> None:
    went: list[str] = []

    def to(name: str) -> Any:
        async def app(*_: Any) -> None:
            went.append(name)

        return app

    front = Front(PATH, to("route"), to("behind"))
    for scope in (
        {"type": "http", "method": "POST", "path": PATH},
        {"type": "http", "method": "GET", "path": PATH},
        {"type": "http", "method": "POST", "path": PATH + "/"},
        {"type": "http", "method": "POST", "path": "/v1/evidence"},
    ):
        await front(scope, to("receive"), to("send"))  # type: ignore[arg-type]
    assert went == ["route", "behind", "behind", "behind"]


WHOLE = raw(incident(time=datetime.now(UTC).isoformat()))
SPLICES = st.binary(max_size=6) | st.sampled_from(
    [
        b'"',
        b"\\",
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"NaN",
        b"1e999",
        b"\\u0000",
        b"\xff",
        b"null",
        b"9" * 40,
    ]
)


@given(st.integers(0, len(WHOLE)), st.integers(0, 8), SPLICES, st.booleans())
async def test_no_mutation_of_a_body_is_our_fault(at: int, cut: int, splice: bytes, many: bool) -> None:
    site = Site()
    body = WHOLE[:at] + splice + WHOLE[at + cut :]
    if many:
        status, _, _ = await site.post(
            b"[" + body + b"," + WHOLE + b"]", content_type=b"application/cloudevents-batch+json"
        )
        assert status in {200, 202, 207, 400, 403, 409, 413, 422}
    else:
        status, _, _ = await site.post(body)
        assert status in {202, 400, 403, 413, 422}


@given(st.binary(max_size=200))
async def test_no_bytes_are_our_fault(body: bytes) -> None:
    assert (await Site().post(body))[0] in {400, 422}
