"""A lane in this worker's hand, and the pool of open requests that lanes share."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from notify.domain.lanes import SLOW_AFTER_SECONDS, Health, allowance
from notify.ports import Lane, Taken


@dataclass(slots=True)
class Turn:
    """One leased lane: what is in hand of it, what is under way, until when it is ours."""

    lane: Lane
    health: Health
    lease_ends: float
    """By the monotonic clock, with a margin: after this moment another worker may have it."""
    began: float
    slow: bool
    queue: deque[Taken] = field(default_factory=deque)
    in_hand: set[UUID] = field(default_factory=set)
    """Taken, and the end not committed yet."""
    flights: dict[UUID, float] = field(default_factory=dict)
    """Under way: delivery -> monotonic start, oldest first."""
    senders: int = 0
    stalled: bool = False
    """Became slow under our hands: one request at a time until it answers."""
    may_have_more: bool = True
    closing: bool = False

    @property
    def limit(self) -> int:
        """How many requests may be under way now."""
        return 1 if self.stalled else self.health.slots

    def wants(self, health: Health, now: datetime, *, in_hand: int) -> int:
        """How many more deliveries are worth asking for; `now` is database time.

        Not one for each that is through: a round is worth a handful, unless senders run dry.
        """
        if not self.may_have_more or self.closing or self.stalled:
            return 0
        wanted = allowance(health, now, in_hand=in_hand)
        return wanted if wanted >= health.slots or len(self.queue) < health.slots else 0

    def lags(self, now: float) -> bool:
        """Something has been under way for so long that this endpoint must not hold brisk slots."""
        first = next(iter(self.flights.values()), now)
        return now - first > SLOW_AFTER_SECONDS


@dataclass(slots=True)
class Pool:
    """How many requests may be open at once, in two parts, so that slow endpoints cannot take it all.

    A lane that turns out slow takes its open requests along into the slow part, even beyond its bound:
    that part then admits nobody until it has drained, and the brisk part is whole again at once.
    """

    brisk_max: int
    slow_max: int
    brisk: int = 0
    slow: int = 0

    def room(self, *, slow: bool) -> int:
        """How many more requests may begin."""
        return max(self.slow_max - self.slow if slow else self.brisk_max - self.brisk, 0)

    def enter(self, *, slow: bool) -> None:
        if slow:
            self.slow += 1
        else:
            self.brisk += 1

    def leave(self, *, slow: bool) -> None:
        if slow:
            self.slow -= 1
        else:
            self.brisk -= 1

    def move_to_slow(self, count: int) -> None:
        """Open requests whose lane has just turned out slow."""
        self.brisk -= count
        self.slow += count

    def move_to_brisk(self, count: int) -> None:
        """Open requests whose lane answers promptly again."""
        self.slow -= count
        self.brisk += count
