"""A field app that never gives up: posts events to intake until each has its answer.

One lane at a time per compound: the next batch of a compound leaves only after the verdicts of the one
before, so that its facts arrive in their order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from random import Random
from types import TracebackType
from typing import Any, Final, Self
from zlib import crc32

import aiohttp
import msgspec
import stamina

from shared.demo.event import Event
from shared.events.envelope import BATCH_CONTENT_TYPE

BATCH_EVENTS_MAX: Final = 500
BATCH_BYTES_MAX: Final = 1024 * 1024
RETRY_AFTER_SECONDS_MAX: Final = 60.0
# Statuses after which the same request may succeed.
_AGAIN: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_DONE: Final = frozenset({"stored", "replayed"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """An event that intake will never take, and the problem it named."""

    event: Event
    status: str
    problem: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a sending is: distinct events answered, of how many posted, and what came in between."""

    answered: int
    refused: int
    total: int
    retries: int


class SendingFailed(Exception):  # noqa: N818 - reads as what happened
    """Intake refuses this sender altogether, or gave no verdict within the deadline."""


@contextmanager
def plainly() -> Iterator[None]:
    """One plain SendingFailed instead of a group that holds it."""
    try:
        yield
    except ExceptionGroup as group:
        # Not `except*`: before Python 3.11.4 what is raised inside of one comes out in a group again.
        failed = group.subgroup(SendingFailed)
        if failed is None:
            raise
        raise failed.exceptions[0] from None


class _Again(Exception):  # noqa: N818 - control flow of the retry loop
    """Part of a batch is still without a verdict; `after_seconds` when intake said so."""

    def __init__(self, reason: str, after_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.after_seconds = after_seconds


class Sender:
    """Posts to one intake with one key; `answered` holds the identity of every event answered 2xx.

    `deadline_seconds` bounds the wait for the verdicts of one batch.
    """

    def __init__(
        self,
        intake: str,
        key: str,
        *,
        lanes: int = 4,
        batch_events: int = BATCH_EVENTS_MAX,
        deadline_seconds: float = 300.0,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> None:
        self._url = intake.rstrip("/") + "/v1/events"
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": BATCH_CONTENT_TYPE}
        self._lanes = lanes
        self._batch_events = min(batch_events, BATCH_EVENTS_MAX)
        self._deadline_seconds = deadline_seconds
        self._on_progress = on_progress or (lambda _: None)
        self._jitter = Random()  # noqa: S311 - spreads retries, guards nothing
        self._session: aiohttp.ClientSession | None = None
        self._total = 0
        self.retries = 0
        self.answered: set[tuple[str, str]] = set()
        self.refused: list[Refusal] = []

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            headers=self._headers,
            timeout=aiohttp.ClientTimeout(total=35),  # a little more than intake's own 30 s
            trust_env=False,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    @property
    def progress(self) -> Progress:
        """Where the sending stands."""
        return Progress(len(self.answered), len(self.refused), self._total, self.retries)

    async def send(self, events: Iterable[Event]) -> Progress:
        """Posts all events and returns when each has its verdict; raises `SendingFailed`."""
        lanes: list[list[Event]] = [[] for _ in range(self._lanes)]
        for event in events:
            lanes[crc32(event.subject.encode()) % self._lanes].append(event)
            self._total += 1
        # The first lane that fails ends the others: half a district is no district.
        with plainly():
            async with asyncio.TaskGroup() as group:
                for lane in lanes:
                    group.create_task(self._send_lane(lane))
        return self.progress

    async def _send_lane(self, lane: Sequence[Event]) -> None:
        for batch in batches(lane, self._batch_events):
            await self._send_batch(batch)

    async def _send_batch(self, batch: Sequence[Event]) -> None:
        pending = list(batch)
        try:
            async for attempt in stamina.retry_context(
                on=_backoff, attempts=None, timeout=self._deadline_seconds, wait_initial=0.2, wait_max=5.0
            ):
                with attempt:
                    if attempt.num > 1:
                        self.retries += 1
                    # Whatever has a verdict leaves `pending`, so that only the rest is sent again.
                    await self._post(pending)
        except (_Again, aiohttp.ClientError, TimeoutError) as error:
            within = f"within {self._deadline_seconds:g} s"
            raise SendingFailed(f"no verdict for {len(pending)} events {within}: {error}") from error

    async def _post(self, pending: list[Event]) -> None:
        assert self._session is not None, "use `async with Sender(...)`"
        body = b"[" + b",".join(event.raw for event in pending) + b"]"
        async with self._session.post(
            self._url, data=body, headers={"Sent-At": datetime.now(UTC).isoformat()}
        ) as response:
            answer = _decoded(await response.read())
            after = self._retry_after(response.headers.get("Retry-After"))
            status = response.status
        items = answer.get("items")
        if not isinstance(items, list) or len(items) != len(pending):
            if status in _AGAIN:
                raise _Again(f"intake answered {status}", after)
            raise SendingFailed(f"intake refused the batch with {status} {answer.get('type', '')}".rstrip())
        kept = [event for event, item in zip(pending, items, strict=True) if not self._settle(event, item)]
        pending[:] = kept
        self._on_progress(self.progress)
        if pending:
            raise _Again(f"intake wants {len(pending)} events again", after)

    def _settle(self, event: Event, item: dict[str, Any]) -> bool:
        """Notes the verdict of one event; False when it is to be sent again."""
        status = str(item.get("status"))
        if status == "retry":
            return False
        if status in _DONE:
            self.answered.add(event.identity)
        else:
            self.refused.append(Refusal(event, status, str(item.get("problem", ""))))
        return True

    def _retry_after(self, header: str | None) -> float | None:
        """Seconds to wait as intake asked, jittered upwards so that senders do not return in step."""
        if header is None:
            return None
        if header.isascii() and header.isdigit():
            seconds = float(header)
        else:
            try:
                seconds = (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds()
            except (TypeError, ValueError):
                return None
        return min(max(seconds, 0.0), RETRY_AFTER_SECONDS_MAX) + self._jitter.uniform(0.0, 0.5)


def _backoff(error: Exception) -> bool | float:
    """Whether to try again, or after how many seconds."""
    if isinstance(error, _Again):
        return True if error.after_seconds is None else error.after_seconds
    return isinstance(error, aiohttp.ClientConnectionError | aiohttp.ClientPayloadError | TimeoutError)


def _decoded(body: bytes) -> dict[str, Any]:
    """The answer as an object; empty when it is none, as from a proxy in between."""
    try:
        answer = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return {}
    return answer if isinstance(answer, dict) else {}


def batches(events: Iterable[Event], events_max: int = BATCH_EVENTS_MAX) -> Iterable[list[Event]]:
    """Cuts a lane into batches within both limits of the door: count, and bytes with their commas."""
    batch: list[Event] = []
    size = 2
    for event in events:
        more = len(event.raw) + 1
        if batch and (len(batch) == events_max or size + more > BATCH_BYTES_MAX):
            yield batch
            batch, size = [], 2
        batch.append(event)
        size += more
    if batch:
        yield batch
