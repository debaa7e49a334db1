"""How far days are closed, and an operator's word that they may."""

from __future__ import annotations

import getpass
from datetime import date, timedelta
from typing import Any

from rich.table import Table
from shared.events.topics import FACTS
from shared.runtime.clock import system_clock
from shared.runtime.console import out
from shared.runtime.database import Database

from scoring.settings import ScoringSettings

CONFIRM = """
INSERT INTO day_confirmation (through, confirmed_by) VALUES ($1, $2)
ON CONFLICT (through) DO UPDATE SET confirmed_at = now(), confirmed_by = excluded.confirmed_by
"""
CLOSED = "SELECT partition, closed_day FROM input_cursor WHERE topic = $1 ORDER BY partition"


async def close_days(settings: ScoringSettings, through: date | None, *, confirm: bool) -> dict[str, Any]:
    """The closed day of each partition; with `confirm` the owners may close up to `through`."""
    last = through or system_clock(settings).today(settings.zone) - timedelta(days=1)
    database = await Database.open(settings.database, application_name="scoring/close-days")
    try:
        if confirm:
            await database.pool.execute(CONFIRM, last, getpass.getuser())
        rows = await database.pool.fetch(CLOSED, settings.kafka.name_of(FACTS))
    finally:
        await database.close()
    return {
        "confirmed_through": last if confirm else None,
        "partitions": [{"partition": row[0], "closed_day": row[1]} for row in rows],
    }


def show(found: dict[str, Any]) -> None:
    """A table for people."""
    if found["confirmed_through"]:
        out.print(f"已确认可结到 {found['confirmed_through']} · confirmed", highlight=False)
    table = Table("分区", "已结日")
    for row in found["partitions"]:
        table.add_row(str(row["partition"]), str(row["closed_day"] or "—"))
    out.print(table)
