"""Rubrics and explanations in the terminal."""

from __future__ import annotations

from typing import Any

from rich.table import Table
from shared.runtime.console import out
from shared.runtime.database import Database

from scoring.domain.rubric import parse
from scoring.settings import ScoringSettings
from scoring.store.views import RUBRICS


async def rubrics(settings: ScoringSettings) -> list[dict[str, Any]]:
    """All stored rubrics, the active one marked."""
    database = await Database.open(settings.database, application_name="scoring/rubrics")
    try:
        rows = await database.pool.fetch(RUBRICS)
    finally:
        await database.close()
    return [
        {
            "name": name,
            "title": parse(body).title,
            "hash": digest.hex(),
            "active": name == settings.fold.rubric,
            "added_at": added_at,
        }
        for name, digest, body, added_at in rows
    ]


def show_rubrics(found: list[dict[str, Any]]) -> None:
    """A table for people."""
    table = Table("细则", "名称", "摘要", "启用")
    for row in found:
        table.add_row(row["name"], row["title"], row["hash"][:12], "✓" if row["active"] else "")
    out.print(table)
