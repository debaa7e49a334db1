"""How the door answers for one event, and what a batch of answers amounts to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum


class Status(StrEnum):
    """The word of an item's verdict (contracts.md)."""

    STORED = "stored"
    REPLAYED = "replayed"
    REJECTED = "rejected"
    CONFLICT = "conflict"
    FORBIDDEN = "forbidden"
    RETRY = "retry"


class Grounds(Enum):
    """Why an event is not let in; the value is its status in `POST /v1/events`."""

    MALFORMED = 400
    FORBIDDEN = 403
    CONFLICT = 409
    TOO_LARGE = 413
    INVALID = 422
    AWAY = 503


_WORDS = {Grounds.FORBIDDEN: Status.FORBIDDEN, Grounds.CONFLICT: Status.CONFLICT, Grounds.AWAY: Status.RETRY}
_SUCCESS = {Status.STORED: 202, Status.REPLAYED: 200}
MIXED = 207


@dataclass(frozen=True, slots=True)
class Fault:
    """One place in an event that is to blame: a JSON pointer into it and a stable code."""

    pointer: str
    code: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one event stays outside; never repeats a value that was sent.

    `fingerprint` and `stored_fingerprint` (hexadecimal) belong to a conflict of contents,
    `current_revision` to a stale revision.
    """

    grounds: Grounds
    code: str
    detail: str
    faults: tuple[Fault, ...] = ()
    fingerprint: str | None = None
    stored_fingerprint: str | None = None
    current_revision: int | None = None

    @property
    def status(self) -> Status:
        return _WORDS.get(self.grounds, Status.REJECTED)


@dataclass(slots=True)
class Receipt:
    """Where an event lies: it is on every in-sync replica of that partition at that offset."""

    id: str
    topic: str
    partition: int
    offset: int
    received_at: datetime
    fingerprint: bytes


@dataclass(slots=True)
class Verdict:
    """The answer for one event: a receipt for what is stored, a refusal for what is not."""

    status: Status
    receipt: Receipt | None = None
    refusal: Refusal | None = None

    @property
    def http_status(self) -> int:
        """The status that this verdict alone has."""
        return self.refusal.grounds.value if self.refusal else _SUCCESS[self.status]


def refused(refusal: Refusal) -> Verdict:
    return Verdict(refusal.status, refusal=refusal)


def shared_fate(verdicts: Sequence[Verdict]) -> int:
    """The HTTP status of a batch: the one that all its items share, else 207."""
    statuses = {verdict.http_status for verdict in verdicts}
    return statuses.pop() if len(statuses) == 1 else MIXED


RETRY = Refusal(Grounds.AWAY, "not_stored", "Not stored, or not known to be: send the same event again.")
BEHIND_RETRY = Refusal(
    Grounds.AWAY, "behind_retry", "An earlier event of this compound in the batch must be sent again first."
)
