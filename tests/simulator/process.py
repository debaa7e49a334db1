"""A process of the simulated service: its program between a simulated log and a simulated database."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from tests.simulator.broker import Broker, Group
from tests.simulator.client import Network
from tests.simulator.database import SimulatedDatabase
from tests.simulator.loop import Actor, SimulatedLoop
from tests.simulator.member import SimulatedMembership
from tests.simulator.publisher import SimulatedProducer
from tests.simulator.server import Server
from tests.simulator.service import Fittings, Service
from tests.simulator.weather import Weather


class ServerClock:
    """Wall time of the simulation."""

    def __init__(self, server: Server, loop: SimulatedLoop) -> None:
        self._server = server
        self._loop = loop

    def now(self) -> datetime:
        return self._server.now

    def today(self, zone: ZoneInfo) -> date:
        return self.now().astimezone(zone).date()

    def monotonic(self) -> float:
        return self._loop.time()


@dataclass(eq=False)
class Surroundings:
    """What all processes of a run share."""

    loop: SimulatedLoop
    server: Server
    broker: Broker
    groups: dict[str, Group]
    """By topic; that of the facts is the first."""
    weather: Weather
    service: Service
    batch_records_max: int
    broken: Callable[[str], None]

    @property
    def group(self) -> Group:
        """The group of the facts."""
        return next(iter(self.groups.values()))


class Process:
    """From its start to its end, by itself or not; a new one takes its place."""

    def __init__(self, name: str, around: Surroundings, on_exit: Callable[["Process"], None]) -> None:
        """`on_exit` is called when it ends by itself, well or not."""
        self.name = name
        self.actor = Actor(name)
        self._around = around
        self._on_exit = on_exit
        self.network = Network(
            around.loop, self.actor, around.server, around.weather, lambda error: around.broken(repr(error))
        )
        self.memberships: list[SimulatedMembership] = []
        self._stopping: asyncio.Event | None = None
        around.loop.add(self.actor)
        around.loop.spawn(self.actor, self._main(), name)

    @property
    def alive(self) -> bool:
        return not self.actor.dead

    def kill(self) -> None:
        """As SIGKILL does: nothing runs any more, memory is lost, connections break."""
        around = self._around
        around.loop.kill(self.actor)
        self.network.vanish()
        for membership in self.memberships:
            membership.gone()

    def freeze(self) -> None:
        """As SIGSTOP does."""
        self.actor.frozen = True

    def thaw(self) -> None:
        """As SIGCONT does."""
        self.actor.frozen = False

    def stop(self) -> None:
        """As SIGTERM does: it finishes and leaves."""
        if self._stopping is not None:
            self._stopping.set()

    async def _main(self) -> None:
        around = self._around
        self._stopping = stopping = asyncio.Event()
        database: Any = SimulatedDatabase(self.network)
        producer: Any = SimulatedProducer(around.broker, self.actor)
        fatal: list[BaseException] = []

        def on_fatal(error: BaseException) -> None:
            fatal.append(error)
            stopping.set()

        program = around.service.program(
            Fittings(database, producer, ServerClock(around.server, around.loop), self._join, on_fatal)
        )
        await program.start()
        await stopping.wait()
        if fatal and all(each.failure() is None for each in self.memberships):
            around.broken(f"{self.name} ended: {fatal[0]!r}")
        if program.trouble and not fatal:
            around.broken(f"{self.name} halted: {program.trouble}")
        await program.stop()
        around.loop.call_soon(self._exit)

    def _join(self, topic: str, output: str | None) -> SimulatedMembership:
        around = self._around
        membership = SimulatedMembership(
            around.broker, around.groups[topic], self.actor, self.name, output, around.batch_records_max
        )
        self.memberships.append(membership)
        return membership

    def _exit(self) -> None:
        self.kill()
        self._on_exit(self)
