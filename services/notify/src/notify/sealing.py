"""Secrets of receivers at rest: sealed with a key that the database does not know."""

from __future__ import annotations

import hashlib
import secrets
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from shared.runtime.errors import StartupError

from notify.ports import SealedSecret

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
_VARIABLE: Final = "ANXING_NOTIFY__ENCRYPTION_KEY"


class UnreadableError(Exception):
    """A secret that none of our keys opens."""


def new_key() -> str:
    """A fresh key as the setting wants it."""
    return b64encode(secrets.token_bytes(KEY_BYTES)).decode()


class Sealer:
    """Seals with the first key, opens with any of them: a key is changed by putting a new one in front."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys: Mapping[str, AESGCM] = MappingProxyType({key_id(key): AESGCM(key) for key in keys})
        self._first = key_id(keys[0])

    @classmethod
    def from_setting(cls, setting: str | None) -> Sealer:
        """Keys in base64, separated by commas, the one in use first; StartupError says how to make one."""
        if not setting:
            raise StartupError(
                f"{_VARIABLE} is not set: make a key with `notify keygen` and put it there, or into a file "
                f"named by {_VARIABLE}_FILE, and keep it: without it no webhook can be signed."
            )
        try:
            keys = [b64decode(part.strip(), validate=True) for part in setting.split(",")]
        except (Base64Error, ValueError):
            keys = []
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise StartupError(
                f"{_VARIABLE} must be {KEY_BYTES} bytes in base64, as `notify keygen` makes them."
            )
        return cls(keys)

    def seal(self, secret: bytes, endpoint: UUID) -> tuple[str, bytes]:
        """(key id, ciphertext); bound to its endpoint, so that it cannot be moved to another."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return self._first, nonce + self._keys[self._first].encrypt(nonce, secret, endpoint.bytes)

    def open(self, sealed: SealedSecret, endpoint: UUID) -> bytes:
        """The secret; raises UnreadableError when its key is gone or the row was tampered with."""
        key = self._keys.get(sealed.key_id)
        nonce, ciphertext = sealed.ciphertext[:NONCE_BYTES], sealed.ciphertext[NONCE_BYTES:]
        if key is None:
            raise UnreadableError
        try:
            return key.decrypt(nonce, ciphertext, endpoint.bytes)
        except (InvalidTag, ValueError):
            raise UnreadableError from None


def key_id(key: bytes) -> str:
    """Names a key without telling it."""
    return hashlib.sha256(b"anxing-notify-key" + key).hexdigest()[:12]
