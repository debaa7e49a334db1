"""Scoring that notes when each fact passes each stage: `traced FILE`, in the surroundings of `scoring serve`.

Times are of the monotonic clock, which all processes of a machine share. Nothing of the service is another
but that its functions are timed.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from collections.abc import Awaitable, Callable
from functools import wraps
from pathlib import Path
from typing import Any

import asyncpg.transaction
from scoring.app import build
from scoring.settings import ScoringSettings
from shared.runtime.consume.engine import Engine
from shared.runtime.consume.inbox import Inbox
from shared.runtime.consume.writer import Writer
from shared.runtime.outbox.relay import Relay
from shared.runtime.producer import RecordProducer
from shared.runtime.serve import run
from shared.runtime.settings import load

LAG_SECONDS = 0.002
LAG_NOTED_SECONDS = 0.004

Event = tuple[str, float, float, list[str], dict[str, float]]
"""(stage, from, to, ids of the facts it is about, more)"""

events: list[Event] = []
now = time.perf_counter


def id_of(value: bytes) -> str:
    """The id of an event in bytes."""
    at = value.index(b'"id":"') + 6
    return value[at : value.index(b'"', at)].decode()


def timed(owner: Any, name: str, stage: str, ids: Callable[[tuple[Any, ...], Any], list[str] | None]) -> None:
    """Note every call of an async method; `ids` tells from arguments and result what it was about."""
    inner: Callable[..., Awaitable[Any]] = getattr(owner, name)

    @wraps(inner)
    async def outer(*arguments: Any, **named: Any) -> Any:
        began = now()
        result = await inner(*arguments, **named)
        about = ids(arguments, result)
        if about is not None:
            events.append((stage, began, now(), about, {}))
        return result

    setattr(owner, name, outer)


def _records(arguments: tuple[Any, ...], _: Any) -> list[str]:
    return [id_of(item.value) for item in arguments[1]]


def _work(arguments: tuple[Any, ...], _: Any) -> list[str] | None:
    work = arguments[1]
    return [] if work.starts is None else [id_of(record.value) for record in work.records]


def _rows(_: tuple[Any, ...], rows: Any) -> list[str]:
    return [json.loads(row.headers).get("cause-id", "") for row in rows]


def _sent(arguments: tuple[Any, ...], _: Any) -> list[str]:
    return [value.decode() for one in arguments[1] for name, value in one.headers if name == "cause-id"]


def instrument() -> None:
    """Time the stages of the path."""
    timed(Inbox, "offer", "offer", _records)
    timed(Engine, "_prepare", "prepare", _work)
    timed(Writer, "write", "write", _work)
    timed(asyncpg.transaction.Transaction, "commit", "commit", lambda *_: [])
    timed(Relay, "_fetch", "read", _rows)
    timed(RecordProducer, "send_all", "send", _sent)
    began = 0.0

    def collected(phase: str, info: dict[str, int]) -> None:
        nonlocal began
        if phase == "start":
            began = now()
        else:
            events.append(("gc", began, now(), [], {"generation": info["generation"]}))

    gc.callbacks.append(collected)


async def watch_loop() -> None:
    """Note when the loop was late, and whether this thread was busy then or waited for a core."""
    while True:
        began, busy, waited = now(), time.thread_time(), run_delay_seconds()
        await asyncio.sleep(LAG_SECONDS)
        late = now() - began - LAG_SECONDS
        if late > LAG_NOTED_SECONDS:
            more = {"busy": time.thread_time() - busy, "waited": run_delay_seconds() - waited}
            events.append(("late", began, now(), [], more))


def run_delay_seconds() -> float:
    """How long the main thread was ready to run and had no core."""
    return int(Path("/proc/self/schedstat").read_text().split()[1]) / 1e9


def main(file: Path) -> None:
    instrument()
    settings = load(ScoringSettings)

    async def watched() -> Any:
        watching = asyncio.create_task(watch_loop(), name="watch")
        service = await build(settings)()
        # Stopping goes backwards: it ends last.
        service._stopping.insert(0, lambda: _cancelled(watching))
        return service

    code = run(settings, watched)
    file.write_text(json.dumps(events))
    sys.exit(code)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
