"""Bringing a service's tables to the revision its code needs, and refusing to start on another.

A service keeps date-named revisions (`2026_11_24_0001_start.py`) directly in its `migrations/`.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

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


def head_of(migrations: Path) -> str:
    """The newest revision of a folder: the one that no other follows.

    Read from the source, because a serving process has no other need of Alembic.
    """
    following: dict[str, object] = {}
    for file in migrations.glob("*.py"):
        names = _constants(file)
        if "revision" in names:
            following[str(names["revision"])] = names.get("down_revision")
    heads = following.keys() - set(following.values())
    if len(heads) != 1:
        raise StartupError(
            f"The migrations in {migrations} have {len(heads)} newest revisions: there must be one."
        )
    return heads.pop()


async def migrate(migrations: Path, url: str, *, connect_deadline_seconds: float = 15.0) -> str:
    """Bring the database to the newest revision in that folder and answer it; a second run changes nothing.

    Processes that migrate at once wait for each other. Raises StartupError when the server is away or a table
    stays locked.
    """
    from shared.runtime.upgrading import upgrade  # noqa: PLC0415 - see there: only this verb pays for it

    head = head_of(migrations)
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
        await upgrade(migrations, url, application_name=name, lock_timeout=TABLE_LOCK_TIMEOUT)
    except asyncpg.LockNotAvailableError as error:
        raise StartupError(
            f"The database at {address_of(url)} stays locked by somebody: migrate again when it is quiet."
        ) from error
    finally:
        await guard.close()
    return head


async def check_schema(database: Database, migrations: Path) -> None:
    """Raise StartupError when the database is not at the revision this code was written for."""
    service, head = migrations.parent.name, head_of(migrations)
    async with database.pool.acquire() as connection:
        known = await connection.fetchval("SELECT to_regclass('alembic_version') IS NOT NULL")
        current = await connection.fetchval("SELECT version_num FROM alembic_version") if known else None
    if current != head:
        raise StartupError(
            f"The database of {service} is at revision {current or 'none'} but this program needs {head}: "
            f"run `{service} migrate`."
        )


def _constants(file: Path) -> dict[str, object]:
    """The constants that a revision's module assigns."""
    names: dict[str, object] = {}
    for statement in ast.parse(file.read_text(encoding="utf-8")).body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=value)):
                names[name] = value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.Constant(value=value)):
                names[name] = value
    return names
