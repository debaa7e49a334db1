"""What the live screen shows, at several sizes of a terminal."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from rich.cells import cell_len
from rich.console import Console
from shared.demo.screen import CompoundRow, Line, Screen, View, moved, points, render, stars

NOW = datetime(2026, 11, 24, 16, 40, 12, tzinfo=UTC)
ROWS = [
    CompoundRow("C1", "云栖花园", 5, 96_180, 300),
    CompoundRow("C2", "松麓苑", 0, 57_190, -1_500),
    CompoundRow("C3", "汀湾公寓", None, None),
]


def shown(view: View, width: int = 120, height: int = 30) -> list[str]:
    console = Console(width=width, height=height, file=io.StringIO(), force_terminal=False)
    console.print(render(view, width, height), height=height)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def full_view(compounds: int = 58) -> View:
    return View(
        title="禾渡派出所辖区",
        now=NOW,
        compounds=[CompoundRow(f"C{n}", f"第{n}小区", n % 6, 50_000 + n * 700) for n in range(compounds)],
        movements=[Line(NOW, f"变动{n}", n % 2 == 0) for n in range(100)],
        notices=[Line(NOW, f"通知{n}") for n in range(100)],
        facts_posted=10_214,
        notices_received=456,
        lag_records=3,
        lag_seconds=0.24,
        addresses=(("接入", "http://127.0.0.1:8080"),),
    )


def test_a_compound_shows_its_place_stars_score_and_movement() -> None:
    text = "\n".join(shown(View(title="辖区", now=NOW, compounds=ROWS)))
    assert "3 个小区" in text
    assert "2026-11-24 16:40:12" in text
    assert text.index("云栖花园") < text.index("松麓苑") < text.index("汀湾公寓")
    for words in ("★★★★★", "96.1", "+0.3", "无星", "57.1", "-1.5", "未评", "–", "待处理 未知"):
        assert words in text


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
@pytest.mark.parametrize("height", [12, 24, 50])
def test_any_terminal_is_filled_and_never_overflows(width: int, height: int) -> None:
    lines = shown(full_view(), width, height)
    assert len(lines) <= height
    assert max(cell_len(line) for line in lines) <= width
    assert "安星" in lines[0]
    assert "Ctrl-C 退出" in lines[-1]


def test_what_does_not_fit_is_counted() -> None:
    text = "\n".join(shown(full_view(), 80, 24))
    visible = sum(f"第{n}小区" in text for n in range(58))
    assert f"其余 {58 - visible} 个小区未显示" in text


def test_newest_movements_and_notices_are_on_top() -> None:
    text = "\n".join(shown(full_view(), 140, 40))
    assert text.index("变动99") < text.index("变动98")
    assert text.index("通知99") < text.index("通知98")
    assert "变动0 " not in text


def test_figures_stand_in_the_footer() -> None:
    text = "\n".join(shown(full_view(), 140, 40))
    for words in ("已报事实 10,214", "已收通知 456", "待处理 3（0.2 秒）", "接入 http://127.0.0.1:8080"):
        assert words in text


@pytest.mark.parametrize(
    ("number", "text"), [(None, "未评"), (0, "无星"), (2, "★★☆☆☆"), (3, "★★★☆☆"), (5, "★★★★★")]
)
def test_stars(number: int | None, text: str) -> None:
    assert stars(number).plain == text


@pytest.mark.parametrize(
    ("milli", "text"), [(89_999, "89.9"), (100_000, "100.0"), (-1_500, "-1.5"), (99, "0.0")]
)
def test_points_are_cut_and_never_rounded_up(milli: int, text: str) -> None:
    assert points(milli) == text


def test_no_movement_shows_nothing() -> None:
    assert moved(0).plain == ""


def test_the_live_screen_leaves_the_terminal_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    console = Console(width=100, height=30, file=io.StringIO(), force_terminal=True)
    with Screen(console) as screen:
        screen.show(full_view())
        screen.show(full_view(3))
    assert isinstance(console.file, io.StringIO)
    written = console.file.getvalue()
    assert "\x1b[?1049h" in written
    assert written.rindex("\x1b[?1049l") > written.rindex("\x1b[?1049h")
