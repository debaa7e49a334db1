"""The calm live screen of the demo, in Chinese: compounds with their stars, what moved, who was told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Self

from rich.align import Align
from rich.console import Console, Group, RenderableType
from rich.layout import Layout
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

STARS_MAX: Final = 5
ROW_WIDTH: Final = 40  # cells of one compound's line, with its padding
FULL_WIDTH: Final = 100  # from here on there is room for a column of movements
_FRAME_LINES: Final = 6


@dataclass(frozen=True, slots=True)
class CompoundRow:
    """One compound as shown; `stars` None: not yet rated, `score_milli` None: no score."""

    id: str
    name: str
    stars: int | None
    score_milli: int | None
    moved_milli: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """Something that happened: a movement or a notice, newest last."""

    at: datetime
    text: str
    good: bool | None = None


@dataclass(frozen=True, slots=True)
class View:
    """All that the screen shows, plain values; `lag_records` None: not known."""

    title: str
    now: datetime
    compounds: Sequence[CompoundRow] = ()
    movements: Sequence[Line] = ()
    notices: Sequence[Line] = ()
    facts_posted: int = 0
    notices_received: int = 0
    lag_records: int | None = None
    lag_seconds: float | None = None
    footer: str = "Ctrl-C 退出"
    addresses: Sequence[tuple[str, str]] = field(default_factory=tuple)


def render(view: View, width: int, height: int) -> RenderableType:
    """The screen for a terminal of that size; what does not fit is counted, not cut in the middle."""
    body_lines = max(4, height - _FRAME_LINES)
    layout = Layout()
    layout.split_column(
        Layout(_head(view), size=2),
        Layout(name="body"),
        Layout(_foot(view), size=2),
    )
    if width >= FULL_WIDTH:
        side = min(52, width - 2 * ROW_WIDTH - 4) if width >= 2 * ROW_WIDTH + 44 else width - ROW_WIDTH - 8
        side = max(36, side)
        layout["body"].split_row(
            Layout(_ranking(view.compounds, width - side, body_lines)),
            Layout(_side(view, body_lines), size=side),
        )
    else:
        layout["body"].update(_ranking(view.compounds, width, body_lines))
    return layout


def _head(view: View) -> RenderableType:
    line = Text.assemble(
        ("安星 ", "bold yellow"), (view.title, "bold"), f"  {len(view.compounds)} 个小区", style="default"
    )
    grid = Table.grid(expand=True)
    grid.add_column()
    grid.add_column(justify="right")
    grid.add_row(line, Text(view.now.strftime("%Y-%m-%d %H:%M:%S"), "dim"))
    return grid


def _foot(view: View) -> RenderableType:
    parts = [f"已报事实 {view.facts_posted:,}", f"已收通知 {view.notices_received:,}", _lag(view)]
    parts += [f"{name} {url}" for name, url in view.addresses]
    return Group(
        Text("  ·  ".join(parts), "dim", no_wrap=True, overflow="ellipsis"),
        Align.right(Text(view.footer, "dim")),
    )


def _lag(view: View) -> str:
    if view.lag_records is None:
        return "待处理 未知"
    seconds = "" if view.lag_seconds is None else f"（{view.lag_seconds:.1f} 秒）"
    return f"待处理 {view.lag_records:,}{seconds}"


def _ranking(compounds: Sequence[CompoundRow], width: int, lines: int) -> RenderableType:
    """Compounds by score in as many columns as fit, read downwards."""
    ranked = sorted(compounds, key=lambda c: -1 if c.score_milli is None else c.score_milli, reverse=True)
    columns = max(1, width // ROW_WIDTH)
    per_column = max(1, min(lines - 1, -(-len(ranked) // columns)))
    shown = ranked[: columns * per_column]
    grid = Table.grid(padding=(0, 1), expand=False)
    for _ in range(columns):
        grid.add_column(justify="right", style="dim", width=3)
        grid.add_column(width=14, no_wrap=True, overflow="ellipsis")
        grid.add_column(width=6, no_wrap=True)
        grid.add_column(justify="right", width=5)
        grid.add_column(justify="right", width=5)
    for row in range(per_column):
        cells: list[RenderableType] = []
        for column in range(columns):
            place = column * per_column + row
            cells += _cells(place + 1, shown[place]) if place < len(shown) else [""] * 5
        grid.add_row(*cells)
    hidden = len(ranked) - len(shown)
    return Group(grid, Text(f"其余 {hidden} 个小区未显示", "dim")) if hidden else grid


def _cells(place: int, compound: CompoundRow) -> list[RenderableType]:
    score = "–" if compound.score_milli is None else points(compound.score_milli)
    return [str(place), compound.name, stars(compound.stars), score, moved(compound.moved_milli)]


def stars(number: int | None) -> Text:
    """★★★★☆, 无星, or 未评 while not rated."""
    if number is None:
        return Text("未评", "dim")
    if number == 0:
        return Text("无星", "red")
    return Text.assemble(("★" * number, "yellow"), ("☆" * (STARS_MAX - number), "dim"))


def points(milli: int) -> str:
    """Milli-points as points with one decimal, cut and not rounded: 89.96 is not yet 90."""
    sign = "-" if milli < 0 else ""
    return f"{sign}{abs(milli) // 1000}.{abs(milli) % 1000 // 100}"


def moved(milli: int) -> Text:
    """Today's movement with its sign; nothing when it stands still."""
    if milli == 0:
        return Text("")
    return Text(("+" if milli > 0 else "") + points(milli), "green" if milli > 0 else "red")


def _side(view: View, lines: int) -> RenderableType:
    each = max(1, (lines - 4) // 2)
    return Group(_log("最近变动", view.movements, each), _log("最近通知", view.notices, each))


def _log(title: str, entries: Sequence[Line], lines: int) -> RenderableType:
    grid = Table.grid(padding=(0, 1), expand=True)
    grid.add_column(style="dim", width=8)
    grid.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    newest_first = list(entries)[-lines:][::-1]
    for entry in newest_first:
        style = "" if entry.good is None else "green" if entry.good else "red"
        grid.add_row(entry.at.strftime("%H:%M:%S"), Text(entry.text, style))
    return Panel(grid, title=title, title_align="left", border_style="dim", height=lines + 2)


class Screen:
    """Shows views on a terminal until closed; `show` may be called as often as one likes."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console()
        self._live = Live(console=self._console, screen=True, auto_refresh=False, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def show(self, view: View) -> None:
        """Draws this view, at the terminal's present size."""
        self._live.update(render(view, self._console.width, self._console.height), refresh=True)
