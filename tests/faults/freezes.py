"""A worker frozen idle, in a transaction or in a COPY, until another has committed on its partitions."""

import asyncio
import time

import asyncpg
from shared.runtime.away import DATABASE_AWAY

from tests.faults.arena import Arena, Backend

IDLE = "frozen idle"
IN_TRANSACTION = "frozen in a transaction"
IN_COPY = "frozen in a COPY"
LOCKED = ("ledger_body", "compound_state", "outbox")
HOLD_SECONDS = 3.0
COPY_SECONDS_MAX = 5.0
SETTLE_SECONDS = 3.0
# Session, rebalance, waiting for a lock; twice over, because servers are restarted meanwhile.
TAKEOVER_SECONDS_MAX = 120.0


async def freeze(arena: Arena, wanted: str) -> bool:
    """Freeze some worker as wanted and wait until it is replaced; False when it could not be had like that.

    What counts is where it really was: one that was to be idle may have begun a transaction.
    """
    victim = await _catch(arena, wanted)
    if victim is None:
        return False
    try:
        kind = await _where(arena, victim)
        owned = {
            row[0]: (row[1], row[2])
            for row in await arena.sql.fetch(
                "SELECT partition, epoch, next_offset FROM input_cursor WHERE topic = $1 AND owner_pid = $2",
                arena.facts,
                victim.pid,
            )
        }
        if kind is None or not owned:
            return False
        await _replaced(arena, victim.worker, kind, owned)
    finally:
        arena.crew.thaw(victim.worker)
        arena.wires[victim.worker].release()
    return True


async def _replaced(arena: Arena, worker: str, kind: str, owned: dict[int, tuple[int, int]]) -> None:
    begin = time.monotonic()
    while time.monotonic() < begin + TAKEOVER_SECONDS_MAX:
        rows = await arena.sql.fetch(
            "SELECT partition, epoch, next_offset FROM input_cursor WHERE topic = $1", arena.facts
        )
        now = {row[0]: (row[1], row[2]) for row in rows}
        # Another has claimed each of them, and has committed on it.
        if all(now[p][0] > epoch and now[p][1] > offset for p, (epoch, offset) in owned.items()):
            seconds = round(time.monotonic() - begin, 2)
            arena.takeover_seconds.append(seconds)
            arena.note(kind, worker=worker, partitions=sorted(owned), seconds=seconds)
            return
        await asyncio.sleep(0.1)
    arena.troubles.append(f"{worker} {kind}: nobody committed on {sorted(owned)} in {TAKEOVER_SECONDS_MAX} s")


async def _catch(arena: Arena, wanted: str) -> Backend | None:
    """Freeze a worker at the wanted place."""
    if len(arena.crew.at_work()) < 2:
        return None
    if wanted == IDLE:
        writers = await arena.writers(owning=True)
        if not writers:
            return None
        victim = arena.chance.choice(writers)
        await arena.crew.freeze(victim.worker)
        return victim
    if wanted == IN_COPY:
        return await _hold_copy(arena)
    return await _hold(arena, arena.chance.choice(LOCKED))


async def _hold_copy(arena: Arena) -> Backend | None:
    """Give a worker much to write, hold its wire in the middle of that, and freeze it: the rest never comes.

    Without holding the wire it would have sent everything: rows are few enough for the buffers of a socket.
    """
    writers = await arena.writers(owning=True)
    if not writers:
        return None
    writer = arena.chance.choice(writers)
    rows = await arena.sql.fetch(
        "SELECT partition FROM input_cursor WHERE topic = $1 AND owner_pid = $2", arena.facts, writer.pid
    )
    if not rows:
        return None
    wire = arena.wires[writer.worker]
    wire.holds_next_copy = True
    arena.traffic.burst(arena.chance.choice(rows)[0])
    try:
        async with asyncio.timeout(COPY_SECONDS_MAX):
            await wire.holding.wait()
    except TimeoutError:
        wire.holds_next_copy = False
        return None
    if writer.worker in arena.crew.at_work():
        await arena.crew.freeze(writer.worker)
        return writer
    wire.release()
    return None


async def _hold(arena: Arena, table: str) -> Backend | None:
    """Lock a table until a writer waits for it in its transaction, freeze that one, and let go."""
    try:
        connection = await asyncpg.connect(arena.url, timeout=5)
    except DATABASE_AWAY:
        return None
    try:
        async with connection.transaction():
            await connection.execute(f"SET LOCAL lock_timeout = '3s'; LOCK TABLE {table} IN EXCLUSIVE MODE")
            until = time.monotonic() + HOLD_SECONDS
            while time.monotonic() < until:
                for writer in await arena.writers():
                    if writer.waits_for == "Lock/relation":
                        await arena.crew.freeze(writer.worker)
                        return writer
                await asyncio.sleep(0.01)
    except (*DATABASE_AWAY, asyncpg.LockNotAvailableError):
        return None
    finally:
        connection.terminate()
    return None


async def _where(arena: Arena, victim: Backend) -> str | None:
    """Where the frozen worker really is, as its backend tells when it has done what it was asked."""
    until = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < until:
        for one in await arena.backends():
            if one.pid != victim.pid:
                continue
            if one.state == "idle":
                return IDLE
            if one.state == "idle in transaction":
                return IN_TRANSACTION
            if one.query.startswith("COPY") and one.waits_for == "Client/ClientRead":
                return IN_COPY
        await asyncio.sleep(0.02)
    return None
