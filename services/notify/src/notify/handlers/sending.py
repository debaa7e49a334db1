"""Sending what turns hold, within the bounds of the pool; results are collected for the next round."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Mapping

from notify.domain.answers import Answer, Verdict
from notify.handlers.limits import Limits
from notify.handlers.turns import Pool, Turn
from notify.ports import Channel, Ended, Sent, Taken, Time, Watch


class Sending:
    """The open requests of one worker. `on_progress` is called when a round is worth its while."""

    def __init__(
        self,
        channels: Mapping[str, Channel],
        time: Time,
        watch: Watch,
        limits: Limits,
        on_progress: Callable[[], None],
    ) -> None:
        self._channels = channels
        self._time = time
        self._watch = watch
        self._limits = limits
        self._on_progress = on_progress
        slow = int(limits.requests_max * limits.slow_share)
        self.pool = Pool(brisk_max=limits.requests_max - slow, slow_max=slow)
        self._waiting: deque[Turn] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._lingering: asyncio.TimerHandle | None = None
        self.ended: list[Ended] = []
        """Results that no round has written yet."""

    @property
    def waiting(self) -> int:
        """Turns that wait for room in the pool."""
        return len(self._waiting)

    def launch(self, turn: Turn) -> None:
        """Begin as much of a turn as its limit and the pool allow; the rest waits."""
        while turn.senders < turn.limit and turn.senders - len(turn.flights) < len(turn.queue):
            if not self.pool.room(slow=turn.slow):
                self._waiting.append(turn)
                return
            self.pool.enter(slow=turn.slow)
            turn.senders += 1
            task = asyncio.create_task(self._serve(turn), name="sender")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def set_slow(self, turn: Turn, *, slow: bool) -> None:
        """Move a turn, with what it has open, to the other part of the pool."""
        if slow != turn.slow:
            move = self.pool.move_to_slow if slow else self.pool.move_to_brisk
            move(turn.senders)
            turn.slow = slow

    def check_lags(self, turns: Collection[Turn]) -> None:
        """Take brisk slots away from turns whose receiver keeps us waiting right now."""
        now = self._time.monotonic()
        for turn in turns:
            if not turn.slow and turn.lags(now):
                self.set_slow(turn, slow=True)
                turn.stalled = True
                self.give_back(turn)
        self._relaunch()

    def give_back(self, turn: Turn) -> None:
        """What was taken ahead stays due, for the next turn; its start is on record, so its end is too."""
        turn.closing = True
        while turn.queue:
            sent = Sent(Answer(Verdict.NOT_STARTED, "given_back"))
            self._end(Ended(turn.queue.popleft(), turn.lane.claim, sent, 0.0, self._time.now()))

    def collect(self) -> list[Ended]:
        """Hand over the results so far."""
        ended, self.ended = self.ended, []
        return ended

    def put_back(self, ended: list[Ended]) -> None:
        """Results that could not be written: the next round tries again, in the same order."""
        self.ended = ended + self.ended

    async def drain(self, deadline_seconds: float) -> None:
        """Wait for what is under way; what takes longer is cut off and stays due."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=deadline_seconds)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(set(self._tasks))
        if self._lingering is not None:
            self._lingering.cancel()

    async def _serve(self, turn: Turn) -> None:
        try:
            while turn.queue and turn.senders <= turn.limit:
                if self._time.monotonic() + self._limits.attempt_seconds_max > turn.lease_ends:
                    self.give_back(turn)
                    return
                await self._attempt(turn, turn.queue.popleft())
        finally:
            turn.senders -= 1
            self.pool.leave(slow=turn.slow)
            if self._waiting:
                self._relaunch()
            if turn.may_have_more and not turn.closing:
                self._on_progress()

    async def _attempt(self, turn: Turn, taken: Taken) -> None:
        began = self._time.monotonic()
        turn.flights[taken.delivery] = began
        try:
            sent = await self._channels[turn.lane.channel].send(turn.lane, taken)
        except Exception as error:  # noqa: BLE001 - a bug in a channel costs one attempt, never the queue
            self._watch.bug("channel", error)
            sent = Sent(Answer(Verdict.LATER, "internal_error"))
        finally:
            del turn.flights[taken.delivery]
        seconds = self._time.monotonic() - began
        self._watch.attempted(turn.lane.channel, sent.answer, seconds)
        self._end(Ended(taken, turn.lane.claim, sent, seconds, self._time.now()))

    def _relaunch(self) -> None:
        for _ in range(len(self._waiting)):
            self.launch(self._waiting.popleft())

    def _end(self, ended: Ended) -> None:
        self.ended.append(ended)
        if len(self.ended) >= self._limits.results_per_round:
            self._on_progress()
        elif self._lingering is None:
            loop = asyncio.get_running_loop()
            self._lingering = loop.call_later(self._limits.linger_seconds, self._lingered)

    def _lingered(self) -> None:
        self._lingering = None
        self._on_progress()
