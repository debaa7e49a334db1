"""`POST /v1/events`, as plain ASGI: the one route whose cost per request counts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cache
from typing import Final

import msgspec
from litestar.types import Receive, Scope, Send
from prometheus_client import Counter
from shared.runtime.answers import send_problem
from shared.runtime.auth import Directory
from shared.runtime.logs import get_logger
from shared.runtime.problems import Problem

from intake.api import modes
from intake.api.answers import Headers, many, one, retry_after
from intake.api.body import SenderGone, announced_size, read_body
from intake.api.callers import Doorkeeper
from intake.api.coding import coding_of, decoded
from intake.api.gate import Gate
from intake.domain.callers import Caller
from intake.domain.offers import Offer
from intake.domain.rates import Allowance, Rates
from intake.domain.verdicts import Refusal, Verdict, refused
from intake.handlers.door import Door
from intake.metrics import IntakeMetrics
from intake.ports import Availability
from intake.settings import DoorSettings
from intake.translate.offers import Offers, readable_id
from intake.translate.trace import HEADER as TRACE_HEADER
from intake.translate.trace import trace_of

log = get_logger()

PATH: Final = "/v1/events"
_instant: Final = msgspec.json.Decoder(datetime).decode


class EventsRoute:
    """Key, limits, mode, verdicts, answer, counts: everything of one request."""

    def __init__(
        self,
        door: Door,
        offers: Offers,
        directory: Directory,
        availability: Availability,
        bounds: DoorSettings,
        metrics: IntakeMetrics,
    ) -> None:
        self._door = door
        self._offers = offers
        self._doorkeeper = Doorkeeper(directory, metrics)
        self._availability = availability
        self._bounds = bounds
        self._gate = Gate(bounds, metrics)
        self._rates = _rates(bounds)
        metrics.devices_remembered.set_function(lambda: len(self._rates))
        # Reading a batch keeps the loop busy: with all at once, the first would miss their deadlines.
        self._turns = asyncio.Semaphore(bounds.batches_max)
        self._metrics = metrics
        self._seconds = metrics.plumbing.http_seconds.labels(PATH)
        self._counted = _child(metrics.plumbing.http_requests, PATH, "POST")
        self._judged = _child(metrics.events)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        status = 500
        try:
            status, headers, body = await self._answer(scope["headers"], receive)
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": body, "more_body": False})
        except Problem as problem:
            status = problem.status
            self._metrics.refused.labels(problem.code).inc()
            await send_problem(send, problem)
        except SenderGone:
            status = 499
        except Exception:
            # A bug of ours is answered as one, without its words, and the connection lives on.
            log.exception("request_failed", route=PATH)
            await send_problem(send, Problem(500, "internal_error", "Something is wrong here."))
        finally:
            self._counted(status).inc()
            self._seconds.observe(time.perf_counter() - began)

    async def _answer(
        self, headers: Iterable[tuple[bytes, bytes]], receive: Receive
    ) -> tuple[int, Headers, bytes]:
        known = dict(headers)
        caller = self._doorkeeper.caller(known)
        mode = modes.mode_of(known.get(b"content-type", b""))
        decoder = coding_of(headers) if b"content-encoding" in known else None
        size = announced_size(known.get(b"content-length", b""))
        if not self._availability.available:
            raise _later("away", "Nothing can be stored now.")
        if not self._gate.enter(size):
            raise _later("busy", "Too much at once.")
        try:
            self._hold_to_rate(caller)
            body = await read_body(receive, self._bounds)
            if decoder is not None:
                body = decoded(body, decoder)
                if not self._gate.grow(size, len(body)):
                    raise _later("busy", "Too much at once.")
                size = max(size, len(body))
            sent_at = _sent_at(known.get(b"sent-at"))
            trace = trace_of(headers) if TRACE_HEADER in known else None
            if mode is modes.BATCH:
                async with self._turns:
                    return await self._many(modes.batch(body), caller, sent_at, trace)
            raw = modes.structured(body) if mode is modes.STRUCTURED else modes.binary(headers, body)
            return await self._one(raw, caller, sent_at, trace)
        finally:
            self._gate.leave(size)

    def _hold_to_rate(self, caller: Caller) -> None:
        """Problem 429 when its device, if it has one, sends more than a device may."""
        device = caller.device or (caller.credential if self._bounds.rate_every_key else "")
        if not device:
            # A system's key carries what many people do: the gate alone holds it.
            return
        wait_seconds = self._rates.wait_seconds(device, time.monotonic())
        if wait_seconds:
            raise Problem(
                429,
                "too_many_requests",
                "This device sends too often: send again later, and several events in one request.",
                headers=[("Retry-After", retry_after(wait_seconds))],
            )

    async def _one(
        self, raw: bytes, caller: Caller, sent_at: datetime | None, trace: bytes | None
    ) -> tuple[int, Headers, bytes]:
        offer = self._offers.read(raw, trace)
        if isinstance(offer, Refusal):
            verdict = refused(offer)
        else:
            verdict = await self._door.admit(offer, caller, sent_at)
        self._count(verdict)
        return one(verdict)

    async def _many(
        self, raws: list[bytes], caller: Caller, sent_at: datetime | None, trace: bytes | None
    ) -> tuple[int, Headers, bytes]:
        offers = [self._offers.read(raw, trace) for raw in raws]
        verdicts = await self._door.admit_all(offers, caller, sent_at)
        for verdict in verdicts:
            self._count(verdict)
        ids = [
            offer.sent_id if isinstance(offer, Offer) else readable_id(raw)
            for offer, raw in zip(offers, raws, strict=True)
        ]
        return many(verdicts, ids)

    def _count(self, verdict: Verdict) -> None:
        code = "" if verdict.refusal is None else verdict.refusal.code
        self._judged(verdict.status.value, code).inc()


def _rates(bounds: DoorSettings) -> Rates:
    reserve_seconds = bounds.device_reserve_hours * 3_600
    allowance = Allowance(
        bounds.device_burst, bounds.device_per_second, bounds.device_reserve, reserve_seconds
    )
    return Rates(allowance, remembered_max=bounds.devices_max)


def _child(counter: Counter, *fixed: str) -> Callable[..., Counter]:
    """The child of a counter by its last labels, found once: the client takes a lock for each look."""

    @cache
    def child(*labels: object) -> Counter:
        return counter.labels(*fixed, *(str(label) for label in labels))

    return child


def _later(code: str, detail: str) -> Problem:
    """503 with a time to come back that differs from sender to sender."""
    return Problem(503, code, detail, headers=[("Retry-After", retry_after())])


def _sent_at(header: bytes | None) -> datetime | None:
    """When the sender says that it sent; None when it does not say, or not as a time with a zone."""
    if header is None:
        return None
    try:
        at = _instant(b'"%b"' % header.strip())
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return at if at.tzinfo is not None else None
