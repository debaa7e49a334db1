"""The receiver that plays the organisations, over real sockets."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import aiohttp
import pytest
from shared.demo.receiver import Mode, Received, Receiver
from standardwebhooks.webhooks import Webhook

SECRET = "whsec_" + base64.b64encode(b"not a real secret, 32 bytes long").decode()
BODY = b'{"notice":1}'


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver({"P01": SECRET, "P02": SECRET}) as running:
        yield running


async def post(
    receiver: Receiver,
    recipient: str = "P01",
    message_id: str = "msg_1",
    body: bytes = BODY,
    signed: bytes | None = None,
) -> int:
    now = datetime.now(UTC)
    headers = {
        "Webhook-Id": message_id,
        "Webhook-Timestamp": str(int(now.timestamp())),
        "Webhook-Signature": Webhook(SECRET).sign(message_id, now, (signed or body).decode()),
    }
    async with (
        aiohttp.ClientSession() as session,
        session.post(receiver.url_of(recipient), data=body, headers=headers) as response,
    ):
        return response.status


async def test_a_genuine_notice_is_counted_once_per_recipient(receiver: Receiver) -> None:
    assert await post(receiver) == 204
    assert await post(receiver) == 204
    assert await post(receiver, "P02") == 204
    assert await post(receiver, message_id="msg_2") == 204
    assert [(n.recipient, n.webhook_id, n.body) for n in receiver.notices] == [
        ("P01", "msg_1", {"notice": 1}),
        ("P02", "msg_1", {"notice": 1}),
        ("P01", "msg_2", {"notice": 1}),
    ]
    assert (receiver.calls, receiver.repeats, receiver.refused) == (4, 1, 0)


async def test_forged_or_broken_notices_are_refused(receiver: Receiver) -> None:
    assert await post(receiver, signed=b"{}") == 401
    assert await post(receiver, body=b"not json") == 401
    assert await post(receiver, "nobody") == 404
    assert receiver.notices == []
    assert receiver.refused == 2


async def test_every_new_notice_is_announced() -> None:
    heard: list[Received] = []
    async with Receiver({"P01": SECRET}, on_notice=heard.append) as receiver:
        await post(receiver)
        await post(receiver)
        assert heard == receiver.notices


async def test_servers_that_fail_or_are_gone(receiver: Receiver) -> None:
    receiver.modes = {"P01": Mode.ERROR, "P02": Mode.GONE}
    assert await post(receiver) == 500
    assert await post(receiver, "P02") == 410
    receiver.modes = {}
    assert await post(receiver) == 204


async def test_a_hanging_server_delays_nobody_and_is_let_go_at_the_end() -> None:
    receiver = Receiver({"P01": SECRET, "P02": SECRET})
    await receiver.start()
    receiver.modes["P01"] = Mode.HANG
    hanging = asyncio.create_task(post(receiver))
    assert await post(receiver, "P02") == 204
    assert not hanging.done()
    await receiver.stop()
    assert await hanging == 503
