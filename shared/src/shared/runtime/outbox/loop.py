"""The loop of every relay: woken or each second, one round after the other, outages waited out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from shared.runtime.away import DATABASE_AWAY, KAFKA_AWAY
from shared.runtime.backoff import Backoff
from shared.runtime.errors import Retryable
from shared.runtime.logs import get_logger

log = get_logger()

AWAY: tuple[type[Exception], ...] = (Retryable, *DATABASE_AWAY, *KAFKA_AWAY)

POLL_SECONDS = 1.0
STOP_WITHIN_SECONDS = 2.0


class RelayLoop:
    """Runs `one_round` until it answers False (nothing more to do now), then waits."""

    def __init__(self, name: str, one_round: Callable[[], Awaitable[bool]]) -> None:
        self._name = name
        self._one_round = one_round
        self._awake = asyncio.Event()
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Run a round soon; cheap, and harmless when one is running."""
        self._awake.set()

    def start(self) -> None:
        """Begin in the background."""
        self._task = asyncio.create_task(self._run(), name=f"relay {self._name}")

    async def stop(self) -> None:
        """Let the round in hand finish for a moment, then cancel it."""
        self._stopping = True
        self._awake.set()
        if self._task is None:
            return
        await asyncio.wait([self._task], timeout=STOP_WITHIN_SECONDS)
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _run(self) -> None:
        backoff = Backoff(first_seconds=0.1, cap_seconds=5.0)
        while not self._stopping:
            self._awake.clear()
            try:
                more = await self._one_round()
            except AWAY as error:
                if backoff.tries == 0:
                    log.warning("relay_waits", relay=self._name, error=repr(error))
                await self._pause(backoff.next_seconds())
            except Exception:
                # A relay that died would leave the outbox growing with nobody telling: it alarms and goes on.
                log.exception("relay_failed", relay=self._name)
                await self._pause(backoff.next_seconds())
            else:
                backoff.reset()
                if not more and not self._stopping:
                    await self._wait(POLL_SECONDS)

    async def _pause(self, seconds: float) -> None:
        # Wake-ups must not shorten a pause during an outage, only the end does.
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while not self._stopping and (left := until - loop.time()) > 0:
            self._awake.clear()
            await self._wait(left)

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._awake.wait()
        except TimeoutError:
            pass
