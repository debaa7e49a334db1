"""Standard Webhooks signatures (`v1`, HMAC-SHA256), written anew from the specification.

The receiver of the demo must not share code with the service whose promise it checks.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Final

TOLERANCE_SECONDS: Final = 300
_KEY_PREFIX: Final = "whsec_"


class BadSignature(Exception):  # noqa: N818 - reads as what it is
    """This request was not signed by who knows the secret, or not now; the text is one word."""


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The `webhook-signature` of a message: `v1,` and the base64 of the HMAC over id, time and body."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(_key_of(secret), signed, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    """Answers the `webhook-id` of a genuine request; `headers` by lower-case name; raises `BadSignature`."""
    message_id = headers.get("webhook-id", "")
    stamp = headers.get("webhook-timestamp", "")
    offered = headers.get("webhook-signature", "")
    if not message_id or not stamp or not offered:
        raise BadSignature("missing")
    if not stamp.isascii() or not stamp.isdigit() or len(stamp) > 12:
        raise BadSignature("timestamp")
    if abs(now.timestamp() - int(stamp)) > TOLERANCE_SECONDS:
        raise BadSignature("expired")
    expected = sign(secret, message_id, int(stamp), body).encode()
    # While a secret is being rotated there are several, and there may be versions we do not know.
    # All are compared, each in constant time.
    genuine = [hmac.compare_digest(expected, candidate.encode()) for candidate in offered.split(" ")]
    if not any(genuine):
        raise BadSignature("signature")
    return message_id


def _key_of(secret: str) -> bytes:
    text = secret.removeprefix(_KEY_PREFIX)
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        raise BadSignature("secret") from None
