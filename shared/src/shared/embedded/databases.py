"""One role and one database for each service, on whichever PostgreSQL is used."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import asyncpg

from shared.runtime.away import DATABASE_AWAY, REFUSED, address_of, connect_patiently
from shared.runtime.errors import StartupError

_WAIT_SECONDS_MAX = 15.0


async def ensure_databases(server: str, names: Sequence[str]) -> dict[str, str]:
    """Creates what is missing and answers the URL of each name; roles own their database and nothing else.

    StartupError when the server is away or its user may not create roles and databases.
    """
    try:
        connection = await connect_patiently(
            lambda: asyncpg.connect(server, timeout=5),
            to=address_of(server),
            away=DATABASE_AWAY,
            deadline_seconds=_WAIT_SECONDS_MAX,
        )
    except REFUSED as error:
        raise StartupError(
            f"PostgreSQL at {address_of(server)} does not let us in ({type(error).__name__}): "
            "start it, or correct ANXING_POSTGRES__URL."
        ) from error
    try:
        for name in names:
            await _ensure(connection, name, password_of(server, name))
    except asyncpg.InsufficientPrivilegeError as error:
        raise StartupError(
            f"The user of ANXING_POSTGRES__URL at {address_of(server)} may not create roles and databases: "
            "give it CREATEROLE and CREATEDB, or name another user."
        ) from error
    finally:
        await connection.close()
    return {name: _url(server, name) for name in names}


def password_of(server: str, role: str) -> str:
    """A role's password, made from the one that may create roles: nothing to keep, the same at every start.

    Who knows the source may set any password anyway; from the result nobody learns the source.
    """
    secret = unquote(urlsplit(server).password or "").encode()
    return hmac.new(secret, f"anxing role {role}".encode(), hashlib.sha256).hexdigest()[:40]


async def _ensure(connection: asyncpg.Connection[asyncpg.Record], name: str, password: str) -> None:
    # Names and passwords are ours, letters and digits: statements about roles take no parameters.
    role = await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", name)
    await connection.execute(f"{'ALTER' if role else 'CREATE'} ROLE {name} LOGIN PASSWORD '{password}'")
    if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
        # Needed by users that are no superuser: only a member may give a database to a role.
        await connection.execute(f"GRANT {name} TO CURRENT_USER")
        await connection.execute(f"CREATE DATABASE {name} OWNER {name}")
        await connection.execute(f"REVOKE CONNECT ON DATABASE {name} FROM PUBLIC")


def _url(server: str, name: str) -> str:
    parts = urlsplit(server)
    credentials = f"{name}:{quote(password_of(server, name))}"
    return urlunsplit(
        parts._replace(netloc=f"{credentials}@{parts.hostname}:{parts.port or 5432}", path=f"/{name}")
    )
