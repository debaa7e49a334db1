"""`python -m tests.fuzz --bodies 200000 --seed 7`: spoiled events against the route of intake, by seed."""

import asyncio
import json
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from tests.faults.results import commit
from tests.fuzz.doors import behind_a_socket, in_process, site
from tests.fuzz.making import request_of
from tests.fuzz.run import MEMORY_GROWTH_MAX_MIB, Run, fuzz

RESULTS = Path(__file__).parent / "results"


async def _both(seed: int, bodies: int, sockets: int) -> tuple[Run, Run]:
    made = site()
    direct = await fuzz(made, in_process(made), seed, range(bodies))
    made = site()
    async with behind_a_socket(made) as door:
        return direct, await fuzz(made, door, seed, range(bodies, bodies + sockets))


async def _tell(seed: int, number: int) -> None:
    request = request_of(seed, number)
    status, headers, body = await in_process(site())(request)
    print(*request.headers, request.body, status, headers, body.decode(), sep="\n")


def main(
    bodies: Annotated[int, typer.Option(help="How many requests straight to the route.")] = 20_000,
    sockets: Annotated[int, typer.Option(help="How many over a socket; a tenth when not given.")] = -1,
    seed: Annotated[int, typer.Option(help="What they are made from.")] = 1,
    number: Annotated[int | None, typer.Option(help="Send only this one, and tell.")] = None,
    keep: Annotated[bool, typer.Option(help="Keep the figures beside this module.")] = False,
) -> None:
    """Send spoiled events and judge every answer; exit code 1 when one is wrong or memory grows."""
    logging.disable()
    if number is not None:
        asyncio.run(_tell(seed, number))
        return
    direct, socket = asyncio.run(_both(seed, bodies, bodies // 10 if sockets < 0 else sockets))
    figures = {"commit": commit(), "direct": direct.figures(), "socket": socket.figures()}
    print(json.dumps(figures, indent=1))
    if keep:
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"fuzz-{datetime.now(UTC).date()}.json"
        path.write_text(json.dumps(figures, indent=1) + "\n")
    grown = direct.memory_growth_mib > MEMORY_GROWTH_MAX_MIB
    if grown:
        print(f"memory grew by {direct.memory_growth_mib:.1f} MiB", file=sys.stderr)
    sys.exit(1 if direct.findings or socket.findings or grown else 0)


if __name__ == "__main__":
    typer.run(main)
