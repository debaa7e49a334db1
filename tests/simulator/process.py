"""A process of the simulated service: the real consumer and relay between a simulated log and database."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from shared.events.topics import FACTS, OUTCOMES
from shared.runtime.consume import Consumer
from shared.runtime.metrics import Metrics
from shared.runtime.outbox import Relay
from shared.runtime.settings import KafkaSettings

from tests.simulator.broker import Broker, Group
from tests.simulator.client import Network, SimulatedDatabase
from tests.simulator.loop import Actor, SimulatedLoop
from tests.simulator.member import SimulatedMembership
from tests.simulator.publisher import SimulatedProducer
from tests.simulator.server import Server
from tests.simulator.service import Fittings, Service
from tests.simulator.weather import Weather

SETTINGS = KafkaSettings(session_timeout_ms=6_000)
# Of the interpreter, as the services have one each: counts are those of all runs together.
METRICS = Metrics("simulator")


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
    group: Group
    weather: Weather
    service: Service
    batch_records_max: int
    broken: Callable[[str], None]


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
        self.membership: SimulatedMembership | None = None
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
        if self.membership is not None:
            self.membership.gone()

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
        clock = ServerClock(around.server, around.loop)
        self.membership = SimulatedMembership(
            around.broker, around.group, self.actor, self.name, OUTCOMES.name, around.batch_records_max
        )
        absorber, side_work = around.service.parts(
            Fittings(database, clock, lambda: relay.wake(), lambda: consumer.lag())  # noqa: PLW0108 - made below
        )
        fatal: list[BaseException] = []

        def on_fatal(error: BaseException) -> None:
            fatal.append(error)
            stopping.set()

        consumer = Consumer(
            "facts",
            settings=SETTINGS,
            topic=FACTS,
            group="simulated",
            database=database,
            absorber=absorber,
            clock=clock,
            metrics=METRICS,
            on_fatal=on_fatal,
            side_work=side_work,
            output=OUTCOMES,
            membership=self.membership,
        )
        relay = Relay(
            "outcomes",
            producer=producer,
            database=database,
            claims=lambda: consumer.claims,
            clock=clock,
            metrics=METRICS,
        )
        await relay.start()
        await consumer.start()
        await stopping.wait()
        if fatal and self.membership.failure() is None:
            around.broken(f"{self.name} ended: {fatal[0]!r}")
        if consumer.trouble and not fatal:
            around.broken(f"{self.name} halted: {consumer.trouble}")
        await consumer.stop()
        await relay.stop()
        around.loop.call_soon(self._exit)

    def _exit(self) -> None:
        self.kill()
        self._on_exit(self)
