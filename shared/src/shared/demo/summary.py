"""The summary of `anxing demo --once`: figures for programs, a calm table for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from shared.demo.audit.evidence import Verdict
from shared.runtime.console import out, percent


def summarise(
    *,
    compounds: Sequence[Mapping[str, Any]],
    statistics: Mapping[str, Any],
    facts: int,
    notices: int,
    webhooks: int,
    seconds: Mapping[str, float],
    verdict: Verdict,
) -> dict[str, Any]:
    """One JSON document; stars are counted by name, `none` for 0 and `unrated` for not yet rated.

    `statistics` is what scoring answers (`GET /v1/statistics`): nothing in it is known to the demo.
    """
    return {
        "facts": facts,
        "compounds": len(compounds),
        "stars": dict(sorted(Counter(_star(each) for each in compounds).items())),
        "notices": notices,
        "webhooks": webhooks,
        "statistics": statistics,
        "seconds": {name: round(value, 1) for name, value in seconds.items()},
        "audit": {
            "clean": verdict.clean,
            **verdict.figures,
            "findings": [str(finding) for finding in verdict.findings],
        },
    }


def tell(summary: Mapping[str, Any]) -> None:
    """The same for people."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim")
    table.add_column()
    table.add_row("小区", f"{summary['compounds']} 个")
    table.add_row("事实", f"{summary['facts']:,} 条，全部计分")
    table.add_row("星级", _stars(summary["stars"]))
    _tell_statistics(table, summary["statistics"])
    table.add_row("通知", f"{summary['notices']:,} 条经签名送达 {summary['webhooks']} 个接收方")
    table.add_row(
        "用时", "  ".join(f"{_STAGES[name]} {value} 秒" for name, value in summary["seconds"].items())
    )
    audit = summary["audit"]
    verdict = "[green]一致[/]" if audit["clean"] else "[red]不一致[/]"
    table.add_row(
        "核对",
        f"{verdict}：受理 {audit['answered']:,} = 主题 {audit['on_topic']:,} = 入账 {audit['counted']:,}；"
        f"结果 {audit['sequences_given_out']:,} = 发布 {audit['sequences_published']:,}"
        f" = 接收 {audit['outcomes_consumed']:,}；应有决定 {audit['decisions_expected']:,}，"
        f"搁置 {audit['parked']}",
    )
    for finding in audit["findings"]:
        table.add_row("", f"[red]{finding}[/]")
    out.print(table, highlight=False)


def _tell_statistics(table: Table, statistics: Mapping[str, Any]) -> None:
    """Movements against the year before, shares with their bases named, compounds without a criminal case."""
    figures = statistics["figures"]
    head = f"{statistics['first_day']} 至 {statistics['last_day']}，与上年同期相比"
    table.add_row("统计", head)
    for name in MOVEMENTS:
        one = figures[name]
        change = percent(one["change_permyriad"], signed=True)
        table.add_row("", f"{one['title']} {one['count']:,} 起，上年 {one['count_before']:,} 起，{change}")
    for one in statistics["shares"].values():
        counts = f"{one['count']:,} / {one['of_count']:,}"
        table.add_row("", f"{one['title']}占{one['of_title']} {percent(one['share_permyriad'])}（{counts}）")
    untouched, joined = statistics["without_criminal_case"]["count"], statistics["compounds_joined"]
    newer = f"（{joined} 个在这两年内加入）" if joined else ""
    table.add_row("", f"{statistics['compounds']} 个参评小区{newer}中 {untouched} 个全年无刑事案件")


MOVEMENTS = ("calls", "cases", "disputes")
_NAMES = {"none": "无星", "2": "二星", "3": "三星", "4": "四星", "5": "五星", "unrated": "未评"}
_STAGES = {"posting": "报送", "settling": "计分与通知", "audit": "核对"}


def _stars(stars: Mapping[str, int]) -> str:
    return "  ".join(f"{title} {stars[name]}" for name, title in _NAMES.items() if name in stars)


def _star(compound: Mapping[str, Any]) -> str:
    star = compound["star"]
    return "unrated" if star is None else "none" if star == 0 else str(star)
