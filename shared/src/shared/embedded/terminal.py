"""What `anxing` says to people: few calm lines in Chinese, plain where there is no terminal."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from time import monotonic
from typing import Any

from rich.table import Table

from shared.embedded.services import TITLES
from shared.embedded.system import RunningSystem
from shared.runtime.console import err, out


class Teller:
    """Tells the steps of a start; to standard error when standard output belongs to a program."""

    def __init__(self, *, json: bool) -> None:
        self._console = err if json else out

    @contextlib.contextmanager
    def step(self, what: str) -> Iterator[None]:
        """A step, shown when it is done with the seconds it took."""
        since = monotonic()
        waiting = self._console.status(f"{what} …") if self._console.is_terminal else contextlib.nullcontext()
        with waiting:
            yield
        self._print(f"  [green]✓[/] {what} [dim]{monotonic() - since:.1f} 秒[/]")

    def say(self, what: str) -> None:
        """One line."""
        self._print(f"  [dim]·[/] {what}")

    def _print(self, line: str) -> None:
        # The terminal may be gone: that must not keep us from ending in order. Rich wants to exit then.
        with contextlib.suppress(OSError, SystemExit):
            self._console.print(line, highlight=False)


def tell_addresses(system: RunningSystem) -> None:
    """Where everything is, and how it ends."""
    addresses = {"intake": system.run.intake, "scoring": system.run.scoring, "notify": system.run.notify}
    out.print()
    for name, url in addresses.items():
        copies = sum(replica.startswith(f"{name}-") for replica in system.run.replicas)
        more = f"  [dim]共 {copies} 个进程[/]" if copies > 1 else ""
        out.print(f"  {TITLES[name]:　<4}  {name:<8} {url}{more}", highlight=False)
    out.print(f"  {'消息':　<4}  kafka    {system.run.kafka}", highlight=False)
    out.print(
        f"\n  [dim]地址与本机密钥：{system.data / 'run.json'}\n  日志：{system.data / 'logs'}[/]",
        highlight=False,
    )


def tell_status(status: Mapping[str, Any]) -> None:
    """What runs, and what waits."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("进程", "PID", "地址", "状态"):
        table.add_column(heading)
    for process in status["processes"]:
        state = {True: "[green]就绪[/]", False: "[red]未就绪[/]", None: "运行中"}[process["ready"]]
        table.add_row(
            process["name"],
            str(process["pid"]),
            process["address"] or "",
            state if process["alive"] else "[red]已退出[/]",
        )
    out.print(table)
    lag = status["lag"]
    out.print(f"\n待评分事实 {'未知' if lag is None else lag} 条", highlight=False)
    for name, waiting in status["databases"].items():
        if waiting is None:
            out.print(f"{TITLES[name]}：数据库无法读取", highlight=False)
            continue
        oldest = waiting["outbox_oldest_seconds"]
        age = "" if oldest is None else f"，最早一条已等 {oldest:.0f} 秒"
        out.print(
            f"{TITLES[name]}：待发布 {waiting['outbox']} 条{age}，搁置 {waiting['parked']} 条",
            highlight=False,
        )


def tell_findings(findings: Sequence[Mapping[str, Any]]) -> None:
    """What this machine has and lacks."""
    marks = {"ok": "[green]✓[/]", "missing": "[red]✗[/]", "note": "[yellow]·[/]"}
    for finding in findings:
        out.print(
            f"  {marks[finding['state']]} {finding['what']}：{finding['found']}",
            highlight=False,
            soft_wrap=True,
        )
        if finding["remedy"]:
            out.print(f"      {finding['remedy']}", highlight=False, soft_wrap=True)
