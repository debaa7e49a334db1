"""What the receipts say when an id is to be reserved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from intake.domain.verdicts import Receipt, Refusal


@dataclass(slots=True)
class Reservation:
    """An id about to be published: everything that its receipt and its head remember.

    `rank` is that of the acting role, of a correction the highest of those that may send it; `roles` are all
    of the sender, by which a withdrawal is judged.
    """

    id: str
    source: str
    fingerprint: bytes
    credential: str
    topic: str
    partition: int
    received_at: datetime
    has_head: bool
    subject: str
    root: str
    revision: int
    recorder: str
    rank: int
    kind: str
    withdraws: bool
    day: date
    roles: frozenset[str] = frozenset()

    @property
    def begins(self) -> bool:
        """True for the first revision of what has revisions."""
        return self.has_head and self.revision == 1

    @property
    def corrects(self) -> bool:
        """True for a later revision."""
        return self.has_head and self.revision > 1


class Fresh:
    """The id is ours: publish, then complete."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Settled:
    """The id was stored before; the receipt carries the fingerprint of what was."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Busy:
    """Somebody else is publishing that id right now, with that content."""

    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Barred:
    """The event may not become the head of its fact; nothing is reserved."""

    refusal: Refusal


FRESH = Fresh()
Standing = Fresh | Settled | Busy | Barred
