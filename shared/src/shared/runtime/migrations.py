"""Bringing a service's tables to the revision its code needs, and refusing to start on another.

A service keeps date-named revisions (`2026_11_24_0001_start.py`) directly in `migrations/`. There is no
`env.py` a service: this module is the environment of all three.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

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

from shared.runtime.away import DATABASE_AWAY, address_of, database_away
from shared.runtime.errors import StartupError

if TYPE_CHECKING:
    from shared.runtime.database import Database

# Any constant that all our processes share and nobody else uses in these databases.
ADVISORY_LOCK = 0x616E78696E67  # "anxing"
# Two pods that migrate at once wait for each other this long …
ADVISORY_LOCK_TIMEOUT = "60s"
# … but a migration that waits for a table blocks everybody behind it, so it gives up soon.
LOCK_TIMEOUT = "5s"


def migrations_of(package_file: str) -> Path:
    """The migrations folder of a service, from the `__file__` of a module in `src/<name>/`."""
    return Path(package_file).resolve().parents[2] / "migrations"


async def migrate(migrations: Path, url: str) -> str:
    """Bring the database to the newest revision in that folder and answer it; a second run changes nothing.

    Processes that migrate at once wait for each other. Raises StartupError when the server is away or a table
    stays locked.
    """
    script = _script(migrations)
    engine = create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"),
        poolclass=NullPool,
        connect_args={
            "timeout": 5,
            "server_settings": {"application_name": f"{migrations.parent.name}/migrate"},
        },
    )
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_upgrade, script)
    except DATABASE_AWAY as error:
        raise database_away(url, error) from error
    except sqlalchemy.exc.DBAPIError as error:
        if isinstance(error.orig.__cause__ if error.orig else None, asyncpg.LockNotAvailableError):
            raise StartupError(
                f"A table of the database at {address_of(url)} stays locked: migrate again when it is quiet."
            ) from error
        raise
    finally:
        await engine.dispose()
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


def _upgrade(connection: sqlalchemy.Connection, script: ScriptDirectory) -> None:
    connection.exec_driver_sql(f"SET lock_timeout = '{ADVISORY_LOCK_TIMEOUT}'")
    connection.exec_driver_sql(f"SELECT pg_advisory_lock({ADVISORY_LOCK})")
    connection.exec_driver_sql(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
    connection.commit()

    def steps(revision: str, _context: MigrationContext) -> list[RevisionStep]:
        try:
            return list(script._upgrade_revs("head", revision))  # noqa: SLF001 - what `alembic upgrade` calls
        except CommandError as error:
            service = Path(script.dir).parent.name
            raise StartupError(
                f"The database of {service} is at revision {revision}, which this program does not know: "
                "it was migrated by a newer version, use that one."
            ) from error

    # The lock belongs to the session, and the engine keeps no session: closing it releases the lock.
    with EnvironmentContext(Config(), script, fn=steps, destination_rev="head") as environment:
        environment.configure(connection=connection, transaction_per_migration=True)
        with environment.begin_transaction():
            environment.run_migrations()
    connection.commit()
