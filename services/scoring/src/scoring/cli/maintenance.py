"""Migrating, and looking at what could not be used."""

from __future__ import annotations

from typing import Any

from rich.table import Table
from shared.runtime import migrations
from shared.runtime.console import out
from shared.runtime.database import Database

from scoring.settings import MIGRATIONS, ScoringSettings
from scoring.store import rubrics

PARKED_ROWS_MAX = 200
PARKED = """
SELECT topic, partition, "offset", code, detail, parked_at FROM parked
WHERE resolved_at IS NULL ORDER BY parked_at DESC LIMIT $1
"""


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


async def parked(settings: ScoringSettings) -> list[dict[str, Any]]:
    """Parked records without their contents."""
    database = await Database.open(settings.database, application_name="scoring/parked")
    try:
        return [dict(row) for row in await database.pool.fetch(PARKED, PARKED_ROWS_MAX)]
    finally:
        await database.close()


def show_parked(found: list[dict[str, Any]]) -> None:
    """A table for people."""
    if not found:
        out.print("没有搁置的记录 · nothing is parked")
        return
    table = Table("时间", "位置", "原因", "说明")
    for row in found:
        place = f"{row['topic']}/{row['partition']}/{row['offset']}"
        table.add_row(f"{row['parked_at']:%Y-%m-%d %H:%M:%S}", place, row["code"], row["detail"])
    out.print(table)
