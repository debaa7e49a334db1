"""What holds a device to its rate at the route, and leaves systems alone."""

import pytest
from intake.api.answers import RETRY_AFTER_SECONDS_MAX
from prometheus_client import generate_latest

from tests.unit.intake.events import incident, raw
from tests.unit.intake.site import Site

RATES = {"device_burst": 3, "device_reserve": 2, "device_per_second": 0.1}


async def statuses(site: Site, count: int) -> list[int]:
    return [(await site.post(raw(incident())))[0] for _ in range(count)]


async def test_a_device_that_sends_too_often_is_told_when_to_come_back() -> None:
    site = Site(**RATES)
    site.key = site.issue(device_id="D1")
    assert await statuses(site, 5) == [202] * 5
    site.reads = 0
    answers = [await site.post(raw(incident())) for _ in range(200)]
    assert {status for status, _, _ in answers} == {429}
    assert site.reads == 0
    for _, headers, problem in answers:
        assert problem["type"] == "urn:anxing:problem:too_many_requests"
        assert (problem["retryable"], headers[b"content-type"]) == (True, b"application/problem+json")
    # Not before there is a request again, and not all at once.
    waits = {int(headers[b"retry-after"]) for _, headers, _ in answers}
    assert waits == set(range(10, 10 + RETRY_AFTER_SECONDS_MAX))
    text = generate_latest(site.metrics.registry).decode()
    assert 'anxing_intake_requests_refused_total{code="too_many_requests"} 200.0' in text
    assert "anxing_intake_devices_remembered 1.0" in text
    assert "anxing_intake_requests_under_way 0.0" in text


async def test_the_rate_is_the_devices_whatever_its_keys() -> None:
    site = Site(**RATES)
    for _ in range(2):
        site.key = site.issue(device_id="D1")
        await statuses(site, 3)
    assert await statuses(site, 1) == [429]
    site.key = site.issue(device_id="D2")
    assert await statuses(site, 1) == [202]


async def test_a_key_without_a_device_is_a_systems() -> None:
    site = Site(**RATES)
    assert 429 not in await statuses(site, 50)
    every = Site(**RATES, rate_every_key=True)
    assert (await statuses(every, 6))[-1] == 429


@pytest.mark.parametrize("away", [True, False])
async def test_what_cannot_be_stored_costs_a_device_nothing(away: bool) -> None:
    site = Site(**RATES) if away else Site(**RATES, bytes_max=1024 * 1024)
    site.key = site.issue(device_id="D1")
    site.available = not away
    body = raw(incident()) if away else b" " * (1024 * 1024)
    if not away:
        site.route._gate.enter(1)
    for _ in range(50):
        assert (await site.post(body))[0] == 503
    site.available = True
    assert 429 not in await statuses(site, 5)
