"""The three modes of the CloudEvents HTTP binding, down to the bytes of each event."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote

import msgspec
from shared.events.envelope import BATCH_CONTENT_TYPE, CONTENT_TYPE
from shared.runtime.problems import FieldError, Problem

STRUCTURED: Final = CONTENT_TYPE.encode()
BATCH: Final = BATCH_CONTENT_TYPE.encode()
BINARY: Final = b"application/json"
ACCEPTED: Final = f"{CONTENT_TYPE}, {BATCH_CONTENT_TYPE}, application/json"
EVENTS_MAX: Final = 500
_BLANKS: Final = b" \t\r\n"
_MODES: Final = {mode: mode for mode in (STRUCTURED, BATCH, BINARY)}
_INTEGERS: Final = frozenset({"revision"})

_split: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode
_value: Final = msgspec.json.Decoder(msgspec.Raw).decode


def unsupported(detail: str) -> Problem:
    return Problem(415, "unsupported_media_type", detail, headers=[("Accept-Post", ACCEPTED)])


def mode_of(content_type: bytes) -> bytes:
    """The mode of a request by its media type; Problem 415 for what is not taken."""
    media_type, _, parameters = content_type.partition(b";")
    mode = _MODES.get(media_type.strip().lower())
    if mode is None:
        raise unsupported("Send a CloudEvent, a batch of them, or JSON with ce- headers.")
    name, _, charset = parameters.strip().lower().partition(b"=")
    if name == b"charset" and charset.strip(b'"') not in {b"utf-8", b"utf8"}:
        raise unsupported("JSON is sent in UTF-8.")
    return mode


def structured(body: bytes) -> bytes:
    """The event of a request in structured mode."""
    return body.strip(_BLANKS)


def batch(body: bytes) -> list[bytes]:
    """The events of a batch, as they were written; Problem when it is no list, or too long a one."""
    try:
        raws = _split(body)
    except RecursionError:
        raise _malformed("too_deep", "Nested too deep.") from None
    except msgspec.ValidationError:
        raise _malformed("not_a_batch", "A batch is a JSON array of events.") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _malformed("invalid_json", "Not valid JSON in UTF-8.") from None
    if len(raws) > EVENTS_MAX:
        raise Problem(413, "too_many_events", f"A batch has at most {EVENTS_MAX} events: send several.")
    return [bytes(raw) for raw in raws]


def binary(headers: Iterable[tuple[bytes, bytes]], body: bytes) -> bytes:
    """The structured form of an event whose attributes are `ce-` headers; Problem 400 or 415."""
    attributes: dict[str, str | int] = {}
    for name, value in headers:
        if not name.startswith(b"ce-"):
            continue
        attribute = name[3:].decode("latin-1")
        if attribute in attributes or attribute in {"data", "datacontenttype"}:
            raise _malformed("duplicate_attribute", "An attribute is there twice.", f"/{attribute[:64]}")
        attributes[attribute] = _attribute(attribute, value)
    if "specversion" not in attributes:
        raise unsupported("JSON without ce- headers is no CloudEvent.")
    try:
        # Only one whole JSON value may stand where the data stands.
        data = _value(body)
    except RecursionError:
        raise _malformed("too_deep", "Nested too deep.", "/data") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _malformed("invalid_json", "Not valid JSON in UTF-8.", "/data") from None
    head = json.dumps(
        {**attributes, "datacontenttype": "application/json"}, ensure_ascii=False, separators=(",", ":")
    )
    return b'%b,"data":%b}' % (head[:-1].encode(), bytes(data).strip(_BLANKS))


def _attribute(name: str, value: bytes) -> str | int:
    try:
        text = unquote(value.decode("ascii"), errors="strict")
    except UnicodeDecodeError:
        raise _malformed(
            "invalid_attribute", "A header is not percent-encoded UTF-8.", f"/{name[:64]}"
        ) from None
    if name in _INTEGERS and text.isascii() and text.isdecimal() and len(text) <= 10:
        return int(text)
    return text


def _malformed(code: str, detail: str, pointer: str = "") -> Problem:
    return Problem(400, code, detail, errors=[FieldError(pointer, code)])
