"""Many small requests to the database as few statements: whatever asked while one ran goes into the next."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from intake.ports import Away

T = TypeVar("T")
R = TypeVar("R")


class Coalesced(Generic[T, R]):
    """Runs `work` over everything that was asked since the last run, one run at a time, without delay.

    `work` answers one result for each item, in order, or raises Away for all.
    """

    def __init__(
        self, work: Callable[[Sequence[T]], Awaitable[Sequence[R]]], *, name: str, items_max: int = 1000
    ) -> None:
        self._work = work
        self._name = name
        self._items_max = items_max
        self._waiting: list[tuple[Sequence[T], asyncio.Future[Sequence[R]]]] = []
        self._running: asyncio.Task[None] | None = None

    def ask(self, items: Sequence[T]) -> asyncio.Future[Sequence[R]]:
        """The results for these items, as one unit; never waits itself."""
        future: asyncio.Future[Sequence[R]] = asyncio.get_running_loop().create_future()
        self._waiting.append((items, future))
        if self._running is None:
            self._running = asyncio.create_task(self._run(), name=self._name)
        return future

    async def settle(self) -> None:
        """Wait until nothing is under way."""
        while self._running is not None:
            await asyncio.wait([self._running])

    async def _run(self) -> None:
        try:
            while self._waiting:
                await self._turn(self._take())
        finally:
            self._running = None

    def _take(self) -> list[tuple[Sequence[T], asyncio.Future[Sequence[R]]]]:
        count = 0
        for taken, (items, _) in enumerate(self._waiting, start=1):
            count += len(items)
            if count >= self._items_max:
                turn, self._waiting = self._waiting[:taken], self._waiting[taken:]
                return turn
        turn, self._waiting = self._waiting, []
        return turn

    async def _turn(self, turn: Sequence[tuple[Sequence[T], asyncio.Future[Sequence[R]]]]) -> None:
        items = [item for group, _ in turn for item in group]
        try:
            results = await self._work(items)
        except Away as error:
            for _, future in turn:
                _fail(future, error)
            return
        except BaseException:
            # A bug, or the end of the process: nobody may wait for ever.
            for _, future in turn:
                _fail(future, Away("the work on receipts was broken off"))
            raise
        start = 0
        for group, future in turn:
            # Who asked may have gone away.
            if not future.done():
                future.set_result(results[start : start + len(group)])
            start += len(group)


def _fail(future: asyncio.Future[Sequence[R]], error: Away) -> None:
    with contextlib.suppress(asyncio.InvalidStateError):
        future.set_exception(error)
        # Releases are asked for without waiting.
        future.exception()
