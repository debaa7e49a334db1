"""What is done to replicas of intake and to their servers, and how often; every kind by the seed."""

import asyncio
import contextlib
import os
import signal
import time
from dataclasses import dataclass
from functools import partial

from tests.eventually import eventually
from tests.faults.intake_arena import Arena, Slot
from tests.faults.intake_wires import MOMENTS, CutWire
from tests.faults.intake_worker import RESERVED_SECONDS

KILL = "killed"
ROLL = "replaced under load"
FREEZE = "frozen shortly"
FREEZE_LONG = "frozen beyond its reservations"
KAFKA = "kafka killed"
POSTGRES = "postgres stopped at once"
KAFKA_CUT = "cut from kafka while publishing"
POSTGRES_CUT = "cut from postgres at a commit"
CLIENT_CUT = "post or answer cut"
CLOCK = "clock jumped"
KINDS = (KILL, ROLL, FREEZE, FREEZE_LONG, KAFKA, POSTGRES, KAFKA_CUT, POSTGRES_CUT, CLIENT_CUT, CLOCK)
CUT_SECONDS_MAX = 3.0
AT_WORK_SECONDS_MAX = 20.0
END_SECONDS_MAX = 15.0
DAY = 86_400
# In turn, the worst first.
JUMPS = (400 * DAY, -2 * 3_600, 40 * DAY, -30, 2 * 3_600, 300)


@dataclass(frozen=True)
class Pace:
    """Seconds between faults of each lane; a lane does one after the other, lanes know nothing of each other.

    None: that lane rests.
    """

    deaths: tuple[float, float] | None = (3.0, 7.0)
    freezes: tuple[float, float] | None = (6.0, 12.0)
    cuts: tuple[float, float] | None = (0.5, 2.0)
    clocks: tuple[float, float] | None = (5.0, 12.0)
    postgres: tuple[float, float] | None = (13.0, 19.0)
    kafka: tuple[float, float] | None = (11.0, 17.0)


async def hurt(arena: Arena, pace: Pace, until: float) -> None:
    """All lanes, until then (monotonic)."""
    lanes = [
        (pace.deaths, partial(_death, arena)),
        (pace.freezes, partial(_freeze, arena)),
        (pace.cuts, partial(_cut, arena)),
        (pace.clocks, partial(_jump, arena)),
        (pace.postgres, partial(_server, arena, "postgres", signal.SIGQUIT, POSTGRES)),
        (pace.kafka, partial(_server, arena, "kafka", signal.SIGKILL, KAFKA)),
    ]

    async def lane(between: tuple[float, float], strike: partial[object]) -> None:
        while True:
            pause = arena.chance.uniform(*between)
            await asyncio.sleep(min(pause, max(0.0, until - time.monotonic())))
            if time.monotonic() >= until:
                return
            await strike()  # type: ignore[misc]  # a partial of a coroutine function

    async with asyncio.TaskGroup() as group:
        for between, strike in lanes:
            if between is not None:
                group.create_task(lane(between, strike))


def _rarest(arena: Arena, *kinds: str) -> str:
    """One of them by chance, the rarest so far with preference."""
    shuffled = arena.chance.sample(kinds, len(kinds))
    return min(shuffled, key=lambda kind: arena.faults[kind])


async def _somebody(arena: Arena) -> Slot | None:
    """One of those at work, as soon as there is one."""
    with contextlib.suppress(AssertionError):
        return arena.chance.choice(await eventually(arena.at_work, AT_WORK_SECONDS_MAX))
    return None


async def _death(arena: Arena) -> None:
    slot = await _somebody(arena)
    if slot is None:
        return
    # While a server is away nobody new can take over.
    if arena.away or _rarest(arena, KILL, ROLL) == KILL:
        begin = time.time()
        arena.crew.kill(slot.worker)
        arena.note(KILL, begin, slot.name)
    else:
        await _roll(arena, slot)


async def _roll(arena: Arena, slot: Slot) -> None:
    """A new replica takes over, and the old one is asked to end with posts under way."""
    async with slot.lock:
        old, begin = slot.worker, time.time()
        if not await arena.hire(slot):
            return
        process = arena.crew.processes[old]
        # Clients that are connected stay with the old one until it ends.
        process.terminate()
        with contextlib.suppress(AssertionError):
            await eventually(lambda: process.poll() is not None, END_SECONDS_MAX)
        if process.poll() is None:
            arena.troubles.append(f"{old} did not end in {END_SECONDS_MAX} s")
        elif process.returncode != 0:
            arena.troubles.append(f"{old} ended with {process.returncode} when it was asked to")
        arena.crew.kill(old)
        arena.note(ROLL, begin, slot.name, old=old, new=slot.worker)


async def _freeze(arena: Arena) -> None:
    slot = await _somebody(arena)
    if slot is None:
        return
    kind = _rarest(arena, FREEZE, FREEZE_LONG)
    bounds = (0.2, 0.6) if kind == FREEZE else (1.1, 2.0)
    seconds = RESERVED_SECONDS * arena.chance.uniform(*bounds)
    begin = time.time()
    # Nobody kills or replaces it meanwhile: it is to come back with what it had in its hands.
    async with slot.lock, arena.frozen(slot):
        await asyncio.sleep(seconds)
    arena.note(kind, begin, slot.name, seconds=round(seconds, 1))


async def _cut(arena: Arena) -> None:
    slot = await _somebody(arena)
    if slot is None:
        return
    kind = _rarest(arena, KAFKA_CUT, POSTGRES_CUT, CLIENT_CUT)
    wires: dict[str, CutWire] = {
        KAFKA_CUT: slot.kafka,
        POSTGRES_CUT: slot.postgres,
        CLIENT_CUT: slot.front,
    }
    wire = wires[kind]
    begin, cuts, wire.armed = time.time(), wire.cuts, arena.chance.choice(MOMENTS)
    with contextlib.suppress(AssertionError):
        await eventually(lambda: wire.cuts > cuts, CUT_SECONDS_MAX, every=0.02)
    wire.armed = None
    if wire.cuts > cuts:
        arena.note(kind, begin, slot.name, moment=wire.cut_at)


async def _jump(arena: Arena) -> None:
    """The clock of a slot is wrong for a while."""
    slot = arena.chance.choice(arena.slots)
    seconds, begin = JUMPS[arena.faults[CLOCK] % len(JUMPS)], time.time()
    path = arena.folder / f"{slot.name}.clock"
    fresh = path.with_suffix(".new")
    fresh.write_text(str(seconds))
    fresh.rename(path)
    await asyncio.sleep(arena.chance.uniform(0.5, 4.0))
    path.unlink()
    arena.note(CLOCK, begin, slot.name, seconds=seconds)


async def _server(arena: Arena, name: str, by: int, kind: str) -> None:
    mark = arena.servers.marks[name]
    begin = time.time()
    arena.away.add(name)
    os.kill(mark.pid, by)
    await eventually(lambda: not mark.alive())
    await arena.revive()
    arena.away.discard(name)
    arena.note(kind, begin, seconds=round(time.time() - begin, 2))
