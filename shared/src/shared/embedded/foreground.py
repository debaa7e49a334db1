"""A system in the foreground: work on it until the work is done, a signal comes or it cannot go on."""

import asyncio
import signal
from collections.abc import Awaitable, Callable

from shared.embedded.bringup import started
from shared.embedded.system import Reporter, RunningSystem, Wishes

Work = Callable[[RunningSystem], Awaitable[int]]
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


async def hold(wishes: Wishes, work: Work, report: Reporter, *, interrupted: int) -> int:
    """The exit code of the work, or `interrupted` when a signal came first; everything is down afterwards.

    A second signal changes nothing: the end is bounded in time by itself. StartupError when the system does
    not come up or does not stay up.
    """
    loop = asyncio.get_running_loop()
    ending = asyncio.Event()
    for number in _SIGNALS:
        loop.add_signal_handler(number, ending.set)
    holding = asyncio.create_task(_hold(wishes, work, report))
    asked = asyncio.create_task(ending.wait())
    try:
        await asyncio.wait([holding, asked], return_when=asyncio.FIRST_COMPLETED)
        if not holding.done():
            report.say("正在停止 …")
            holding.cancel()
            await asyncio.wait([holding])
        return interrupted if holding.cancelled() else holding.result()
    finally:
        asked.cancel()
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


async def _hold(wishes: Wishes, work: Work, report: Reporter) -> int:
    async with started(wishes, report) as system:
        working = asyncio.ensure_future(work(system))
        watching = asyncio.create_task(system.watch(report))
        try:
            await asyncio.wait([working, watching], return_when=asyncio.FIRST_COMPLETED)
            if watching.done() and not working.done():
                watching.result()
            return await working
        finally:
            working.cancel()
            watching.cancel()
            await asyncio.gather(working, watching, return_exceptions=True)
