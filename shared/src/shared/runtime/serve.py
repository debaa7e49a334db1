"""Running a service: one event loop, its HTTP server in it, and an orderly end."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import uvicorn

from shared.runtime.errors import StartupError
from shared.runtime.logs import get_logger
from shared.runtime.protocol import BoundedProtocol
from shared.runtime.settings import HttpSettings, ServiceSettings

log = get_logger()

EXIT_FATAL = 1
EXIT_STARTUP = 2
BACKLOG = 2048


class Service(Protocol):
    """What a composition root gives: built inside the loop, started once, stopped once."""

    @property
    def app(self) -> Any:
        """The ASGI application; asked for after `start`."""
        ...

    @property
    def fatal(self) -> asyncio.Future[str]:
        """Resolves with one sentence (or an exception) when the process cannot go on."""
        ...

    async def start(self) -> None:
        """Open what is needed; raises StartupError. A failed start is followed by `stop`."""
        ...

    async def stop(self) -> None:
        """Finish what is under way and close everything, bounded in time."""
        ...


def run(settings: ServiceSettings, build: Callable[[], Awaitable[Service]]) -> int:
    """Serve until SIGTERM or SIGINT (0) or until the service reports a fatal condition (1).

    Raises StartupError, also when the port is taken; the console turns it into exit code 2.
    """
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_serve(settings, build))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop  # noqa: PLC0415 - there is none on Windows

    return uvloop.new_event_loop


class _Server(uvicorn.Server):
    """uvicorn without signal handlers: signals end the whole service, not only its HTTP part."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _serve(settings: ServiceSettings, build: Callable[[], Awaitable[Service]]) -> int:
    # Taken before anything is opened: two instances with one port should not touch Kafka first.
    listener = bind(settings.http)
    ending = _on_signals(asyncio.get_running_loop())
    service = await build()
    try:
        starting = asyncio.ensure_future(service.start())
        await asyncio.wait([starting, ending], return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
            await asyncio.wait([starting])
            return 0
        starting.result()
        return await _until_end(settings, service, listener, ending)
    finally:
        listener.close()
        try:
            async with asyncio.timeout(settings.shutdown_seconds):
                await service.stop()
        except TimeoutError:
            log.warning("stop_cut_short", seconds=settings.shutdown_seconds)


async def _until_end(
    settings: ServiceSettings, service: Service, listener: socket.socket, ending: asyncio.Future[None]
) -> int:
    server = _Server(
        uvicorn.Config(
            service.app,
            interface="asgi3",
            http=BoundedProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=True,
            proxy_headers=False,
            timeout_graceful_shutdown=max(1, int(settings.shutdown_seconds / 2)),
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="http")
    host, port = listener.getsockname()[:2]
    log.info("serving", host=host, port=port)
    ends: list[asyncio.Future[Any]] = [serving, ending, service.fatal]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    code = 0
    if service.fatal.done():
        log.error("fatal", reason=_reason(service.fatal))
        code = EXIT_FATAL
    elif serving.done():
        log.error("fatal", reason="the HTTP server ended by itself", exc_info=serving.exception())
        code = EXIT_FATAL
    else:
        log.info("stopping")
    server.should_exit = True
    await asyncio.wait([serving])
    return code


def bind(http: HttpSettings) -> socket.socket:
    """A listening socket; StartupError when the port is taken or the address is not ours."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            http.host, http.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(BACKLOG)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise StartupError(
            f"Port {http.port} of {http.host} cannot be used ({os.strerror(error.errno or 0)}): "
            "free it, or set ANXING_HTTP__PORT."
        ) from error
    listener.setblocking(False)  # noqa: FBT003 - the standard library names it so
    return listener


def _on_signals(loop: asyncio.AbstractEventLoop) -> asyncio.Future[None]:
    ending: asyncio.Future[None] = loop.create_future()

    def end() -> None:
        if ending.done():
            # Asked twice: somebody is in a hurry.
            os._exit(128 + signal.SIGINT)
        ending.set_result(None)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    return ending


def _reason(fatal: asyncio.Future[str]) -> str:
    error = fatal.exception()
    return fatal.result() if error is None else f"{type(error).__name__}: {error}"
