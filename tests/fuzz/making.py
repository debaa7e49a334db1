"""From a seed and a number to one request: the same today and tomorrow, so that a finding can be repeated."""

import gzip
import random
from typing import Any

from tests.fuzz import corpus
from tests.fuzz.corpus import Request
from tests.fuzz.mutations import spoil_bytes, spoil_document, spoil_headers, written

WHOLE_SHARE = 0.1
PACKED_SHARE = 0.05
EVENTS_MAX = 8


def request_of(seed: int, number: int) -> Request:
    """The request of that number."""
    rng = random.Random(f"{seed}/{number}")
    mode = rng.choice([corpus.STRUCTURED, corpus.STRUCTURED, corpus.BATCH, corpus.BINARY])
    whole = rng.random() < WHOLE_SHARE
    headers = [(b"content-type", mode)]
    body = _body(mode, headers, rng, whole=whole)
    if rng.random() < PACKED_SHARE:
        headers.append((b"content-encoding", b"gzip"))
        body = gzip.compress(body, mtime=0)
    if whole:
        return Request(headers, body)
    if rng.random() < 0.35:
        for _ in range(rng.randint(1, 3)):
            body = spoil_bytes(body, rng)
    if rng.random() < (0.5 if mode == corpus.BINARY else 0.05):
        headers = spoil_headers(headers, rng)
    return Request(headers, body)


def _body(mode: bytes, headers: corpus.Headers, rng: random.Random, *, whole: bool) -> bytes:
    if mode == corpus.BATCH:
        return written([_event(rng, whole=whole) for _ in range(rng.randint(0, EVENTS_MAX))], rng)
    event = _event(rng, whole=whole)
    if mode == corpus.BINARY:
        headers += corpus.binary_headers(event)
        return written(event.get("data"), rng)
    return written(event, rng)


def _event(rng: random.Random, *, whole: bool) -> dict[str, Any]:
    event = corpus.fresh(rng)
    if not whole and rng.random() < 0.7:
        for _ in range(rng.choice([1, 1, 1, 2, 4])):
            spoil_document(event, rng)
    return event
