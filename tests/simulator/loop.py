"""An event loop in virtual time: a seed draws whose callback runs next, and its owner can die or freeze.

Within one actor callbacks run in the order they were scheduled, as asyncio promises. Between actors, and in
when answers arrive, there is no order but the drawn one.
"""

import asyncio
import contextlib
import contextvars
import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any

# Between two callbacks of one process some time passes, so that deadlines can strike anywhere.
STEP_SECONDS_MAX = 0.0002
# The same actor goes on with this probability: long runs of one, and wild changes, both happen.
STAYS = 0.6
# More than a run ever needs: whoever does the same again and again would not come to an end.
STEPS_MAX = 200_000

_ACTOR: contextvars.ContextVar["Actor"] = contextvars.ContextVar("actor")


class Actor:
    """Whoever has callbacks: a process that is simulated, a server, nature."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ready: deque[Handle] = deque()
        self.frozen = False
        self.dead = False
        self.steps = 0
        self.at_step: dict[int, Callable[[], None]] = {}
        """What happens at the end of which step, that is at an await."""
        self.tasks: list[asyncio.Task[Any]] = []
        """Kept here: what is collected would run its `finally`, which no killed process does."""
        self.context = contextvars.copy_context()
        self.context.run(_ACTOR.set, self)

    def in_steps(self, steps: int, happens: Callable[[], None]) -> None:
        """Let something happen after so many more callbacks."""
        self.at_step[self.steps + steps] = happens


class Handle:
    """A callback that waits for its turn or its time."""

    __slots__ = ("_args", "_callback", "_context", "actor", "gone", "time")

    def __init__(
        self,
        callback: Callable[..., object],
        args: tuple[Any, ...],
        context: contextvars.Context,
        time: float,
    ) -> None:
        self._callback = callback
        self._args = args
        self._context = context
        self.actor = context[_ACTOR]
        self.time = time
        self.gone = False

    def cancel(self) -> None:
        self.gone = True

    def cancelled(self) -> bool:
        return self.gone

    def when(self) -> float:
        return self.time

    def run(self) -> None:
        self._context.run(self._callback, *self._args)


class SimulatedLoop(asyncio.AbstractEventLoop):
    """Only what tasks, futures and timeouts ask of a loop: whatever needs a socket or a thread fails."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._now = 0.0
        self._timers: list[tuple[float, int, Handle]] = []
        self._count = 0
        self._actors: list[Actor] = []
        self.complaints: list[dict[str, Any]] = []
        self.steps = 0

    # -- what asyncio calls --

    def time(self) -> float:
        return self._now

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def call_soon(self, callback, *args, context=None):
        handle = Handle(callback, args, context or contextvars.copy_context(), self._now)
        if not handle.actor.dead:
            handle.actor.ready.append(handle)
        return handle

    def call_at(self, when, callback, *args, context=None):
        handle = Handle(callback, args, context or contextvars.copy_context(), when)
        self._count += 1
        heapq.heappush(self._timers, (when, self._count, handle))
        return handle

    def call_later(self, delay, callback, *args, context=None):
        return self.call_at(self._now + delay, callback, *args, context=context)

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(self, coro, *, name=None, context=None, **_options):
        task = asyncio.Task(coro, loop=self, name=name, context=context)
        tasks = (_ACTOR.get() if context is None else context[_ACTOR]).tasks
        tasks.append(task)
        if len(tasks) > 200:
            tasks[:] = [each for each in tasks if not each.done()]
        return task

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.complaints.append(context)

    # -- what the simulation calls --

    def add(self, actor: Actor) -> None:
        """From now on its callbacks run."""
        self._actors.append(actor)

    def kill(self, actor: Actor) -> None:
        """Nothing of it runs any more, not even what stands in a `finally`."""
        actor.dead = True
        actor.ready.clear()
        self._actors.remove(actor)

    def spawn(self, actor: Actor, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """A task that belongs to that actor."""
        return self.create_task(work, name=name, context=actor.context)

    def later(self, actor: Actor, delay: float, callback: Callable[..., object], *args: Any) -> Handle:
        """A callback of that actor."""
        return self.call_at(self._now + delay, callback, *args, context=actor.context)

    def run(self, done: Callable[[], bool], seconds_max: float) -> bool:
        """Run until `done`, looked at after each callback; False when there is nothing left or it is late."""
        chance = self._chance.random
        last: Actor | None = None
        while not done():
            self._wake()
            able = [actor for actor in self._actors if actor.ready and not actor.frozen]
            if not able:
                if not self._timers or self._timers[0][0] > seconds_max:
                    return False
                self._now = max(self._now, self._timers[0][0])
                continue
            if last not in able or (len(able) > 1 and chance() > STAYS):
                last = able[int(chance() * len(able))]
            self._step(last)
            self._now += chance() * STEP_SECONDS_MAX
            if self._now > seconds_max or self.steps > STEPS_MAX:
                return False
        return True

    def _step(self, actor: Actor) -> None:
        handle = actor.ready.popleft()
        if handle.gone:
            return
        handle.run()
        self.steps += 1
        actor.steps += 1
        if actor.at_step and (happens := actor.at_step.pop(actor.steps, None)) is not None:
            happens()

    def _wake(self) -> None:
        timers = self._timers
        while timers and (timers[0][0] <= self._now or timers[0][2].gone):
            handle = heapq.heappop(timers)[2]
            if not handle.gone and not handle.actor.dead:
                handle.actor.ready.append(handle)

    def bury(self, actor: Actor) -> None:
        """Let go of what it left behind, after the end of a run, in silence."""
        for task in actor.tasks:
            if not task.done():
                task._log_destroy_pending = False
                with contextlib.suppress(Exception):
                    # It may want to wait for something in its `finally`, and there is no loop any more.
                    task.get_coro().close()
        actor.tasks.clear()
