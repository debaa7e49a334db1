"""Alembic over a folder of revisions, without an `env.py`: this module is the environment of all services.

Only `migrate` loads it: Alembic and SQLAlchemy are 30 MB and half a second that serving does not need.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

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

from shared.runtime.errors import StartupError


async def upgrade(migrations: Path, url: str, *, application_name: str, lock_timeout: str) -> None:
    """Run what is missing up to the head, each revision in a transaction of its own.

    Raises asyncpg.LockNotAvailableError when a table stays locked, StartupError at an unknown revision.
    """
    script = ScriptDirectory(str(migrations), version_locations=[str(migrations)])
    engine = create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"),
        poolclass=NullPool,
        connect_args={
            "server_settings": {"application_name": application_name, "lock_timeout": lock_timeout}
        },
    )
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_run, script)
    except sqlalchemy.exc.DBAPIError as error:
        cause = None if error.orig is None else error.orig.__cause__
        if isinstance(cause, asyncpg.LockNotAvailableError):
            raise cause from error
        raise
    finally:
        await engine.dispose()


def _run(connection: sqlalchemy.Connection, script: ScriptDirectory) -> None:
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
