"""Migrating."""

from __future__ import annotations

from shared.runtime import migrations
from shared.runtime.database import Database

from scoring.settings import MIGRATIONS, ScoringSettings
from scoring.store import rubrics


async def migrate(settings: ScoringSettings) -> str:
    """Migrate, then store the packaged rubrics; answers the revision."""
    revision = await migrations.migrate(
        MIGRATIONS,
        settings.database.url,
        connect_deadline_seconds=settings.database.connect_deadline_seconds,
    )
    database = await Database.open(settings.database, application_name="scoring/migrate")
    try:
        await rubrics.store_packaged(database)
    finally:
        await database.close()
    return revision
