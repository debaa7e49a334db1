"""An event that keeps the contract, as the door judges and stores it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum


class Family(Enum):
    """The families that come through the door."""

    FACT = "fact"
    REGISTRY = "registry"
    ACCESS = "access"


@dataclass(slots=True)
class Offer:
    """One event, read and valid; `id` and `root` in lower case, `sent_id` as the sender wrote it.

    `raw` is the sender's JSON, to which only stamps are added. `fingerprint` is the SHA-256 of its
    canonical form. `day` is the local day of `occurred_at`. `place` is (community, station) of a
    compound's registration. `written_at` is when a device wrote it down, where it said so.
    """

    id: str
    sent_id: str
    source: str
    type: str
    kind: str
    family: Family
    subject: str
    root: str
    revision: int
    occurred_at: datetime
    day: date
    topic: str
    key: str
    raw: bytes
    fingerprint: bytes
    place: tuple[str, str] | None = None
    written_at: datetime | None = None

    @property
    def identity(self) -> tuple[str, str]:
        """What makes it one and the same event: (id, source)."""
        return self.id, self.source

    @property
    def recorded_at(self) -> datetime:
        """When it was recorded, as far as is told: never before it happened."""
        written_at = self.written_at
        return self.occurred_at if written_at is None else max(self.occurred_at, written_at)

    @property
    def withdraws(self) -> bool:
        """True for a withdrawal, which is a revision of a fact of any kind."""
        return self.kind == WITHDRAWAL


WITHDRAWAL = "fact.withdrawn"
