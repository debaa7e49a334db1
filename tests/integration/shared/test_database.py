"""The database of a service: reached, refused, migrated."""

import asyncio
import logging
import textwrap
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
from shared.runtime.database import Database, check_schema, migrate
from shared.runtime.errors import StartupError
from shared.runtime.migrations import ADVISORY_LOCK
from shared.runtime.settings import DatabaseSettings
from sqlalchemy import text

from tests.eventually import eventually

NOBODY = "postgresql://anna:geheim@127.0.0.1:1/scoring"

FIRST = '''
"""First tables."""
from alembic import op
revision = "2026_11_24_0001"
down_revision = None
def upgrade():
    op.execute("CREATE TABLE ledger (id int PRIMARY KEY)")
'''
SECOND = '''
"""A column, and a mistake when asked for."""
from alembic import op
revision = "2026_11_25_0001"
down_revision = "2026_11_24_0001"
def upgrade():
    op.execute("ALTER TABLE ledger ADD COLUMN day date")
'''


@pytest.fixture
async def url(make_database) -> str:
    return await make_database(None)


@pytest.fixture
def migrations(tmp_path: Path) -> Path:
    folder = tmp_path / "scoring" / "migrations"
    folder.mkdir(parents=True)
    (folder / "2026_11_24_0001_start.py").write_text(textwrap.dedent(FIRST))
    return folder


@pytest.fixture
async def database(url: str):
    opened = await Database.open(DatabaseSettings(url=url, pool_max=2), application_name="scoring")
    yield opened
    await opened.close()


def settings(url: str) -> DatabaseSettings:
    return DatabaseSettings(url=url, connect_deadline_seconds=0.5)


async def sentence_of(url: str) -> str:
    with pytest.raises(StartupError) as error:
        await Database.open(settings(url), application_name="scoring")
    with pytest.raises(StartupError) as same:
        await migrate(
            Path(__file__).parents[3] / "services/intake/migrations", url, connect_deadline_seconds=0.5
        )
    assert same.value.sentence == error.value.sentence
    return error.value.sentence


async def test_three_ways_in_share_name_and_time_zone(database):
    ask = "SELECT current_setting('application_name'), current_setting('TimeZone')"

    async with database.transaction() as transaction:
        assert tuple(await transaction.fetchrow(ask)) == ("scoring", "UTC")
    async with database.engine.connect() as connection:
        assert tuple((await connection.execute(text(ask))).one()) == ("scoring", "UTC")
    own = await database.dedicated("writer")
    assert tuple(await own.fetchrow(ask)) == ("scoring/writer", "UTC")
    await own.close()


async def test_a_transaction_that_fails_leaves_nothing(database):
    await database.pool.execute("CREATE TABLE t (id int)")

    async def fail() -> None:
        async with database.transaction() as transaction:
            await transaction.execute("INSERT INTO t VALUES (1)")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()

    assert await database.pool.fetchval("SELECT count(*) FROM t") == 0


async def test_closing_does_not_wait_for_a_connection_that_is_kept(url):
    opened = await Database.open(DatabaseSettings(url=url), application_name="scoring")
    kept = await opened.pool.acquire()

    await asyncio.wait_for(opened.close(), 20)

    with pytest.raises(asyncpg.InterfaceError):
        await kept.execute("SELECT 1")


async def test_a_server_that_is_away_is_one_sentence(caplog):
    caplog.set_level(logging.INFO)

    said = await sentence_of(NOBODY)

    assert said == (
        "The database at 127.0.0.1:1/scoring does not answer: start it, or correct ANXING_DATABASE__URL."
    )
    assert "geheim" not in caplog.text


async def test_a_wrong_password_or_name_is_told_apart(url):
    parts = urlsplit(url)
    wrong_password = parts._replace(netloc=parts.netloc.replace(f":{parts.password}@", ":geheim@"))
    wrong_name = parts._replace(path="/nothing")

    assert "refuses the user or password" in await sentence_of(wrong_password.geturl())
    assert "There is no database at" in await sentence_of(wrong_name.geturl())


async def test_a_database_is_migrated_once_however_many_try(url, database, migrations):
    with pytest.raises(StartupError) as error:
        await check_schema(database, migrations)
    assert error.value.sentence == (
        "The database of scoring is at revision none but this program needs 2026_11_24_0001: "
        "run `scoring migrate`."
    )

    assert set(await asyncio.gather(*(migrate(migrations, url) for _ in range(4)))) == {"2026_11_24_0001"}

    await check_schema(database, migrations)


async def test_an_old_schema_is_refused_until_migrated(url, database, migrations):
    await migrate(migrations, url)
    (migrations / "2026_11_25_0001_day.py").write_text(textwrap.dedent(SECOND))

    with pytest.raises(StartupError, match=r"at revision 2026_11_24_0001 but this program needs 2026_11_25"):
        await check_schema(database, migrations)

    assert await migrate(migrations, url) == "2026_11_25_0001"
    await check_schema(database, migrations)


async def test_a_newer_schema_is_refused_by_both(url, database, migrations):
    await migrate(migrations, url)
    await database.pool.execute("UPDATE alembic_version SET version_num = '2099_01_01_0001'")

    with pytest.raises(StartupError, match=r"2099_01_01_0001 but this program needs"):
        await check_schema(database, migrations)
    with pytest.raises(StartupError, match="migrated by a newer version"):
        await migrate(migrations, url)


async def test_a_failed_migration_leaves_the_revision_before(url, database, migrations):
    await migrate(migrations, url)
    broken = textwrap.dedent(SECOND) + "    op.execute('SELECT 1 / 0')\n"
    (migrations / "2026_11_25_0001_day.py").write_text(broken)

    with pytest.raises(Exception, match="division by zero"):
        await migrate(migrations, url)

    assert await database.pool.fetchval("SELECT version_num FROM alembic_version") == "2026_11_24_0001"
    columns = await database.pool.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_name='ledger'"
    )
    assert [column[0] for column in columns] == ["id"]


async def test_a_locked_table_ends_the_migration_instead_of_blocking_everybody(
    url, database, migrations, monkeypatch
):
    monkeypatch.setattr("shared.runtime.migrations.TABLE_LOCK_TIMEOUT", "100ms")
    await migrate(migrations, url)
    (migrations / "2026_11_25_0001_day.py").write_text(textwrap.dedent(SECOND))

    async with database.transaction() as transaction:
        await transaction.execute("LOCK TABLE ledger IN ACCESS SHARE MODE")
        with pytest.raises(StartupError, match="stays locked"):
            await migrate(migrations, url)

    assert await migrate(migrations, url) == "2026_11_25_0001"


async def test_the_lock_is_gone_when_a_migrating_process_dies(url, migrations, monkeypatch):
    monkeypatch.setattr("shared.runtime.migrations.GUARD_TIMEOUT", "100ms")
    other = await asyncpg.connect(url)
    await other.execute("SELECT pg_advisory_lock($1)", ADVISORY_LOCK)
    with pytest.raises(StartupError, match="stays locked"):
        await migrate(migrations, url)

    other.terminate()

    async def migrated() -> bool:
        try:
            return await migrate(migrations, url) == "2026_11_24_0001"
        except StartupError:
            return False

    assert await eventually(migrated)
