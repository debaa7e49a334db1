"""What "the server is away" looks like for the two servers we lean on, and the sentence that says so."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar
from urllib.parse import urlsplit

import asyncpg
import stamina
from aiokafka.errors import KafkaError

from shared.runtime.errors import StartupError
from shared.runtime.logs import get_logger
from shared.runtime.settings import KafkaSettings

log = get_logger()

T = TypeVar("T")

# Refused, unreachable, starting up or shutting down, cut off, out of connections for now.
DATABASE_AWAY: tuple[type[Exception], ...] = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    # A process that was frozen in a transaction for longer than that may take finds its connection ended.
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InterfaceError,
    # What a connection answers that was cut in the middle of something: "another operation is in progress".
    asyncpg.InternalClientError,
)

# Away for too long, or there and unwilling: user, password, name of the database.
REFUSED: tuple[type[Exception], ...] = (
    *DATABASE_AWAY,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
)

KAFKA_AWAY: tuple[type[Exception], ...] = (OSError, TimeoutError, KafkaError)


def address_of(url: str) -> str:
    """`host:port/database` of a URL, without user and password: fit for people to read."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or 5432}{parts.path}"


def database_away(url: str, error: BaseException) -> StartupError:
    """Why a database cannot be used, and what to do."""
    where = address_of(url)
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
        return StartupError(
            f"The database at {where} refuses the user or password: correct ANXING_DATABASE__URL."
        )
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        return StartupError(f"There is no database at {where}: create it, or correct ANXING_DATABASE__URL.")
    return StartupError(
        f"The database at {where} does not answer: start it, or correct ANXING_DATABASE__URL."
    )


def kafka_away(settings: KafkaSettings) -> StartupError:
    """Why Kafka cannot be used, and what to do."""
    return StartupError(
        f"Kafka at {settings.bootstrap} does not answer: start it, or correct ANXING_KAFKA__BOOTSTRAP."
    )


async def connect_patiently(
    connect: Callable[[], Awaitable[T]],
    *,
    to: str,
    away: tuple[type[Exception], ...],
    deadline_seconds: float,
) -> T:
    """Connect to a server that may be just starting; the last error is raised at the deadline.

    `to` is what the log says we wait for, once.
    """
    async for attempt in stamina.retry_context(
        on=away, attempts=None, timeout=deadline_seconds, wait_initial=0.1, wait_jitter=0.1, wait_max=1.0
    ):
        if attempt.num == 2:
            log.debug("waiting_for", server=to, seconds_max=deadline_seconds)
        with attempt:
            return await connect()
    raise AssertionError("a retry context ends by returning or raising")
