"""Signatures: an independent verifier accepts ours and nothing else."""

import hashlib
import json
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from notify.domain.identity import delivery_id, notice_id
from notify.domain.organisations import Kind, Recipient
from notify.domain.signing import key_of, new_secret, signature
from standardwebhooks import Webhook, WebhookVerificationError

BODY = json.dumps({"title": "锦绣花园动态星级变化", "b": 1, "a": 2}, ensure_ascii=False).encode()


def headers(secret: str, body: bytes = BODY) -> dict[str, str]:
    now = int(datetime.now(UTC).timestamp())
    return {
        "webhook-id": "0190d1a2",
        "webhook-timestamp": str(now),
        "webhook-signature": signature(key_of(secret), "0190d1a2", now, body),
    }


def test_the_reference_verifier_accepts_it() -> None:
    secret = new_secret()
    assert Webhook(secret).verify(BODY.decode(), headers(secret)) == json.loads(BODY)


def test_another_body_or_secret_is_refused() -> None:
    secret = new_secret()
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY.decode() + " ", headers(secret))
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(BODY.decode(), headers(secret))


def test_during_a_rotation_either_secret_verifies() -> None:
    old, new = new_secret(), new_secret()
    both = headers(new)
    both["webhook-signature"] += " " + headers(old)["webhook-signature"]
    assert Webhook(old).verify(BODY.decode(), both)
    assert Webhook(new).verify(BODY.decode(), both)


def test_the_vector_of_the_specification() -> None:
    key = key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    assert (
        signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
        == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


@pytest.mark.parametrize("text", ["MfKQ9r8GKYqr", "whsec_!!!", ""])
def test_what_is_no_secret(text: str) -> None:
    with pytest.raises(ValueError):
        key_of(text)


def test_secrets_are_long_enough_and_never_the_same() -> None:
    assert len({new_secret() for _ in range(100)}) == 100
    assert 24 <= len(key_of(new_secret())) <= 64


def test_ids_come_out_the_same_and_hold_no_full_stop() -> None:
    outcome, endpoint = uuid4(), uuid4()
    company = Recipient(Kind.COMPANY, "P.01").id
    notice = notice_id(outcome, company)
    assert notice == notice_id(outcome, company)
    assert notice.version == 5
    assert delivery_id(notice, endpoint) == delivery_id(notice, endpoint)
    assert delivery_id(notice, endpoint) != delivery_id(notice, uuid4())
    assert "." not in str(delivery_id(notice, endpoint))
    # The definition of UUIDv5, by hand.
    digest = hashlib.sha1(outcome.bytes + company.encode()).digest()
    assert notice.bytes[:6] == digest[:6]
