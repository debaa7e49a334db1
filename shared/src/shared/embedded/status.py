"""What runs, how far behind it is, and what waits: read from outside, as a person would."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg

from shared.embedded.directory import DataDirectory
from shared.embedded.readiness import is_ready
from shared.embedded.runfile import Run
from shared.embedded.servers import living
from shared.runtime.away import REFUSED

_OUTBOXES = ("outbox", "outbox_unordered")


async def status_of(data: Path) -> dict[str, Any]:
    """{`running`, `data`, `processes`, `lag`, `databases`} of the system on a data directory."""
    directory = DataDirectory(data)
    run = Run.read(directory.run)
    processes = await _processes(directory, run)
    databases = await asyncio.gather(*(_waiting(url) for url in run.postgres.values()))
    starter = run.marks().get("anxing")
    return {
        "running": starter is not None and starter.alive(),
        "data": str(directory.path),
        "processes": processes,
        "lag": await _lag(run),
        "databases": dict(zip(run.postgres, databases, strict=True)),
    }


async def _processes(directory: DataDirectory, run: Run) -> list[dict[str, Any]]:
    # Servers are found by themselves: they outlive a killed starter.
    found = await asyncio.to_thread(living, directory.path) if directory.path.exists() else {}
    marks = run.marks() | {name: server.mark for name, server in found.items()}
    addresses = run.replicas | {name: f"127.0.0.1:{server.port}" for name, server in found.items()}
    ready = {
        name: await is_ready(run.replicas[name]) if mark.alive() else False
        for name, mark in marks.items()
        if name in run.replicas
    }
    return [
        {
            "name": name,
            "pid": mark.pid,
            "address": addresses.get(name),
            "alive": mark.alive(),
            "ready": ready.get(name),
        }
        for name, mark in marks.items()
    ]


async def _lag(run: Run) -> int | None:
    """Facts and registry records that scoring has not counted yet, None when it cannot say."""
    timeout = aiohttp.ClientTimeout(total=5)
    headers = {"Authorization": f"Bearer {run.credential}"}
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, headers=headers) as client,
            client.get(f"{run.scoring}/v1/progress", raise_for_status=True) as answer,
        ):
            progress = await answer.json()
        return sum(max(0, int(each["end"]) - int(each["cursor"])) for each in progress["partitions"])
    except (aiohttp.ClientError, TimeoutError, KeyError, TypeError, ValueError):
        return None


async def _waiting(url: str) -> dict[str, Any] | None:
    """Rows that wait to be published and records that are parked, None when the database is away."""
    try:
        connection = await asyncpg.connect(url, timeout=3)
    except REFUSED:
        return None
    try:
        rows, oldest = 0, None
        for table in _OUTBOXES:
            if await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", table):
                counted, age = await connection.fetchrow(
                    f"SELECT count(*), extract(epoch FROM now() - min(created_at))::float8 FROM {table}"  # noqa: S608 - our own name
                ) or (0, None)
                rows += counted
                oldest = age if oldest is None else max(oldest, age or 0.0)
        parked = 0
        if await connection.fetchval("SELECT to_regclass('parked') IS NOT NULL"):
            parked = await connection.fetchval("SELECT count(*) FROM parked WHERE resolved_at IS NULL")
        return {"outbox": rows, "outbox_oldest_seconds": oldest, "parked": parked}
    finally:
        await connection.close()
