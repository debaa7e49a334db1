"""What the door needs from the world, as protocols."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from intake.domain.places import Whereabouts
from intake.domain.reservations import Reservation, Standing
from intake.domain.verdicts import Receipt


class Away(Exception):  # noqa: N818 - the word for it in the design
    """Something the door leans on does not answer: nothing is promised, the sender sends again."""


class Receipts(Protocol):
    """Which ids were taken in, shared by all replicas."""

    async def reserve(self, reservations: Sequence[Reservation]) -> Sequence[Standing]:
        """Reserve ids, in one go for everybody who asks at once; one answer each, in order.

        An expired reservation of the same content is taken over. The ids of one call differ. Raises Away.
        """
        ...

    async def complete(self, receipts: Sequence[tuple[Reservation, int]]) -> None:
        """Note the offset at which each reserved event lies. Raises Away."""
        ...

    def release(self, reservations: Sequence[Reservation]) -> None:
        """Let go of what was not published, so that the next attempt need not wait; never waits."""
        ...


class EventLog(Protocol):
    """The topics: a position is given once every in-sync replica has the record."""

    async def append_all(self, records: Sequence[tuple[str, str, bytes, int]]) -> Sequence[int | None]:
        """Publish (topic, key, value, partition) in order, under one deadline.

        Answers offsets, None for what is not known to be stored in time.
        """
        ...

    def partition_of(self, topic: str, key: str) -> int:
        """Where records of that key lie."""
        ...


class Places(Protocol):
    """Where compounds belong, by the registry as far as it was read."""

    def of(self, compound: str) -> Whereabouts | None:
        """Where that compound is and was; None when it is not registered."""
        ...


class Times(Protocol):
    """Wall and monotonic time."""

    def now(self) -> datetime: ...

    def monotonic(self) -> float: ...


class Availability(Protocol):
    """Whether anything can be taken in at all."""

    @property
    def available(self) -> bool:
        """False while the broker or the database does not answer."""
        ...


class LookUp(Protocol):
    """Receipts by id, for those who lost an answer."""

    async def find(
        self, event_id: str, source: str | None, credential: str
    ) -> Sequence[tuple[str, Receipt | None]]:
        """(source, receipt) of each event with that id; the receipt is None while it is being published.

        Without `source` only events of that credential. Raises Away.
        """
        ...
