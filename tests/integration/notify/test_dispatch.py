"""What a worker promises: isolation, bounds, retries, fences. Real sockets, a real database."""

import asyncio
import json
from pathlib import Path

import pytest
from notify.handlers.limits import Limits
from standardwebhooks import Webhook

from tests.eventually import eventually
from tests.integration.notify.receivers import (
    OK,
    Behaviour,
    Request,
    answer_ok,
    answering,
    drip_body,
    drip_headers,
    hang,
    never_end,
    receiver,
    reset,
    talk_nonsense,
)
from tests.integration.notify.workshop import QUICK, Workshop


async def test_delivered_signed_and_on_record(shop: Workshop) -> None:
    async with receiver() as inbox, shop.worker():
        endpoint = await shop.add_endpoint(inbox.url("/a/b?c=d"))
        (delivery,) = await shop.add_work(endpoint, 1)
        await eventually(lambda: _all_in(shop, "delivered", 1))
    (request,) = inbox.requests
    assert request.path == "/a/b?c=d"
    assert request.webhook_id == str(delivery)
    assert Webhook(endpoint.secret).verify(request.body.decode(), request.headers) == json.loads(request.body)
    (row,) = await shop.fetch(
        "SELECT * FROM attempt_ended JOIN attempt_started USING (delivery_id, claim, attempt)"
    )
    assert (row["verdict"], row["status"], row["accepted"], row["response"]) == ("delivered", 200, True, "ok")
    assert row["address"] == f"127.0.0.1:{inbox.port}"
    assert row["started_at"] <= row["ended_at"]
    (event,) = await shop.fetch("SELECT topic, key, value FROM outbox_unordered")
    value = json.loads(event["value"])
    assert value["type"] == "anxing.delivery.notice.delivered.v1"
    assert value["data"]["delivery_id"] == str(delivery)
    assert event["key"] == str(endpoint.id)
    assert await shop.value("SELECT count(*) FROM delivery_due") == 0


async def test_one_hanging_endpoint_with_a_backlog_delays_nobody(shop: Workshop) -> None:
    limits = Limits(requests_max=16, urgent_reserve=2, poll_seconds=0.2, attempt_seconds_max=15.0)
    async with receiver(hang) as hanging, receiver() as healthy:
        stuck = await shop.add_endpoint(hanging.url())
        await shop.add_work(stuck, 2_000)
        async with shop.worker(limits, total_seconds=15.0):
            await eventually(lambda: hanging.open > 0)
            well = [await shop.add_endpoint(healthy.url()) for _ in range(20)]
            for endpoint in well:
                await shop.add_work(endpoint, 10)
            await eventually(lambda: len(healthy.requests) == 200)
            # All of it went out while the first requests to the other were still hanging.
            assert hanging.open > 0
            assert hanging.open_max <= 2
            assert not await shop.fetch("SELECT FROM attempt_ended WHERE verdict = 'later'")
            await eventually(
                lambda: shop.value("SELECT count(*) = 200 FROM delivery WHERE state = 'delivered'")
            )


async def test_many_hanging_endpoints_leave_room_for_the_rest(shop: Workshop) -> None:
    limits = Limits(requests_max=24, urgent_reserve=2, poll_seconds=0.2, lag_check_seconds=0.1)
    async with receiver(hang) as hanging, receiver() as healthy:
        for _ in range(30):
            await shop.add_work(await shop.add_endpoint(hanging.url()), 50)
        async with shop.worker(limits, total_seconds=15.0):
            await eventually(lambda: hanging.open >= 10)
            for _ in range(10):
                await shop.add_work(await shop.add_endpoint(healthy.url()), 10)
            await eventually(lambda: len(healthy.requests) == 100, 60)
            assert not await shop.fetch("SELECT FROM attempt_ended WHERE verdict = 'later'")


async def test_a_busy_endpoint_gets_eight_requests_at_once_and_no_more(shop: Workshop) -> None:
    release = asyncio.Event()

    async def wait(_request: Request, writer: asyncio.StreamWriter) -> None:
        if len(inbox.requests) > 40:
            await release.wait()
        writer.write(OK)
        await writer.drain()

    async with receiver(wait) as inbox:
        await shop.add_work(await shop.add_endpoint(inbox.url()), 200)
        async with shop.worker(Limits(poll_seconds=0.2), total_seconds=15.0):
            await eventually(lambda: len(inbox.requests) == 48)
            assert inbox.open_max == 8
            release.set()
            await eventually(lambda: _all_in(shop, "delivered", 200))
    assert inbox.open_max == 8
    assert len(set(inbox.webhook_ids)) == len(inbox.requests) == 200


async def test_the_ladder_is_climbed_to_its_end_with_the_same_bytes(shop: Workshop) -> None:
    async with receiver(answering(500, body=b"out of order\x00")) as inbox, shop.worker():
        endpoint = await shop.add_endpoint(inbox.url())
        (delivery,) = await shop.add_work(endpoint, 1)
        for attempt in range(1, 13):
            await eventually(lambda reached=attempt: _ended(shop, reached))
            await shop.let_time_pass(30 * 3600)
        await eventually(lambda: _all_in(shop, "abandoned", 1))
    assert len({request.body for request in inbox.requests}) == 1
    assert set(inbox.webhook_ids) == {str(delivery)}
    for request in inbox.requests:
        Webhook(endpoint.secret).verify(request.body.decode(), request.headers)
    (row,) = await shop.fetch("SELECT attempts, cause FROM delivery")
    assert (row["attempts"], row["cause"]) == (12, "http_500")
    event = json.loads(await shop.value("SELECT value FROM outbox_unordered"))
    assert event["type"] == "anxing.delivery.notice.abandoned.v1"
    assert event["data"]["cause"] == "http_500"


async def test_due_times_follow_the_ladder_on_the_databases_clock(shop: Workshop) -> None:
    async with receiver(answering(503)) as inbox, shop.worker():
        await shop.add_work(await shop.add_endpoint(inbox.url()), 1)
        for attempt, (least, most) in enumerate([(5, 6), (30, 36), (120, 144), (600, 720)], 1):
            await eventually(lambda reached=attempt: _ended(shop, reached))
            (row,) = await shop.fetch(
                "SELECT extract(epoch FROM d.not_before - e.ended_at)::float8 AS wait FROM delivery_due d"
                " JOIN attempt_ended e USING (delivery_id) WHERE e.attempt = $1",
                attempt,
            )
            # The step begins when the result is written, a moment after it has come.
            assert least <= row["wait"] <= most + 5
            await shop.let_time_pass(most + 1)


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_holds_the_whole_endpoint(shop: Workshop, status: int) -> None:
    busy = answering(status, "retry-after: 3600\r\n")

    async def busy_there(request: Request, writer: asyncio.StreamWriter) -> None:
        await (answer_ok if request.path == "/other" else busy)(request, writer)

    async with receiver(busy_there) as inbox, shop.worker():
        endpoint = await shop.add_endpoint(inbox.url())
        await shop.add_work(endpoint, 1)
        await eventually(lambda: _ended(shop, 1))
        await shop.add_work(endpoint, 5)
        await shop.let_time_pass(1800)
        other = await shop.add_endpoint(inbox.url("/other"))
        await shop.add_work(other, 1)
        await eventually(lambda: [r for r in inbox.requests if r.path == "/other"])
        assert len([r for r in inbox.requests if r.path == "/hook"]) == 1
        inbox.behaviour = answering(204)
        await shop.let_time_pass(1801)
        await eventually(lambda: _all_in(shop, "delivered", 7))


async def test_a_refusal_is_tried_three_times_only(shop: Workshop) -> None:
    async with receiver(answering(404)) as inbox, shop.worker():
        await shop.add_work(await shop.add_endpoint(inbox.url()), 1)
        for attempt in range(1, 4):
            await eventually(lambda reached=attempt: _ended(shop, reached))
            await shop.let_time_pass(7200)
        await eventually(lambda: _all_in(shop, "abandoned", 1))
    assert len(inbox.requests) == 3


async def test_redirects_are_not_followed(shop: Workshop) -> None:
    async with receiver() as elsewhere:
        moved = answering(302, f"location: {elsewhere.url()}\r\n")
        async with receiver(moved) as inbox, shop.worker():
            await shop.add_work(await shop.add_endpoint(inbox.url()), 1)
            await eventually(lambda: _all_in(shop, "abandoned", 1))
    assert elsewhere.requests == []
    assert await shop.value("SELECT cause FROM delivery") == "redirected"


@pytest.mark.parametrize(
    ("behaviour", "cause"),
    [(answering(410), "gone"), (answering(200, "webhook-delivery: disable\r\n"), "disabled_by_receiver")],
)
async def test_gone_suspends_and_parks(shop: Workshop, behaviour: Behaviour, cause: str) -> None:
    async with receiver(behaviour) as inbox, shop.worker():
        endpoint = await shop.add_endpoint(inbox.url())
        await shop.add_work(endpoint, 10)
        await eventually(lambda: _all_in(shop, "parked", 10))
        # What arrives later is parked at once.
        await shop.add_work(endpoint, 3)
        assert await _all_in(shop, "parked", 13)
        assert await shop.value("SELECT count(*) FROM delivery_due") == 0
        (lane,) = await shop.fetch("SELECT state, state_cause FROM lane")
        assert (lane["state"], lane["state_cause"]) == ("suspended", cause)
        events = [json.loads(row[0]) for row in await shop.fetch("SELECT value FROM outbox_unordered")]
        assert [event["type"] for event in events] == ["anxing.delivery.endpoint.suspended.v1"]


async def test_five_days_of_failure_suspend(shop: Workshop) -> None:
    async with receiver(answering(500)) as inbox:
        endpoint = await shop.add_endpoint(inbox.url())
        await shop.add_work(endpoint, 1)
        await shop.fetch(
            "UPDATE lane SET failures = 19, failing_since = now() - interval '4 days 23 hours 59 minutes'"
        )
        async with shop.worker():
            await eventually(lambda: _ended(shop, 1))
        await shop.add_work(endpoint, 12)
        assert await shop.value("SELECT state FROM lane") == "active"
        await shop.let_time_pass(120)
        async with shop.worker():
            await eventually(lambda: _all_in(shop, "parked", 13))
    assert await shop.value("SELECT state_cause FROM lane") == "failing"


async def test_a_broken_endpoint_gets_one_probe_at_a_time(shop: Workshop) -> None:
    async with receiver(reset) as inbox:
        port = inbox.port
        endpoint = await shop.add_endpoint(inbox.url())
    # Nobody listens there any more: connections are refused.
    await shop.add_work(endpoint, 50)
    async with shop.worker():
        await eventually(lambda: shop.value("SELECT breaker = 'open' FROM lane"))
        tried = await shop.value("SELECT count(*) FROM attempt_ended WHERE verdict = 'later'")
        assert 5 <= tried <= 10
        assert await shop.value("SELECT open_seconds FROM lane") == 30
        await shop.let_time_pass(31)
        await eventually(lambda: shop.value("SELECT open_seconds = 60 FROM lane"))
        assert await shop.value("SELECT count(*) FROM attempt_ended WHERE verdict = 'later'") == tried + 1
        revived = await asyncio.start_server(inbox.serve, "127.0.0.1", port)
        inbox.behaviour = answering(204)
        await shop.let_time_pass(200)
        await eventually(lambda: _all_in(shop, "delivered", 50))
        revived.close()
    await inbox.close()


@pytest.mark.parametrize("behaviour", [drip_body, never_end])
async def test_a_body_without_end_is_cut_and_the_status_counts(shop: Workshop, behaviour: Behaviour) -> None:
    async with receiver(behaviour) as inbox, shop.worker(total_seconds=5.0):
        await shop.add_work(await shop.add_endpoint(inbox.url()), 1)
        await eventually(lambda: _all_in(shop, "delivered", 1))
        await eventually(lambda: inbox.open == 0)
    assert len(await shop.value("SELECT response FROM attempt_ended")) <= 4096


@pytest.mark.parametrize(
    ("behaviour", "cause"),
    [
        (hang, "timeout"),
        (drip_headers, "timeout"),
        (reset, "connection_lost"),
        (talk_nonsense, "not_http"),
    ],
)
async def test_hostile_receivers_fail_in_time(shop: Workshop, behaviour: Behaviour, cause: str) -> None:
    async with receiver(behaviour) as inbox, shop.worker(total_seconds=1.0):
        await shop.add_work(await shop.add_endpoint(inbox.url()), 1)
        await eventually(lambda: _ended(shop, 1))
    assert await shop.value("SELECT cause FROM attempt_ended LIMIT 1") == cause


async def test_a_gzip_bomb_is_neither_inflated_nor_read(shop: Workshop) -> None:
    bomb = answering(200, "content-encoding: gzip\r\n", b"\x1f\x8b" + b"\0" * 1_000_000)
    async with receiver(bomb) as inbox, shop.worker():
        await shop.add_work(await shop.add_endpoint(inbox.url()), 1)
        await eventually(lambda: _all_in(shop, "delivered", 1))
    assert len(await shop.value("SELECT response FROM attempt_ended")) <= 4096


@pytest.mark.parametrize(
    "target",
    [
        "http://10.255.255.1/",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]:{port}/",
        "http://[::ffff:10.0.0.1]/",
        "http://2130706433.:{port}/",
        "http://8.8.8.8:22/",
        "http://0.0.0.0:{port}/",
    ],
)
async def test_forbidden_addresses_are_never_connected(shop: Workshop, target: str) -> None:
    async with receiver() as inbox, shop.worker():
        await shop.add_work(await shop.add_endpoint(target.format(port=inbox.port)), 1)
        await eventually(lambda: _ended(shop, 1))
    cause, response = (await shop.fetch("SELECT cause, response FROM attempt_ended"))[0]
    assert cause in {"forbidden_address", "name_not_found", "invalid_url"}
    assert response is None
    assert inbox.requests == []


async def test_proxies_of_the_environment_are_ignored(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with receiver() as inbox, receiver() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url())
        monkeypatch.setenv("ALL_PROXY", proxy.url())
        async with shop.worker():
            await shop.add_work(await shop.add_endpoint(inbox.url()), 1)
            await eventually(lambda: _all_in(shop, "delivered", 1))
    assert proxy.requests == []


async def test_a_late_result_after_the_lease_is_refused(shop: Workshop) -> None:
    answers = asyncio.Event()

    async def first_waits(_request: Request, writer: asyncio.StreamWriter) -> None:
        if len(inbox.requests) == 1:
            await answers.wait()
        writer.write(OK)
        await writer.drain()

    async with receiver(first_waits) as inbox, shop.worker(total_seconds=15.0):
        (delivery,) = await shop.add_work(await shop.add_endpoint(inbox.url()), 1)
        await eventually(lambda: len(inbox.requests) == 1)
        # The worker is alive and holds the lane; its lease is over all the same.
        await shop.fetch("UPDATE lane SET held_until = now() - interval '1 second'")
        async with shop.worker():
            await eventually(lambda: _all_in(shop, "delivered", 1))
            answers.set()
            await eventually(lambda: shop.value("SELECT count(*) = 2 FROM attempt_ended"))
    accepted = [row[0] for row in await shop.fetch("SELECT accepted FROM attempt_ended ORDER BY ended_at")]
    assert accepted == [True, False]
    assert inbox.webhook_ids == [str(delivery)] * 2
    assert await shop.value("SELECT count(*) FROM outbox_unordered") == 1


async def test_lanes_of_a_vanished_worker_are_free_before_their_lease_ends(shop: Workshop) -> None:
    async with receiver(hang) as inbox:
        await shop.add_work(await shop.add_endpoint(inbox.url()), 1)
        async with shop.worker(total_seconds=15.0):
            await eventually(lambda: inbox.open == 1)
            # Cut its connection and keep it from coming back, as if the process had died.
            await shop.fetch("UPDATE lane SET worker = 2147483647")
            inbox.behaviour = answering(204)
            async with shop.worker():
                await eventually(lambda: _all_in(shop, "delivered", 1))


async def test_a_lost_connection_costs_nothing_but_a_moment(shop: Workshop) -> None:
    async with receiver() as inbox, shop.worker():
        endpoint = await shop.add_endpoint(inbox.url())
        for _ in range(5):
            await shop.add_work(endpoint, 40)
            await shop.fetch(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name LIKE '%/dispatcher'"
            )
        await eventually(lambda: _all_in(shop, "delivered", 200), 30)
    assert len(set(inbox.webhook_ids)) == 200


async def test_two_workers_share_and_nothing_is_sent_twice(shop: Workshop) -> None:
    async with receiver() as inbox, shop.worker(), shop.worker():
        endpoints = [await shop.add_endpoint(inbox.url()) for _ in range(12)]
        for _ in range(5):
            for endpoint in endpoints:
                await shop.add_work(endpoint, 10)
        await eventually(lambda: _all_in(shop, "delivered", 600), 30)
    assert len(inbox.requests) == len(set(inbox.webhook_ids)) == 600


async def test_a_stopping_worker_gives_back_what_it_has_not_begun(shop: Workshop) -> None:
    async with receiver() as inbox:
        endpoint = await shop.add_endpoint(inbox.url())
        await shop.add_work(endpoint, 300)
        async with shop.worker():
            await eventually(lambda: len(inbox.requests) >= 40)
        assert await shop.value("SELECT count(*) FROM lane WHERE claim IS NOT NULL") == 0
        # Every start has its end: nothing is left whose fate is unknown.
        assert (
            await shop.value(
                "SELECT count(*) FROM attempt_started s WHERE NOT EXISTS"
                " (SELECT FROM attempt_ended e WHERE (e.delivery_id, e.claim, e.attempt)"
                " = (s.delivery_id, s.claim, s.attempt))"
            )
            == 0
        )
        async with shop.worker():
            await eventually(lambda: _all_in(shop, "delivered", 300))
    assert len(inbox.requests) == len(set(inbox.webhook_ids)) == 300


async def test_an_owners_limit_is_kept(shop: Workshop) -> None:
    async with receiver() as inbox, shop.worker():
        endpoint = await shop.add_endpoint(inbox.url(), rate=10)
        await shop.add_work(endpoint, 30)
        await eventually(lambda: shop.value("SELECT claim IS NULL AND held_until > now() FROM lane"))
        assert len(inbox.requests) == 10
        await shop.fetch(
            "UPDATE lane SET tokens_at = tokens_at - interval '1 minute',"
            " held_until = held_until - interval '1 minute'"
        )
        await eventually(lambda: len(inbox.requests) == 20)


async def test_urgent_goes_before_the_rest(shop: Workshop) -> None:
    async with receiver() as inbox:
        endpoint = await shop.add_endpoint(inbox.url())
        await shop.add_work(endpoint, 20)
        (urgent,) = await shop.add_work(endpoint, 1, urgent=True)
        async with shop.worker():
            await eventually(lambda: _all_in(shop, "delivered", 21))
    assert str(urgent) in inbox.webhook_ids[:2]


async def test_the_file_channel_appends_lines(shop: Workshop, tmp_path: Path) -> None:
    async with shop.worker(directory=tmp_path / "notices"):
        endpoint = await shop.add_endpoint("company.jsonl", channel="file")
        deliveries = await shop.add_work(endpoint, 25)
        await eventually(lambda: _all_in(shop, "delivered", 25))
    lines = [json.loads(line) for line in (tmp_path / "notices" / "company.jsonl").read_text().splitlines()]
    assert {line["id"] for line in lines} == {str(delivery) for delivery in deliveries}
    assert all(line["payload"]["type"] == "test" for line in lines)


async def test_an_unwritable_file_is_tried_again(shop: Workshop, tmp_path: Path) -> None:
    (tmp_path / "notices").write_text("not a directory")
    async with shop.worker(directory=tmp_path / "notices"):
        await shop.add_work(await shop.add_endpoint("company.jsonl", channel="file"), 1)
        await eventually(lambda: _ended(shop, 1))
    assert await shop.value("SELECT cause FROM attempt_ended") == "file_not_writable"


async def test_a_secret_that_cannot_be_opened_makes_no_call(shop: Workshop) -> None:
    async with receiver() as inbox:
        endpoint = await shop.add_endpoint(inbox.url())
        await shop.fetch("UPDATE endpoint_secret SET key_id = 'gone'")
        await shop.add_work(endpoint, 1)
        async with shop.worker(QUICK):
            await eventually(lambda: _ended(shop, 1))
    assert inbox.requests == []
    assert await shop.value("SELECT cause FROM attempt_ended") == "unreadable_secret"


async def _all_in(shop: Workshop, state: str, count: int) -> bool:
    states = await shop.states()
    assert states == {state: count}
    return True


async def _ended(shop: Workshop, count: int) -> bool:
    found = await shop.value("SELECT count(*) FROM attempt_ended WHERE verdict <> 'not_started'")
    return bool(found >= count)
