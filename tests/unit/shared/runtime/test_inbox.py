"""The inbox against a log of its own: what is queued, what is dropped, what is looked at."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from shared.runtime.consume import Claim, Partition
from shared.runtime.consume.inbox import Inbox
from shared.runtime.consume.log import Bounds
from shared.runtime.ownership import Ownership

A, B = Partition("t", 0), Partition("t", 1)


@dataclass(frozen=True)
class Fetched:
    partition: int
    offset: int
    topic: str = "t"
    key: bytes | None = None
    value: bytes | None = b"v"
    headers: tuple[tuple[str, bytes], ...] = ()
    timestamp: int = 0


class FakeLog:
    """A consumer that moves its position when it fetches, and notes what it is told."""

    def __init__(self, *partitions: Partition) -> None:
        self.positions: dict[Partition, int] = dict.fromkeys(partitions, 0)
        self.paused: set[Partition] = set()

    def fetch(self, partition: Partition, first: int, last: int) -> list[Fetched]:
        self.positions[partition] = last + 1
        return [Fetched(partition.partition, offset) for offset in range(first, last + 1)]

    def assigned(self) -> frozenset[Partition]:
        return frozenset(self.positions)

    def seek(self, partition: Partition, offset: int) -> None:
        if partition in self.positions:
            self.positions[partition] = offset

    def pause(self, partitions: Collection[Partition]) -> None:
        self.paused.update(partitions)

    def resume(self, partitions: Collection[Partition]) -> None:
        self.paused.difference_update(partitions)

    async def position(self, partition: Partition) -> int | None:
        return self.positions.get(partition)

    def end(self, _partition: Partition) -> int | None:
        return None

    async def bounds(
        self, partitions: Collection[Partition], *, seconds: float
    ) -> Mapping[Partition, Bounds]:
        raise NotImplementedError((partitions, seconds))

    async def first_at(self, partition: Partition, offset: int, *, seconds: float) -> int | None:
        raise NotImplementedError((partition, offset, seconds))

    async def commit(self, offsets: Mapping[Partition, int], *, seconds: float) -> bool:
        raise NotImplementedError((offsets, seconds))


def claims(**cursors: int) -> dict[Partition, Claim]:
    return {p: Claim(p, 1, cursors[name], 0, 0, 1) for name, p in (("a", A), ("b", B)) if name in cursors}


async def test_queues_one_fetch_and_lets_the_next_wait() -> None:
    log = FakeLog(A)
    inbox = Inbox(log, lambda: None)
    inbox.open(claims(a=0))
    await inbox.offer(log.fetch(A, 0, 4))
    second = asyncio.ensure_future(inbox.offer(log.fetch(A, 5, 6)))
    await asyncio.sleep(0)
    assert not second.done()
    first = inbox.take()
    assert first is not None
    assert [r.offset for r in first.records] == [0, 1, 2, 3, 4]
    assert (first.starts, first.ends()) == ({A: 0}, {A: 5})
    await second
    batch = inbox.take()
    assert batch is not None
    assert batch.starts == {A: 5}


async def test_opening_seeks_to_the_cursors_and_resumes() -> None:
    log = FakeLog(A, B)
    inbox = Inbox(log, lambda: None)
    inbox.close()
    assert log.paused == {A, B}
    inbox.open(claims(a=7))
    assert (log.positions[A], log.paused) == (7, {B})


async def test_drops_what_is_not_claimed() -> None:
    log = FakeLog(A, B)
    inbox = Inbox(log, lambda: None)
    inbox.open(claims(a=0))
    await inbox.offer(log.fetch(A, 0, 1) + log.fetch(B, 0, 1))
    batch = inbox.take()
    assert batch is not None
    assert {r.partition for r in batch.records} == {0}
    assert batch.claims.keys() == {A}


async def test_a_fetch_from_before_a_failure_is_dropped() -> None:
    log = FakeLog(A)
    inbox = Inbox(log, lambda: None)
    inbox.open(claims(a=0))
    await inbox.offer(log.fetch(A, 0, 4))
    waiting = asyncio.ensure_future(inbox.offer(log.fetch(A, 5, 9)))
    await asyncio.sleep(0)
    # The write of 0..4 fails: everything in flight is void, and 5..9 must not be taken for what follows.
    inbox.close()
    inbox.open(claims(a=0))
    await waiting
    assert inbox.take() is None
    # Even when it reaches us only now: the seek has moved the position back.
    await inbox.offer([Fetched(0, n) for n in range(5, 10)])
    assert inbox.take() is None
    await inbox.offer(log.fetch(A, 0, 9))
    batch = inbox.take()
    assert batch is not None
    assert [r.offset for r in batch.records] == list(range(10))


async def test_closed_it_lets_a_waiting_fetch_go() -> None:
    log = FakeLog(A)
    inbox = Inbox(log, lambda: None)
    inbox.open(claims(a=0))
    await inbox.offer(log.fetch(A, 0, 0))
    waiting = asyncio.ensure_future(inbox.offer(log.fetch(A, 1, 1)))
    await asyncio.sleep(0)
    inbox.close()
    await asyncio.wait_for(waiting, 1)
    assert inbox.take() is None


async def test_a_jump_pauses_its_partition_until_somebody_has_looked() -> None:
    log, nudges = FakeLog(A, B), []
    inbox = Inbox(log, lambda: nudges.append(1))
    inbox.open(claims(a=0, b=0))
    await inbox.offer(log.fetch(A, 3, 4) + log.fetch(B, 0, 0))
    assert (inbox.suspects, log.paused) == ({A}, {A})
    batch = inbox.take()
    assert batch is not None
    assert batch.claims.keys() == {B}
    inbox.read_again(A, 3)
    assert (log.positions[A], log.paused, inbox.suspects) == (0, set(), set())
    await inbox.offer(log.fetch(A, 3, 4))
    batch = inbox.take()
    assert batch is not None
    assert (batch.starts, batch.ends()) == ({A: 0}, {A: 5})
    assert len(nudges) == 2


def test_a_rebalance_is_only_noted() -> None:
    log, now = FakeLog(A, B), 0.0
    nudges: list[int] = []
    ownership = Ownership(log, lambda: now, lambda: nudges.append(1))
    assert not ownership.joined
    ownership.on_partitions_assigned({A, B})
    assert (log.paused, ownership.unclaimed(), len(nudges)) == ({A, B}, [A, B], 1)
    mine = claims(a=0)[A]
    ownership.claimed(mine)
    assert (ownership.claims, ownership.unclaimed()) == ({A: mine}, [B])
    ownership.on_partitions_revoked({A, B})
    assert (ownership.claims, ownership.unclaimed()) == ({}, [])
    # A claim that was under way when the group took the partition away.
    ownership.claimed(mine)
    assert ownership.claims == {}


def test_a_partition_held_off_is_claimed_later() -> None:
    now = 0.0
    ownership = Ownership(FakeLog(A), lambda: now, lambda: None)
    ownership.on_partitions_assigned({A})
    ownership.hold_off(A, 6.0)
    assert (ownership.unclaimed(), ownership.seconds_to_next()) == ([], 6.0)
    now = 6.0
    assert ownership.unclaimed() == [A]
    ownership.claimed(claims(a=0)[A])
    assert ownership.seconds_to_next() is None
