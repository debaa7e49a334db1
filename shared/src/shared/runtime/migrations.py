"""Bringing a service's tables to the revision its code needs, and refusing to start on another.

A service keeps date-named revisions (`2026_11_24_0001_start.py`) directly in `migrations/`. There is no
`env.py` a service: this module is the environment of all three.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import sqlalchemy
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from shared.runtime.away import DATABASE_AWAY, REFUSED, address_of, connect_patiently, database_away
from shared.runtime.errors import StartupError

if TYPE_CHECKING:
    from shared.runtime.database import Database

# Any constant that all our processes share and nobody else uses in these databases.
ADVISORY_LOCK = 0x616E78696E67  # "anxing"
# Two pods that migrate at once wait for each other this long …
GUARD_TIMEOUT = "60s"
# … but a migration that waits for a table blocks everybody behind it, so it gives up soon.
TABLE_LOCK_TIMEOUT = "5s"


def migrations_of(package_file: str) -> Path:
    """The migrations folder of a service, from the `__file__` of a module in `src/<name>/`."""
    return Path(package_file).resolve().parents[2] / "migrations"


async def migrate(migrations: Path, url: str, *, connect_deadline_seconds: float = 15.0) -> str:
    """Bring the database to the newest revision in that folder and answer it; a second run changes nothing.

    Processes that migrate at once wait for each other. Raises StartupError when the server is away or a table
    stays locked.
    """
    script = _script(migrations)
    name = f"{migrations.parent.name}/migrate"
    try:
        guard = await connect_patiently(
            lambda: asyncpg.connect(url, timeout=5, server_settings={"application_name": name}),
            to=f"database {address_of(url)}",
            away=DATABASE_AWAY,
            deadline_seconds=connect_deadline_seconds,
        )
    except REFUSED as error:
        raise database_away(url, error) from error
    try:
        # The lock belongs to the session: closing it, or dying, releases it.
        await guard.execute(f"SET lock_timeout = '{GUARD_TIMEOUT}'")
        await guard.execute("SELECT pg_advisory_lock($1)", ADVISORY_LOCK)
        await _run(script, url, name)
    except asyncpg.LockNotAvailableError as error:
        raise _locked(url) from error
    except sqlalchemy.exc.DBAPIError as error:
        if error.orig is not None and isinstance(error.orig.__cause__, asyncpg.LockNotAvailableError):
            raise _locked(url) from error
        raise
    finally:
        await guard.close()
    return str(script.get_current_head())


async def check_schema(database: Database, migrations: Path) -> None:
    """Raise StartupError when the database is not at the revision this code was written for."""
    service = migrations.parent.name
    head = _script(migrations).get_current_head()
    async with database.pool.acquire() as connection:
        known = await connection.fetchval("SELECT to_regclass('alembic_version') IS NOT NULL")
        current = await connection.fetchval("SELECT version_num FROM alembic_version") if known else None
    if current != head:
        raise StartupError(
            f"The database of {service} is at revision {current or 'none'} but this program needs {head}: "
            f"run `{service} migrate`."
        )


def _script(migrations: Path) -> ScriptDirectory:
    if not migrations.is_dir():
        raise StartupError(f"The migrations are missing: {migrations} is no folder.")
    return ScriptDirectory(str(migrations), version_locations=[str(migrations)])


async def _run(script: ScriptDirectory, url: str, name: str) -> None:
    engine = create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"),
        poolclass=NullPool,
        connect_args={"server_settings": {"application_name": name, "lock_timeout": TABLE_LOCK_TIMEOUT}},
    )
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_upgrade, script)
    finally:
        await engine.dispose()


def _upgrade(connection: sqlalchemy.Connection, script: ScriptDirectory) -> None:
    def steps(current: Any, _context: MigrationContext) -> list[RevisionStep]:
        try:
            return list(script._upgrade_revs("head", current))  # noqa: SLF001 - what `alembic upgrade` calls
        except CommandError as error:
            service, revision = Path(script.dir).parent.name, ", ".join(current)
            raise StartupError(
                f"The database of {service} is at revision {revision}, which this program does not know: "
                "it was migrated by a newer version, use that one."
            ) from error

    with EnvironmentContext(Config(), script, fn=steps, destination_rev="head") as environment:
        environment.configure(connection=connection, transaction_per_migration=True)
        with environment.begin_transaction():
            environment.run_migrations()
    connection.commit()


def _locked(url: str) -> StartupError:
    return StartupError(
        f"The database at {address_of(url)} stays locked by somebody else: migrate again when it is quiet."
    )
