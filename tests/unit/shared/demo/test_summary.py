"""What the demo says at its end: figures as it was told them, each with its base."""

from __future__ import annotations

import pytest
from shared.demo.audit.evidence import Verdict
from shared.demo.summary import summarise, tell

STATISTICS = {
    "first_day": "2025-11-24",
    "last_day": "2026-11-23",
    "compounds": 58,
    "compounds_joined": 3,
    "figures": {
        "calls": {"title": "有效警情", "count": 1_852, "count_before": 2_000, "change_permyriad": -740},
        "cases": {"title": "案件", "count": 5, "count_before": 4, "change_permyriad": 2_500},
        "disputes": {"title": "纠纷", "count": 7, "count_before": 0, "change_permyriad": None},
    },
    "shares": {
        "cases": {
            "title": "案件",
            "of_title": "有效警情（不含交通）",
            "count": 5,
            "of_count": 1_800,
            "share_permyriad": 28,
        }
    },
    "without_criminal_case": {"count": 17, "compounds": []},
}
FIGURES = dict.fromkeys(
    (
        "answered", "on_topic", "counted", "sequences_given_out", "sequences_published", "outcomes_consumed",
        "decisions_expected", "parked",
    ),
    0,
)  # fmt: skip


def test_people_are_told_the_statistics_and_programs_get_them_whole(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    summary = summarise(
        compounds=[{"star": star} for star in (5, None, 0, 5)],
        statistics=STATISTICS,
        facts=9,
        notices=1,
        webhooks=1,
        seconds={"posting": 1.0, "settling": 2.0, "audit": 0.5},
        verdict=Verdict(FIGURES),
    )
    assert summary["statistics"] == STATISTICS
    assert summary["stars"] == {"5": 2, "none": 1, "unrated": 1}
    tell(summary)
    told = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    for line in (
        "星级 无星 1 五星 2 未评 1",
        "统计 2025-11-24 至 2026-11-23，与上年同期相比",
        "有效警情 1,852 起，上年 2,000 起，−7.40 %",
        "案件 5 起，上年 4 起，+25.00 %",
        "纠纷 7 起，上年 0 起，—",
        "案件占有效警情（不含交通） 0.28 %（5 / 1,800）",
        "58 个参评小区（3 个在这两年内加入）中 17 个全年无刑事案件",
    ):
        assert line in told
