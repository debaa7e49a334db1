"""Signatures are judged as an independent implementation of Standard Webhooks makes them."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from shared.demo.signature import TOLERANCE_SECONDS, BadSignature, sign, verify
from standardwebhooks.webhooks import Webhook

SECRET = "whsec_" + base64.b64encode(b"not a real secret, 32 bytes long").decode()
OTHER = "whsec_" + base64.b64encode(b"another one that is as long as 1").decode()
NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
BODY = '{"title":"星级变化"}'.encode()


def headers(secret: str = SECRET, at: datetime = NOW, body: bytes = BODY, **changed: str) -> dict[str, str]:
    signature = Webhook(secret).sign("msg_1", at, body.decode())
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
    } | {name.replace("_", "-"): value for name, value in changed.items()}


def test_what_the_independent_signer_signs_is_genuine() -> None:
    assert verify(SECRET, headers(), BODY, NOW) == "msg_1"


def test_what_we_sign_the_independent_verifier_accepts() -> None:
    now = datetime.now(UTC)
    stamp = int(now.timestamp())
    signed = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(stamp),
        "webhook-signature": sign(SECRET, "msg_1", stamp, BODY),
    }
    assert Webhook(SECRET).verify(BODY, signed) == {"title": "星级变化"}


def test_one_genuine_signature_among_others_suffices() -> None:
    genuine = headers()["webhook-signature"]
    rotated = headers(OTHER)["webhook-signature"]
    offered = f"v1a,unknown {rotated} {genuine} v2,later"
    assert verify(SECRET, headers(webhook_signature=offered), BODY, NOW) == "msg_1"


@pytest.mark.parametrize(
    ("offered", "body", "reason"),
    [
        (headers(OTHER), BODY, "signature"),
        (headers(), BODY + b" ", "signature"),
        (headers(webhook_id="msg_2"), BODY, "signature"),
        (headers(webhook_signature="v1,"), BODY, "signature"),
        (headers(webhook_signature="签名"), BODY, "signature"),
        (headers(webhook_signature=headers()["webhook-signature"].replace("v1,", "v2,")), BODY, "signature"),
        (headers(webhook_signature=""), BODY, "missing"),
        (headers(webhook_id=""), BODY, "missing"),
        ({}, BODY, "missing"),
        (headers(webhook_timestamp="soon"), BODY, "timestamp"),
        (headers(webhook_timestamp="-1"), BODY, "timestamp"),
        (headers(webhook_timestamp="９"), BODY, "timestamp"),
        (headers(webhook_timestamp="9" * 400), BODY, "timestamp"),
    ],
)
def test_everything_else_is_refused(offered: dict[str, str], body: bytes, reason: str) -> None:
    with pytest.raises(BadSignature) as caught:
        verify(SECRET, offered, body, NOW)
    assert str(caught.value) == reason


@pytest.mark.parametrize("sign_of_skew", [-1, 1])
def test_the_tolerance_is_five_minutes_both_ways(sign_of_skew: int) -> None:
    edge = timedelta(seconds=sign_of_skew * TOLERANCE_SECONDS)
    assert verify(SECRET, headers(), BODY, NOW + edge) == "msg_1"
    with pytest.raises(BadSignature, match="expired"):
        verify(SECRET, headers(), BODY, NOW + edge + timedelta(seconds=sign_of_skew))


def test_a_secret_that_is_not_base64_is_named() -> None:
    with pytest.raises(BadSignature, match="secret"):
        verify("whsec_***", headers(), BODY, NOW)
