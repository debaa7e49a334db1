"""Statistics in the terminal."""

from __future__ import annotations

from datetime import date, timedelta

from rich.table import Table
from shared.runtime.auth import Scope
from shared.runtime.clock import system_clock
from shared.runtime.console import out, percent
from shared.runtime.database import Database

from scoring.api.statistics import LISTED_MAX, StatisticsBody, statistics_body
from scoring.domain.statistics import Period
from scoring.settings import ScoringSettings
from scoring.store import rubrics
from scoring.store.statistics import Asked, Figures

__all__ = ["Asked", "show", "statistics"]


async def statistics(settings: ScoringSettings, asked: Asked, last: date | None) -> StatisticsBody:
    """The statistics of 365 days, of all compounds that are asked for; up to yesterday by default."""
    day = last or system_clock(settings).today(settings.zone) - timedelta(days=1)
    database = await Database.open(settings.database, application_name="scoring/statistics")
    try:
        figures = Figures(database, await rubrics.load(database, settings.fold.rubric))
        everything = Scope(everything=True)
        return statistics_body(await figures.read(everything, asked, Period(day.toordinal()), LISTED_MAX))
    finally:
        await database.close()


def show(found: StatisticsBody) -> None:
    """The same for people: figures, shares of what, and the compounds without a criminal case."""
    joined = f"，其中 {found.compounds_joined} 个在此期间加入" if found.compounds_joined else ""
    out.print(
        f"[bold]{found.compounds}[/bold] 个参评小区{joined}；{found.first_day} 至 {found.last_day}，"
        f"对比 {found.first_day_before} 至 {found.last_day_before}",
        highlight=False,
    )
    table = Table("统计", "本期", "上年同期", "增减")
    for figure in found.figures.values():
        change = percent(figure.change_permyriad, signed=True)
        table.add_row(figure.title, str(figure.count), str(figure.count_before), change)
    out.print(table)
    for share in found.shares.values():
        counts = f"（{share.count} / {share.of_count}）"
        out.print(
            f"{share.title}占{share.of_title} {percent(share.share_permyriad)}{counts}", highlight=False
        )
    untouched = found.without_criminal_case
    names = "、".join(one.name for one in untouched.compounds)
    out.print(f"无刑事案件的小区 {untouched.count} 个：{names or '—'}", highlight=False)
