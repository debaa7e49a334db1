"""Rubrics and explanations in the terminal."""

from __future__ import annotations

from datetime import date
from typing import Any

from rich.table import Table
from shared.events.topics import FACTS
from shared.runtime.clock import system_clock
from shared.runtime.console import out
from shared.runtime.database import Database

from scoring.api.asking import Asking
from scoring.api.explain import CostBody, DistanceBody, ExplanationBody, explanation_of
from scoring.domain.rubric import parse
from scoring.settings import ScoringSettings
from scoring.store import rubrics as stored
from scoring.store.views import RUBRICS, Views

UNIT = 1_000


async def explain(settings: ScoringSettings, compound: str, day: date | None) -> ExplanationBody | None:
    """The explanation of a day, today by default; None for a compound that was never registered."""
    today = system_clock(settings).today(settings.zone).toordinal()
    database = await Database.open(settings.database, application_name="scoring/explain")
    try:
        rubric = await stored.load(database, settings.fold.rubric)
        topic = settings.kafka.name_of(FACTS)
        asking = Asking(Views(database, rubric.name, settings.zone, topic), rubric, lambda: today, topic)
        return await explanation_of(asking, compound, today if day is None else day.toordinal())
    finally:
        await database.close()


def show(found: ExplanationBody) -> None:
    """The explanation for people: points, what costs them, and what would help."""
    score = found.score
    star = "未评星" if score.star is None else f"{score.star} 星"
    points = "未参评" if score.score_milli is None else _points(score.score_milli)
    out.print(f"[bold]{score.compound}[/bold]  {score.day}  {points} 分  {star}", highlight=False)
    table = Table("项目", "名称", "得分", "满分", "扣分依据", "减轻", "消除")
    for item in found.items:
        head: tuple[str, ...] = (item.code, item.name, _points(item.points_milli), _points(item.full_milli))
        if not item.costs:
            table.add_row(*head, "未核实" if item.unverified else "", "", "")
        for cost in item.costs:
            table.add_row(*head, *_cost_cells(cost))
            head = ("", "", "", "")
    out.print(table)
    for gain in found.bonus:
        out.print(f"加分 {_points(gain.points_milli)}：{gain.reason} {gain.subject}", highlight=False)
    for cap in score.caps:
        out.print(f"[red]{cap.veto} 最高 {cap.cap} 星[/red]", highlight=False)
    for label, distance in (("升", found.up), ("降", found.down)):
        if distance is not None:
            out.print(_way(label, distance), highlight=False)
    for action in found.actions:
        out.print(
            f"可做：{action.item} {action.idea} {action.subject}，可得 {_points(action.gain_milli)} 分",
            highlight=False,
        )
    for check in found.ignored:
        out.print(f"不计：{check.item} {check.checkpoint} {check.day}", highlight=False)


def _cost_cells(cost: CostBody) -> tuple[str, str, str]:
    lighter = "" if cost.lighter_on is None else f"{cost.lighter_on} 起 {_points(cost.lighter_milli or 0)}"
    text = f"−{_points(cost.points_milli)} {cost.reason} {cost.subject} {cost.day or ''}".rstrip()
    return (text, lighter, str(cost.ends_on or ""))


def _way(label: str, distance: DistanceBody) -> str:
    held = "（受短板或缺证据限制）" if distance.capped else ""
    return (
        f"{label}到 {distance.star} 星：相差 {_points(distance.points_milli)} 分，再 {distance.days} 天{held}"
    )


def _points(milli: int) -> str:
    return f"{milli / UNIT:g}"


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
