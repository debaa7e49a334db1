"""One round of a worker, in one transaction: results and health in, leases and work out."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from notify.domain import lanes as rules
from notify.domain.lanes import Health
from notify.handlers.instants import DatabaseTime
from notify.handlers.limits import Limits
from notify.handlers.settle import Settled, settle
from notify.handlers.turns import Turn
from notify.ports import Ended, Lane, LaneBook, LaneTransaction, Taken


@dataclass(frozen=True, slots=True)
class Order:
    """What a round is to do: results to write, and how many lanes there is room for."""

    ended: Sequence[Ended]
    turns: Mapping[UUID, Turn]
    brisk_room: int = 0
    slow_room: int = 0
    poll: bool = False
    take: bool = True


@dataclass(slots=True)
class Written:
    """What a committed round has done."""

    settled: dict[int, Settled] = field(default_factory=dict)
    """Claim -> what its results led to."""
    finished: set[UUID] = field(default_factory=set)
    """Deliveries that are in nobody's hand any more."""
    lost: set[int] = field(default_factory=set)
    """Claims that were no longer ours."""
    kept: set[int] = field(default_factory=set)
    kept_at: float = 0.0
    leased: list[Lane] = field(default_factory=list)
    leased_at: float = 0.0
    crowded: bool = False
    """There were as many lanes due as we had room for, or more."""
    taken: dict[UUID, list[Taken]] = field(default_factory=dict)
    asked: dict[UUID, int] = field(default_factory=dict)
    released: set[UUID] = field(default_factory=set)


async def write_round(lanes: LaneBook, order: Order, time: DatabaseTime, limits: Limits) -> Written:
    """Write one round; raises Unavailable, after which the same order may be written again."""
    written = Written()
    async with lanes.transaction() as tx:
        if order.poll or not time.known:
            time.set(await tx.now())
            await tx.reap()
        if order.ended:
            await _results(tx, order, written, time)
        await _keep(tx, order, written, time, limits)
        if order.brisk_room > 0 or order.slow_room > 0:
            await _lease(tx, order, written, time, limits)
        if order.take:
            await _take(tx, order, written, time)
        await _release(tx, order, written, time)
    return written


async def _results(tx: LaneTransaction, order: Order, written: Written, time: DatabaseTime) -> None:
    by_claim: dict[int, list[Ended]] = defaultdict(list)
    for one in order.ended:
        by_claim[one.claim].append(one)
    ours = {turn.lane.claim: turn for turn in order.turns.values()}
    now = time.now()
    for claim, ones in by_claim.items():
        health = ours[claim].health if claim in ours else Health()
        written.settled[claim] = settle(health, ones, now, random.random)
    rows = [row for settled in written.settled.values() for row in settled.rows]
    written.finished = {row.ended.taken.delivery for row in rows}
    written.lost = await tx.finish(rows)
    final = [row for row in rows if row.state is not None and row.ended.claim not in written.lost]
    if final:
        await tx.announce(final, {turn.lane.endpoint: turn.lane for turn in order.turns.values()})
    for claim, settled in written.settled.items():
        if settled.suspend is not None and claim in ours and claim not in written.lost:
            await tx.suspend(ours[claim].lane, settled.suspend)


async def _keep(
    tx: LaneTransaction, order: Order, written: Written, time: DatabaseTime, limits: Limits
) -> None:
    """Save what changed for the worse, and prolong leases that are half over."""
    now = time.monotonic()
    keep: list[tuple[Lane, Health]] = []
    for turn in order.turns.values():
        settled = written.settled.get(turn.lane.claim)
        worse = settled is not None and settled.health.failures > 0
        expiring = turn.lease_ends - now < limits.lease_seconds / 2
        if (worse or expiring) and turn.lane.claim not in written.lost:
            keep.append((turn.lane, settled.health if settled else turn.health))
    if keep:
        written.lost |= await tx.keep(keep, limits.lease_seconds)
        written.kept = {lane.claim for lane, _ in keep} - written.lost
        written.kept_at = now


async def _lease(
    tx: LaneTransaction, order: Order, written: Written, time: DatabaseTime, limits: Limits
) -> None:
    seconds, at_once = limits.lease_seconds, limits.lanes_per_round
    written.leased_at = time.monotonic()
    ordinary = min(order.brisk_room - limits.urgent_reserve, at_once)
    if ordinary > 0:
        written.leased = await tx.lease(ordinary, seconds, slow=False)
        written.crowded = len(written.leased) == ordinary
    elif order.brisk_room > 0:
        written.leased = await tx.lease(min(order.brisk_room, at_once), seconds, slow=False, urgent_only=True)
        written.crowded = True
    if order.slow_room > 0:
        written.leased += await tx.lease(min(order.slow_room, at_once), seconds, slow=True)


async def _take(tx: LaneTransaction, order: Order, written: Written, time: DatabaseTime) -> None:
    now = time.now()
    wants = [
        (lane, rules.allowance(rules.opened(lane.health, now), now, in_hand=0)) for lane in written.leased
    ]
    for turn in order.turns.values():
        settled = written.settled.get(turn.lane.claim)
        if turn.lane.claim not in written.lost and (settled is None or settled.suspend is None):
            health = settled.health if settled else turn.health
            wants.append((turn.lane, turn.wants(health, now, in_hand=len(turn.in_hand - written.finished))))
    wants = [(lane, count) for lane, count in wants if count > 0]
    if not wants:
        return
    written.asked = {lane.endpoint: count for lane, count in wants}
    written.taken = {lane.endpoint: [] for lane, _ in wants}
    in_hand = [delivery for turn in order.turns.values() for delivery in turn.in_hand]
    for one in await tx.take(wants, in_hand):
        written.taken[one.endpoint].append(one)


async def _release(tx: LaneTransaction, order: Order, written: Written, time: DatabaseTime) -> None:
    """Give back lanes of which nothing is left in hand, and new ones that had nothing after all."""
    released = [(lane, lane.health) for lane in written.leased if not written.taken.get(lane.endpoint)]
    for turn in order.turns.values():
        settled = written.settled.get(turn.lane.claim)
        if (
            turn.senders
            or turn.queue
            or turn.in_hand - written.finished
            or written.taken.get(turn.lane.endpoint)
        ):
            continue
        if turn.lane.claim not in written.lost:
            released.append((turn.lane, settled.health if settled else turn.health))
    if released:
        await tx.release(released, time.now())
        written.released = {lane.endpoint for lane, _ in released}
