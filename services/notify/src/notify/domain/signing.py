"""Standard Webhooks v1: HMAC-SHA256 over id, timestamp and the exact bytes sent."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode
from typing import Final

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - a marker of the format, not a secret
SECRET_BYTES: Final = 32


def new_secret() -> str:
    """A fresh secret in the form that receivers are given."""
    return SECRET_PREFIX + b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def key_of(secret: str) -> bytes:
    """The bytes that sign; raises ValueError when the text is no such secret."""
    if not secret.startswith(SECRET_PREFIX):
        raise ValueError("a webhook secret begins with whsec_")
    return b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)


def signature(key: bytes, webhook_id: str, timestamp: int, body: bytes) -> str:
    """One entry of the `webhook-signature` header; `timestamp` is the second of this attempt."""
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    return "v1," + b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
