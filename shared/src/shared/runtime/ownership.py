"""Who owns which partition: what the group assigns is noted, what is noted is claimed in the database."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from aiokafka import ConsumerRebalanceListener, TopicPartition

from shared.runtime.cursor import Claim
from shared.runtime.records import Partition


class Pauses(Protocol):
    """All that a rebalance callback may do besides noting."""

    def pause(self, partitions: Collection[Partition]) -> None:
        """Fetch nothing from these until they are claimed. Never waits."""
        ...


class Ownership(ConsumerRebalanceListener):
    """Assigned, claimed, and held off partitions of one consumer.

    The callbacks only note and return: the library stops heartbeats while they run, runs them while a batch
    is still being handled, and an error in them can end its coordination for good.
    """

    def __init__(self, log: Pauses, now: Callable[[], float], notify: Callable[[], None]) -> None:
        """`now` is monotonic seconds, `notify` tells the engine that something changed."""
        self._log = log
        self._now = now
        self._notify = notify
        self._claims: dict[Partition, Claim] = {}
        self._assigned: set[Partition] = set()
        self._held_off: dict[Partition, float] = {}
        self.joined = False

    @property
    def claims(self) -> Mapping[Partition, Claim]:
        """What is owned now; live."""
        return self._claims

    @property
    def assigned(self) -> frozenset[Partition]:
        """What the group has given to this member, claimed or not."""
        return frozenset(self._assigned)

    def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Note that these belong to nobody until the group has decided."""
        for partition in (Partition(*item) for item in revoked):
            self._assigned.discard(partition)
            self._held_off.pop(partition, None)
            self._claims.pop(partition, None)
        self._notify()

    def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Note what is to be claimed; it stays paused until then."""
        self.joined = True
        self._assigned = {Partition(*item) for item in assigned}
        self._held_off.clear()
        self._claims.clear()
        self._log.pause(self._assigned)
        self._notify()

    def unclaimed(self) -> list[Partition]:
        """Assigned partitions to claim now, in order."""
        now = self._now()
        return sorted(p for p in self._assigned - self._claims.keys() if self._held_off.get(p, now) <= now)

    def seconds_to_next(self) -> float | None:
        """Until a partition that was held off is to be claimed; None when there is none."""
        waiting = [until for p, until in self._held_off.items() if p not in self._claims]
        return max(0.0, min(waiting) - self._now()) if waiting else None

    def claimed(self, claim: Claim) -> None:
        """Begin to own; ignored when the group has taken the partition away meanwhile."""
        if claim.partition in self._assigned:
            self._held_off.pop(claim.partition, None)
            self._claims[claim.partition] = claim

    def hold_off(self, partition: Partition, seconds: float) -> None:
        """Give a claim up and try again later, if the group has not moved the partition by then.

        A partition claimed by somebody else is usually in a rebalance that we have not heard of; but if that
        somebody dies before it joins, nobody else would ever read it.
        """
        self._claims.pop(partition, None)
        if partition in self._assigned:
            self._held_off[partition] = self._now() + seconds

    def void(self) -> None:
        """All claims are gone: they belong to a writing connection that is lost."""
        self._claims.clear()
