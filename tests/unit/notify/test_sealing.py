"""Secrets at rest: sealed for one endpoint, opened by any known key, by nothing else."""

from base64 import b64encode
from uuid import uuid4

import pytest
from notify.ports import SealedSecret
from notify.sealing import Sealer, UnreadableError, new_key
from shared.runtime.errors import StartupError


def test_sealed_and_opened() -> None:
    sealer, endpoint = Sealer.from_setting(new_key()), uuid4()
    key_id, ciphertext = sealer.seal(b"secret", endpoint)
    assert b"secret" not in ciphertext
    assert sealer.open(SealedSecret(1, key_id, ciphertext), endpoint) == b"secret"


def test_a_new_key_in_front_opens_what_the_old_one_has_sealed() -> None:
    old, new, endpoint = new_key(), new_key(), uuid4()
    sealed = SealedSecret(1, *Sealer.from_setting(old).seal(b"secret", endpoint))
    both = Sealer.from_setting(f"{new}, {old}")
    assert both.open(sealed, endpoint) == b"secret"
    assert both.seal(b"secret", endpoint)[0] == Sealer.from_setting(new).seal(b"x", endpoint)[0]


def test_another_key_another_endpoint_or_a_changed_byte_opens_nothing() -> None:
    setting, endpoint = new_key(), uuid4()
    sealer = Sealer.from_setting(setting)
    key_id, ciphertext = sealer.seal(b"secret", endpoint)
    with pytest.raises(UnreadableError):
        Sealer.from_setting(new_key()).open(SealedSecret(1, key_id, ciphertext), endpoint)
    with pytest.raises(UnreadableError):
        sealer.open(SealedSecret(1, key_id, ciphertext), uuid4())
    changed = ciphertext[:-1] + bytes([ciphertext[-1] ^ 1])
    with pytest.raises(UnreadableError):
        sealer.open(SealedSecret(1, key_id, changed), endpoint)


@pytest.mark.parametrize("setting", [None, "", "short", b64encode(b"x" * 16).decode(), "!" * 44])
def test_a_missing_or_wrong_key_says_how_to_make_one(setting: str | None) -> None:
    with pytest.raises(StartupError, match="notify keygen"):
        Sealer.from_setting(setting)
