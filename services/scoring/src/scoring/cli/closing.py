"""How far days are closed, and an operator's word that they may."""

from __future__ import annotations

import getpass
from datetime import date, timedelta
from typing import Any

from rich.table import Table
from shared.events.topics import FACTS
from shared.runtime.clock import Clock, system_clock
from shared.runtime.console import out
from shared.runtime.database import Database

from scoring.settings import ScoringSettings

CONFIRM = """
INSERT INTO day_confirmation (through, confirmed_by) VALUES ($1, $2)
ON CONFLICT (through) DO UPDATE SET confirmed_at = now(), confirmed_by = excluded.confirmed_by
"""
CLOSED = "SELECT partition, closed_day FROM input_cursor WHERE topic = $1 ORDER BY partition"


async def close_days(
    settings: ScoringSettings, through: date | None, *, confirm: bool, clock: Clock | None = None
) -> dict[str, Any]:
    """The closed day of each partition; with `confirm` the owners may close up to `through`.

    `over_through` is the last day that is over by the clock, `days_behind` how many up to it are not closed
    in the partition that is furthest behind.
    """
    time = clock or system_clock(settings)
    last = through or time.today(settings.zone) - timedelta(days=1)
    database = await Database.open(settings.database, application_name="scoring/close-days")
    try:
        if confirm:
            await database.pool.execute(CONFIRM, last, getpass.getuser())
        rows = await database.pool.fetch(CLOSED, settings.kafka.name_of(FACTS))
    finally:
        await database.close()
    grace = timedelta(minutes=settings.days.close_after_minutes)
    over = (time.now() - grace).astimezone(settings.zone).date() - timedelta(days=1)
    partitions = [
        {"partition": number, "closed_day": closed, "days_behind": _behind(closed, over)}
        for number, closed in rows
    ]
    return {
        "confirmed_through": last if confirm else None,
        "over_through": over,
        "days_behind": max((one["days_behind"] or 0 for one in partitions), default=0),
        "partitions": partitions,
    }


def _behind(closed: date | None, over: date) -> int | None:
    return None if closed is None else max(0, (over - closed).days)


def show(found: dict[str, Any]) -> None:
    """A table for people, and how much is left."""
    if found["confirmed_through"]:
        out.print(f"已确认可结到 {found['confirmed_through']} · confirmed", highlight=False)
    table = Table("分区", "已结日", "落后天数")
    for row in found["partitions"]:
        behind = "—" if row["days_behind"] is None else str(row["days_behind"])
        table.add_row(str(row["partition"]), str(row["closed_day"] or "—"), behind)
    out.print(table)
    left = found["days_behind"]
    if left:
        out.print(
            f"还有 {left} 天未结，应结到 {found['over_through']} · {left} days to close", highlight=False
        )
    else:
        out.print(f"已结到 {found['over_through']} · all closed", highlight=False)
