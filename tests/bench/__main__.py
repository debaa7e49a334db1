"""`python -m tests.bench S1,I1`: runs rows, prints them, keeps them as JSON."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from itertools import groupby

from rich.console import Console
from rich.table import Table

from tests.bench import harness
from tests.bench.place import Place, open_place
from tests.bench.rows import days, intake, journey, latency, notify, overload, past, recovery, scoring

ROWS: dict[str, Callable[[Place], Awaitable[harness.Row]]] = {
    "S1": scoring.s1,
    "S2": scoring.s2,
    "S10": days.s10,
    "S6": scoring.s6,
    "S7": latency.s7,
    "S8": recovery.s8,
    "S9": past.s9,
    "S11": scoring.s11,
    "I1": intake.i1,
    "I2": intake.i2,
    "I3": overload.i3,
    "I4": overload.i4,
    "N1": notify.n1,
    "E2": journey.e2,
}

SHARED = {"S2", "S10"}
"""Rows over one large stock: one after the other they use the same servers."""


async def main(names: list[str]) -> None:
    console = Console()
    unknown = [name for name in names if name not in ROWS]
    if unknown:
        sys.exit(f"No row {', '.join(unknown)}; there are {', '.join(ROWS)}.")
    results = []
    for _, together in groupby(names, key=lambda name: "large" if name in SHARED else name):
        async with open_place() as place:
            for name in together:
                row = await ROWS[name](place)
                console.print(f"[bold]{name}[/] {row.what}")
                result = await harness.measure(row, lambda line: console.print(f"  {line}", highlight=False))
                harness.keep(result)
                results.append(result)
    table = Table("row", "value", "floor", "ratio", "spread", "other cores", "target")
    for result in results:
        table.add_row(
            result.row,
            f"{result.value:,.1f} {result.unit}",
            "–" if result.floor is None else f"{result.floor:,.1f}",
            "–" if result.ratio is None else f"{result.ratio:.3f}",
            str(result.spread),
            str(result.other_cores),
            result.target,
        )
    console.print(table)


if __name__ == "__main__":
    asyncio.run(main([name for word in sys.argv[1:] for name in word.split(",") if name] or list(ROWS)))
