"""What delivering needs: lanes and their transactions, channels, two clocks, and somebody who counts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from notify.domain.answers import Answer
from notify.domain.lanes import Health
from notify.domain.organisations import RecipientId


@dataclass(frozen=True, slots=True)
class SealedSecret:
    """A secret as it is stored; `key_id` names the key that opens it."""

    number: int
    key_id: str
    ciphertext: bytes


@dataclass(frozen=True, slots=True)
class Lane:
    """An endpoint leased by this worker; `claim` proves it when results are written."""

    endpoint: UUID
    recipient: RecipientId
    channel: str
    target: str
    secrets: tuple[SealedSecret, ...]
    health: Health
    claim: int


@dataclass(frozen=True, slots=True)
class Taken:
    """A delivery in this worker's hand."""

    delivery: UUID
    endpoint: UUID
    notice: UUID
    attempt: int
    payload: bytes
    outcome: UUID
    outcome_type: str
    subject: str


@dataclass(frozen=True, slots=True)
class Sent:
    """What a channel answers: never an exception, whatever the receiver does.

    `address` is where the socket really went, `response` the first 4 kB of what came back; both are for
    the owner of the installation only.
    """

    answer: Answer
    address: str | None = None
    response: str | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """An attempt that is over; `seconds` long, `ended_at` by the database's clock."""

    taken: Taken
    claim: int
    sent: Sent
    seconds: float
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class Finished:
    """What follows from an attempt: a final `state`, or the next attempt after `delay_seconds`.

    With neither, the delivery stays as it was: it was given back.
    """

    ended: Ended
    state: str | None = None
    cause: str | None = None
    delay_seconds: float | None = None


class Channel(Protocol):
    """One way to reach people."""

    async def send(self, lane: Lane, taken: Taken) -> Sent:
        """One attempt, over within the time limit; raises nothing but cancellation."""
        ...


class LaneTransaction(Protocol):
    """One transaction on lanes and deliveries; all instants are the database's."""

    async def now(self) -> datetime:
        """The database's clock, at this moment."""
        ...

    async def finish(self, rows: Sequence[Finished]) -> set[int]:
        """Write results; answers the claims that no longer hold, whose results are only recorded."""
        ...

    async def announce(self, rows: Sequence[Finished], lanes: Mapping[UUID, Lane]) -> None:
        """Put what was delivered or abandoned into the outbox."""
        ...

    async def suspend(self, lane: Lane, cause: str) -> None:
        """Serve the endpoint no longer and park everything that waits for it."""
        ...

    async def keep(self, lanes: Sequence[tuple[Lane, Health]], lease_seconds: float) -> set[int]:
        """Save health and prolong the lease; answers the claims that no longer hold."""
        ...

    async def release(self, lanes: Sequence[tuple[Lane, Health]], now: datetime) -> None:
        """Save health and give lanes back, due again when their next delivery is and nothing blocks them."""
        ...

    async def lease(
        self, limit: int, lease_seconds: float, *, slow: bool, urgent_only: bool = False
    ) -> list[Lane]:
        """Lease lanes with something due that nobody holds, those that wait longest first."""
        ...

    async def take(self, wants: Sequence[tuple[Lane, int]], in_hand: Collection[UUID]) -> list[Taken]:
        """Up to so many due deliveries of each leased lane, with the start of each attempt on record."""
        ...

    async def reap(self) -> int:
        """Free the lanes of workers that are gone; answers how many."""
        ...


class LaneBook(Protocol):
    """The lanes of all endpoints."""

    def transaction(self) -> AbstractAsyncContextManager[LaneTransaction]:
        """Raises Unavailable when the database is away: as far as anybody knows, nothing of it is done."""
        ...


class Unavailable(Exception):  # noqa: N818 - it is the state of the store, not a fault of ours
    """The database is away for the moment: try again."""


class Time(Protocol):
    """Two clocks: one for lengths, one that all workers share."""

    def monotonic(self) -> float:
        """Seconds that only grow."""
        ...

    def now(self) -> datetime:
        """The database's time, aware."""
        ...


class Watch(Protocol):
    """Who counts what dispatching does; nothing here waits or raises."""

    def attempted(self, channel: str, answer: Answer, seconds: float) -> None:
        """One attempt has ended."""
        ...

    def refused(self, claims: int) -> None:
        """So many claims were lost to other workers before their results could be written."""
        ...

    def working(self, *, lanes: int, brisk: int, slow: int) -> None:
        """Lanes in hand and open requests by part of the pool, now."""
        ...

    def bug(self, where: str, error: Exception) -> None:
        """Something failed that never should; the queue goes on."""
        ...
