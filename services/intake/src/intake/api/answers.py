"""Verdicts as JSON: receipts, problems and item lists."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

import msgspec
from shared.runtime.problems import MEDIA_TYPE, TYPE_PREFIX, FieldError

from intake.domain.stamps import instant
from intake.domain.verdicts import Receipt, Refusal, Verdict, shared_fate

JSON: Final = b"application/json"
PROBLEM: Final = MEDIA_TYPE.encode()
RETRY_AFTER_SECONDS_MAX: Final = 5

Headers = list[tuple[bytes, bytes]]
_encode: Final = msgspec.json.Encoder().encode
_REASONS: Final = {status.value: status.phrase for status in HTTPStatus}


class ReceiptBody(msgspec.Struct, omit_defaults=True):
    """Where an event lies; without a place while it is still being published."""

    id: str
    status: str
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None
    receivedtime: str | None = None
    fingerprint: str | None = None


class ProblemBody(msgspec.Struct, omit_defaults=True):
    """A problem (RFC 9457) with what belongs to events; pointers lead into the event."""

    type: str
    title: str
    status: int
    # Without a default, so that it is always there.
    retryable: bool = msgspec.field()
    detail: str | None = None
    errors: tuple[FieldError, ...] = ()
    # A conflict: what was sent and what is stored. A stale revision: the one to correct.
    fingerprint: str | None = None
    stored_fingerprint: str | None = None
    current_revision: int | None = None
    # Several receipts fit: from which sources.
    sources: tuple[str, ...] = ()


class ItemBody(msgspec.Struct, omit_defaults=True):
    """The verdict of one event of a batch, in the order of the request."""

    index: int = msgspec.field()
    status: str = msgspec.field()
    id: str | None = None
    problem: ProblemBody | None = None
    receipt: ReceiptBody | None = None


class BatchBody(msgspec.Struct, omit_defaults=True):
    """The verdicts of a batch with items of different fate, or all stored."""

    items: list[ItemBody] = msgspec.field()


class BatchProblemBody(ProblemBody, omit_defaults=True):
    """The verdicts of a batch whose items share one refusal."""

    items: list[ItemBody] = []


def receipt_body(receipt: Receipt, status: str) -> ReceiptBody:
    return ReceiptBody(
        receipt.id,
        status,
        receipt.topic,
        receipt.partition,
        receipt.offset,
        instant(receipt.received_at),
        receipt.fingerprint.hex(),
    )


def problem_body(refusal: Refusal) -> ProblemBody:
    status = refusal.grounds.value
    return ProblemBody(
        TYPE_PREFIX + refusal.code,
        _REASONS[status],
        status,
        retryable=status == HTTPStatus.SERVICE_UNAVAILABLE,
        detail=refusal.detail,
        errors=tuple(FieldError(fault.pointer, fault.code) for fault in refusal.faults),
        fingerprint=refusal.fingerprint,
        stored_fingerprint=refusal.stored_fingerprint,
        current_revision=refusal.current_revision,
    )


def one(verdict: Verdict) -> tuple[int, Headers, bytes]:
    """Status, headers and body for a single event."""
    if verdict.refusal is not None:
        body = _encode(problem_body(verdict.refusal))
        return verdict.http_status, _headers(PROBLEM, body, verdict.http_status), body
    receipt = verdict.receipt
    body = b"{}" if receipt is None else _encode(receipt_body(receipt, verdict.status.value))
    return verdict.http_status, _headers(JSON, body, verdict.http_status), body


def many(verdicts: Sequence[Verdict], ids: Sequence[str | None]) -> tuple[int, Headers, bytes]:
    """Status, headers and body for a batch; `ids` as far as they could be read."""
    status = shared_fate(verdicts) if verdicts else HTTPStatus.OK.value
    items = [
        _item(index, verdict, event_id)
        for index, (verdict, event_id) in enumerate(zip(verdicts, ids, strict=True))
    ]
    away = any(verdict.http_status == HTTPStatus.SERVICE_UNAVAILABLE for verdict in verdicts)
    if status < HTTPStatus.BAD_REQUEST:
        body = _encode(BatchBody(items))
        media_type = JSON
    else:
        problem = BatchProblemBody(
            TYPE_PREFIX + "batch_refused",
            _REASONS[status],
            status,
            retryable=away,
            detail="No event of the batch was taken in.",
            items=items,
        )
        body = _encode(problem)
        media_type = PROBLEM
    return status, _headers(media_type, body, HTTPStatus.SERVICE_UNAVAILABLE if away else status), body


def retry_after(wait_seconds: float = 0.0) -> str:
    """Whole seconds until the wait is over, and some more, so that not all senders come back at once."""
    spread = random.randrange(RETRY_AFTER_SECONDS_MAX)  # noqa: S311 - spreads load, hides nothing
    return str(max(1, math.ceil(wait_seconds)) + spread)


def _item(index: int, verdict: Verdict, event_id: str | None) -> ItemBody:
    receipt, refusal = verdict.receipt, verdict.refusal
    return ItemBody(
        index,
        verdict.status.value,
        event_id,
        None if refusal is None else problem_body(refusal),
        None if receipt is None else receipt_body(receipt, verdict.status.value),
    )


def _headers(media_type: bytes, body: bytes, status: int) -> Headers:
    headers = [(b"content-type", media_type), (b"content-length", b"%d" % len(body))]
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers.append((b"retry-after", retry_after().encode()))
    return headers
