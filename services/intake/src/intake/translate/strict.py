"""Reading JSON so that every reader after us must see the same thing, and its fingerprint.

Two readers may disagree on duplicate keys, on NaN, on numbers beyond 2^53 and on what people see where a
string holds control or bidirectional characters. Such documents are refused.

The price of that is small for ordinary documents: RFC 8785 writes each value in its shortest form, so a
document without blanks and escapes has exactly the length of its canonical form, unless a key is there twice.
Depth, long strings and large numbers of such a document are not looked at here, because the contract has no
place for them: where it stumbles over anything, the document is scanned before the refusal is worded.
"""

from __future__ import annotations

import json
import math
import re
from hashlib import sha256
from typing import Any, Final

import msgspec
import rfc8785
from shared.events.errors import Malformed, token

DEPTH_MAX: Final = 32
KEYS_MAX: Final = 256
STRING_CHARS_MAX: Final = 4096
SAFE_INTEGER: Final = 2**53 - 1
# Whoever carries a trace on may change it: it is no part of what was said.
UNFINGERPRINTED: Final = "traceparent"

# C0 except tab and line ends, DEL, C1, and the overrides and isolates that turn text around.
_REFUSED: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]|([\u202a-\u202e\u2066-\u2069])")
# The first byte in UTF-8 of what `_REFUSED` finds unescaped: most text has neither, and looking for one
# byte costs next to nothing.
_C1_FIRST: Final = b"\xc2"
_BIDI_FIRST: Final = b"\xe2"
_SUSPECT: Final = re.compile(rb"\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]|\xe2\x81[\xa6-\xa9]")


class _Pairs(list[tuple[str, Any]]):
    """An object as it was written, with every key that was there."""


class Reader:
    """Reads one document after the other; for one thread."""

    def __init__(self) -> None:
        self._floats = False
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(float_hook=self._float)
        self._encoder = msgspec.json.Encoder(order="sorted")

    def read(self, raw: bytes) -> tuple[Any, bytes]:
        """The document and the SHA-256 of its canonical form; raises Malformed."""
        document = self._decode(raw)
        canonical = self._canonical(document)
        if len(canonical) != len(raw) or _suspicious(raw):
            scan(raw)
        if isinstance(document, dict) and UNFINGERPRINTED in document:
            canonical = self._canonical({k: v for k, v in document.items() if k != UNFINGERPRINTED})
        return document, sha256(canonical).digest()

    def _decode(self, raw: bytes) -> Any:
        self._floats = False
        try:
            return self._decoder.decode(raw)
        except msgspec.ValidationError:
            raise Malformed("number_range", "", "a number is outside of what JSON readers keep") from None
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise Malformed("invalid_json", "", "not valid JSON in UTF-8") from None
        except RecursionError:
            raise _too_deep("") from None

    def _float(self, text: str) -> float:
        self._floats = True
        number = float(text)
        if math.isinf(number):
            raise ValueError("out of range")
        return number

    def _canonical(self, document: Any) -> bytes:
        """RFC 8785.

        msgspec writes strings and integers as the RFC does and sorts keys by code points, which is the
        order of the RFC for keys of the contract (ASCII). Floats are written another way.
        """
        if not self._floats:
            return self._encoder.encode(document)
        try:
            return rfc8785.dumps(document)
        except rfc8785.CanonicalizationError:
            raise Malformed("number_range", "", "a number is outside of what JSON readers keep") from None


def _suspicious(raw: bytes) -> bool:
    if b"\\" in raw or b"\x7f" in raw:
        return True
    if _C1_FIRST in raw or _BIDI_FIRST in raw:
        return _SUSPECT.search(raw) is not None
    return False


def scan(raw: bytes) -> None:
    """Look at every key and value of a valid document; raises Malformed at the first that is refused."""
    try:
        document = json.loads(raw, object_pairs_hook=_Pairs)
    except RecursionError:
        raise _too_deep("") from None
    except ValueError:
        # msgspec has read it: what is left is a number of thousands of digits.
        raise Malformed("number_range", "", "a number is outside of what JSON readers keep") from None
    _look(document, "", 1)


def _look(value: Any, pointer: str, depth: int) -> None:
    match value:
        case str():
            _look_at_text(value, pointer)
        case bool() | None:
            return
        case int() if abs(value) > SAFE_INTEGER:
            raise Malformed("number_range", pointer, "an integer beyond 2^53 is not kept by every reader")
        case _Pairs():
            _look_at_object(value, pointer, depth)
        case list():
            if depth > DEPTH_MAX:
                raise _too_deep(pointer)
            for index, entry in enumerate(value):
                _look(entry, f"{pointer}/{index}", depth + 1)


def _look_at_object(pairs: _Pairs, pointer: str, depth: int) -> None:
    if depth > DEPTH_MAX:
        raise _too_deep(pointer)
    if len(pairs) > KEYS_MAX:
        raise Malformed("too_many_keys", pointer, f"more than {KEYS_MAX} keys in one object")
    seen: set[str] = set()
    for key, entry in pairs:
        place = f"{pointer}/{token(key)}"
        if key in seen:
            raise Malformed("duplicate_key", place, "the key is there twice")
        seen.add(key)
        _look_at_text(key, pointer)
        _look(entry, place, depth + 1)


def _look_at_text(text: str, pointer: str) -> None:
    if len(text) > STRING_CHARS_MAX:
        raise Malformed("too_long", pointer, f"more than {STRING_CHARS_MAX} characters in one string")
    if found := _REFUSED.search(text):
        if found[1]:
            raise Malformed("bidi_override", pointer, "a character that turns text around")
        raise Malformed("control_character", pointer, "a control character")


def _too_deep(pointer: str) -> Malformed:
    return Malformed("too_deep", pointer, f"nested more than {DEPTH_MAX} deep")
