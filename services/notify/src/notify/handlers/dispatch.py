"""Lease due lanes, send what they hold, write down what came of it: the loop of one worker.

Sending never waits for writing: while a round is written, sockets work on what was taken ahead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from uuid import UUID

from notify.domain import lanes as rules
from notify.handlers.instants import DatabaseTime
from notify.handlers.limits import Limits
from notify.handlers.rounds import Order, Written, write_round
from notify.handlers.sending import Sending
from notify.handlers.settle import Settled
from notify.handlers.turns import Turn
from notify.ports import Channel, LaneBook, Unavailable, Watch


class Dispatcher:
    """One worker. `wake` may be called at any time from the same loop; `run` goes on until `stop`."""

    def __init__(
        self,
        lanes: LaneBook,
        channels: Mapping[str, Channel],
        monotonic: Callable[[], float],
        watch: Watch,
        limits: Limits | None = None,
    ) -> None:
        self._lanes = lanes
        self._watch = watch
        self._limits = limits or Limits()
        self._time = DatabaseTime(monotonic)
        self._event = asyncio.Event()
        self._sending = Sending(channels, self._time, watch, self._limits, self._event.set)
        self._turns: dict[UUID, Turn] = {}
        self._look = True
        self._wakes = 0
        self._polled_at = self._checked_at = float("-inf")
        self._stopping = False
        self._ran = asyncio.Event()
        self._ran.set()
        self.healthy = False
        """The last round was written."""

    def wake(self) -> None:
        """Something new may be due."""
        self._look = True
        self._wakes += 1
        for turn in self._turns.values():
            turn.may_have_more = True
        self._event.set()

    async def run(self) -> None:
        """Work until stopped; survives absences of the database."""
        self._ran.clear()
        try:
            while not self._stopping:
                await self._wait()
                await self._round_or_pause()
        finally:
            self._ran.set()

    async def stop(self, deadline_seconds: float) -> None:
        """Take nothing more, let what is under way end in time, write it down, give lanes back."""
        self._stopping = True
        self._event.set()
        await self._ran.wait()
        for turn in self._turns.values():
            self._sending.give_back(turn)
        await self._sending.drain(deadline_seconds)
        try:
            await self._round()
        except Unavailable:
            # What could not be written is sent once more by whoever leases these lanes next.
            self.healthy = False

    async def _wait(self) -> None:
        seconds = self._limits.lag_check_seconds if self._turns else self._limits.poll_seconds
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            pass
        self._event.clear()
        now = self._time.monotonic()
        if now - self._checked_at >= self._limits.lag_check_seconds:
            self._checked_at = now
            self._sending.check_lags(self._turns.values())

    async def _round_or_pause(self) -> None:
        try:
            await self._round()
            self.healthy = True
        except Unavailable:
            self.healthy = False
            await asyncio.sleep(self._limits.retry_seconds)
            self._look = True
            self._event.set()

    async def _round(self) -> None:
        now = self._time.monotonic()
        poll = now - self._polled_at >= self._limits.poll_seconds
        look = (self._look or poll) and not self._stopping
        if not (look or self._sending.ended or self._stopping or self._any_wants()):
            return
        self._look, wakes = False, self._wakes
        ended = self._sending.collect()
        order = Order(
            ended,
            self._turns,
            brisk_room=self._sending.pool.room(slow=False) - self._sending.waiting if look else 0,
            slow_room=self._sending.pool.room(slow=True) if poll and not self._stopping else 0,
            poll=poll,
            take=not self._stopping,
        )
        try:
            written = await write_round(self._lanes, order, self._time, self._limits)
        except Unavailable:
            self._sending.put_back(ended)
            raise
        if poll:
            self._polled_at = now
        # Woken meanwhile: what the round saw of the queues is out of date.
        self._apply(order, written, stale=self._wakes != wakes)

    def _any_wants(self) -> bool:
        if not self._time.known:
            return False
        now = self._time.now()
        return any(turn.wants(turn.health, now, in_hand=len(turn.in_hand)) for turn in self._turns.values())

    # ---- in memory, once a round is committed

    def _apply(self, order: Order, written: Written, *, stale: bool) -> None:
        for one in order.ended:
            turn = self._turns.get(one.taken.endpoint)
            if turn is not None and turn.lane.claim == one.claim:
                turn.in_hand.discard(one.taken.delivery)
        for endpoint, turn in list(self._turns.items()):
            self._update(turn, written)
            if turn.lane.claim in written.lost or endpoint in written.released:
                turn.closing = True
                turn.queue.clear()
                del self._turns[endpoint]
        if written.lost:
            self._watch.refused(len(written.lost))
        self._begin(written, stale=stale)
        self._look = self._look or written.crowded
        pool = self._sending.pool
        self._watch.working(lanes=len(self._turns), brisk=pool.brisk, slow=pool.slow)

    def _update(self, turn: Turn, written: Written) -> None:
        claim, now = turn.lane.claim, self._time.monotonic()
        if claim in written.kept:
            turn.lease_ends = self._lease_end(written.kept_at)
        if written.crowded and now - turn.began > self._limits.turn_seconds_max:
            turn.closing = True
        if (settled := written.settled.get(claim)) is not None:
            self._judge(turn, settled)

    def _judge(self, turn: Turn, settled: Settled) -> None:
        """Take over the health that results have brought about."""
        now = self._time.now()
        turn.health = settled.health
        turn.stalled = False
        self._sending.set_slow(turn, slow=turn.health.is_slow(now))
        if settled.suspend is not None or turn.health.halted_until(now) is not None:
            self._sending.give_back(turn)
        else:
            self._sending.launch(turn)

    def _begin(self, written: Written, *, stale: bool) -> None:
        """Start turns of new leases, and send what was taken."""
        now = self._time.now()
        for lane in written.leased:
            if lane.endpoint not in written.released:
                health = rules.opened(lane.health, now)
                self._turns[lane.endpoint] = Turn(
                    lane,
                    health,
                    lease_ends=self._lease_end(written.leased_at),
                    began=written.leased_at,
                    slow=health.is_slow(now),
                )
        for endpoint, taken in written.taken.items():
            turn = self._turns.get(endpoint)
            if turn is None:
                continue
            turn.may_have_more = stale or len(taken) == written.asked[endpoint]
            turn.health = rules.taken(turn.health, len(taken), now)
            turn.queue.extend(taken)
            turn.in_hand.update(one.delivery for one in taken)
            self._sending.launch(turn)

    def _lease_end(self, since: float) -> float:
        return since + self._limits.lease_seconds - self._limits.lease_margin_seconds
