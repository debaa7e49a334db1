"""What "the server is away" looks like for the two servers we lean on, and the sentence that says so."""

from __future__ import annotations

from urllib.parse import urlsplit

import asyncpg
from aiokafka.errors import KafkaError

from shared.runtime.errors import StartupError
from shared.runtime.settings import KafkaSettings

# Refused, unreachable, starting up or shutting down, cut off, out of connections for now.
DATABASE_AWAY: tuple[type[Exception], ...] = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InterfaceError,
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
