"""A service in a process that is hurt: it lives until it is told to stop or ends by itself."""

import asyncio
from typing import Protocol

from shared.runtime.errors import StartupError
from shared.runtime.logs import get_logger

log = get_logger()


class Service(Protocol):
    """What services have in common."""

    fatal: asyncio.Future[str]

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


async def serve(service: Service, stop: asyncio.Event) -> int:
    """The exit code: 0 when it was told to stop, 1 when it ended by itself, 2 when it could not start."""
    try:
        await service.start()
        stopping = asyncio.ensure_future(stop.wait())
        await asyncio.wait([stopping, service.fatal], return_when=asyncio.FIRST_COMPLETED)
    except StartupError as error:
        log.warning("not_started", reason=str(error))
        return 2
    finally:
        await service.stop()
    if service.fatal.done():
        log.warning("ended_by_itself", reason=service.fatal.result())
    return 1 if service.fatal.done() else 0
