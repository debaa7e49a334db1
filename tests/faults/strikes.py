"""What is done to workers and servers beside freezing, and how often; every kind by the seed."""

import asyncio
import contextlib
import os
import signal
import time
from dataclasses import dataclass

from tests.eventually import eventually
from tests.faults.arena import WRITER, Arena
from tests.faults.freezes import IDLE, IN_COPY, IN_TRANSACTION, freeze

KILL = "killed"
TERMINATE = "backend terminated"
CUT = "commit cut"
CLOCK = "clock 400 days ahead"
POSTGRES = "postgres stopped at once"
KAFKA = "kafka killed"
KINDS = (KILL, IDLE, IN_TRANSACTION, IN_COPY, TERMINATE, CUT, CLOCK, POSTGRES, KAFKA)
CUT_SECONDS_MAX = 5.0
# Of the seconds, those with records stored: while Kafka is away there are none.
SHARE_MIN = 0.91


@dataclass(frozen=True)
class Pace:
    """Seconds between faults of each lane; a lane does one after the other, lanes know nothing of each other.

    `weights` are those of killing, terminating, cutting and moving a clock.
    """

    strikes: tuple[float, float] = (1.0, 2.0)
    weights: tuple[float, float, float, float] = (1, 1, 1, 1)
    freezes: tuple[float, float] = (0.5, 1.5)
    postgres: tuple[float, float] | None = (22.0, 34.0)
    kafka: tuple[float, float] | None = (30.0, 40.0)


# A death costs a group its session; where everybody owns everything, nobody waits for anybody.
IN_GROUPS = Pace(weights=(0.4, 2, 2, 1.5))
FOR_EVERYTHING = Pace(weights=(1, 1, 1.2, 0.8))


async def hurt(arena: Arena, pace: Pace, until: float) -> None:
    """All lanes, until then."""
    lanes = [_strikes(arena, pace, until), _freezes(arena, pace, until)]
    if pace.postgres is not None:
        lanes.append(_servers(arena, "postgres", signal.SIGQUIT, POSTGRES, pace.postgres, until))
    if pace.kafka is not None:
        lanes.append(_servers(arena, "kafka", signal.SIGKILL, KAFKA, pace.kafka, until))
    async with asyncio.TaskGroup() as group:
        for lane in lanes:
            group.create_task(lane)


async def _strikes(arena: Arena, pace: Pace, until: float) -> None:
    strikes = (_kill, _terminate, _cut, _jump)
    while time.monotonic() < until:
        [strike] = arena.chance.choices(strikes, pace.weights)
        await strike(arena)
        await _pause(arena, pace.strikes, until)


async def _freezes(arena: Arena, pace: Pace, until: float) -> None:
    while time.monotonic() < until:
        # The rarest first: to be caught inside a COPY takes luck.
        kinds = [IDLE, IN_TRANSACTION, IN_COPY]
        arena.chance.shuffle(kinds)
        await freeze(arena, min(kinds, key=lambda kind: arena.faults[kind]))
        await _pause(arena, pace.freezes, until)


async def _servers(
    arena: Arena, name: str, by: int, kind: str, pause: tuple[float, float], until: float
) -> None:
    while True:
        await _pause(arena, pause, until)
        if time.monotonic() >= until:
            return
        if name == "kafka" and arena.traffic.share < SHARE_MIN:
            continue
        mark = arena.servers.marks[name]
        os.kill(mark.pid, by)
        await eventually(lambda mark=mark: not mark.alive())
        begin = time.monotonic()
        await arena.revive()
        arena.note(kind, seconds=round(time.monotonic() - begin, 2))


async def _pause(arena: Arena, between: tuple[float, float], until: float) -> None:
    await asyncio.sleep(min(arena.chance.uniform(*between), max(0.0, until - time.monotonic())))


async def _kill(arena: Arena) -> None:
    awake = arena.crew.at_work()
    if len(awake) > 1:
        name = arena.chance.choice(awake)
        arena.crew.kill(name)
        arena.note(KILL, worker=name)
        await arena.hire()


async def _terminate(arena: Arena) -> None:
    """End a backend of a worker, mostly the writing one."""
    found = await arena.backends()
    writers = [one for one in found if one.purpose == WRITER]
    if arena.chance.random() < 0.7 and writers:
        found = writers
    if found:
        one = arena.chance.choice(sorted(found))
        [row] = await arena.sql.fetch("SELECT pg_terminate_backend($1)", one.pid)
        if row[0]:
            arena.note(TERMINATE, worker=one.worker, backend=one.purpose)


async def _cut(arena: Arena) -> None:
    """Cut a worker's wire when it says COMMIT: before the server hears of it, or after it has answered."""
    writers = await arena.writers()
    if not writers:
        return
    name, moment = arena.chance.choice(writers).worker, arena.chance.choice(["before", "after"])
    wire = arena.wires[name]
    cuts, wire.armed = wire.cuts, moment
    with contextlib.suppress(AssertionError):
        await eventually(lambda: wire.cuts > cuts, CUT_SECONDS_MAX, every=0.02)
    wire.armed = None
    if wire.cuts > cuts:
        arena.note(CUT, worker=name, moment=moment)


async def _jump(arena: Arena) -> None:
    """A worker's clock is 400 days ahead for some seconds."""
    awake = [name for name in arena.crew.at_work() if name not in arena.ahead]
    if not awake:
        return
    name = arena.chance.choice(awake)
    process = arena.crew.processes[name]
    process.send_signal(signal.SIGUSR1)
    arena.ahead.add(name)
    arena.note(CLOCK, worker=name)

    def back() -> None:
        arena.ahead.discard(name)
        if process.poll() is None:
            process.send_signal(signal.SIGUSR2)

    asyncio.get_running_loop().call_later(arena.chance.uniform(1, 6), back)
