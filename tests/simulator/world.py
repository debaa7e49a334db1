"""One run: everything that follows from a seed, from the first process to the verdict."""

import asyncio
import gc
import random
import sys
import traceback
import zlib
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any

import asyncpg
import structlog

from tests.simulator.broker import Broker, Group
from tests.simulator.loop import Actor, SimulatedLoop
from tests.simulator.nature import Nature
from tests.simulator.process import Surroundings
from tests.simulator.scoring.service import ScoringService
from tests.simulator.server import Server
from tests.simulator.service import Service, Stage
from tests.simulator.tally.service import TallyService
from tests.simulator.weather import Weather

AT_REST_WITHIN_SECONDS = 200.0
STOPPED_WITHIN_SECONDS = 60.0
SERVICES: dict[str, type[Service]] = {"tally": TallyService, "scoring": ScoringService}
# What the engine logs when it has a bug; a batch or side work that fails is part of the play.
BUGS = ("consumer_failed", "relay_failed", "committed_failed", "outbox_row_refused")
# Those that an untroubled run never shows.
NOTED = ("fenced", "commit_was_in_doubt", "database_went_back", "record_parked", "batch_failed")


@dataclass
class Run:
    """What came of a seed."""

    seed: int
    wrong: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    digest: int = 0
    """Of all that was logged and left: the same seed gives the same."""
    story: list[str] = field(default_factory=list)


class World:
    """The parts of one run, put together and let go."""

    def __init__(self, seed: int, service: type[Service], *, tell: bool) -> None:
        """`tell`: keep every log line with its time, for people to read."""
        self.chance = Random(seed)
        random.seed(seed)
        self.run = Run(seed)
        self._tell = tell
        self._service = service
        self.loop = SimulatedLoop(Random(self.chance.random()))
        self.nature_actor, self.server_actor, self.broker_actor = (
            Actor("nature"),
            Actor("server"),
            Actor("broker"),
        )
        for actor in (self.nature_actor, self.server_actor, self.broker_actor):
            self.loop.add(actor)
        self.weather = Weather.drawn(Random(self.chance.random()), self.run.counts)
        self.goes_back = self.chance.random() < 0.15
        self.around = self._surroundings()
        self.nature = Nature(
            Random(self.chance.random()),
            self.around,
            self.nature_actor,
            processes=self.chance.choice([1, 2, 2, 3]),
            goes_back=self.goes_back,
        )

    def _surroundings(self) -> Surroundings:
        kind = self._service
        topics = kind.topics(self.chance.choice([1, 2, 3, 4]))
        server = Server(
            self.loop,
            self.server_actor,
            self.weather,
            ends_idle=self.chance.random() < 0.5,
            calendar=kind.calendar(Random(self.run.seed)),
        )
        broker = Broker(self.loop, self.broker_actor, self.weather)
        everything = self.chance.random() < 0.2
        groups = {
            topic: Group(broker, partitions, everything=everything) for topic, partitions in topics.items()
        }
        stage = Stage(
            Random(self.chance.random()),
            self.weather,
            server,
            broker,
            next(iter(topics.values())),
            self.broken,
            self.goes_back,
        )
        return Surroundings(
            self.loop,
            server,
            broker,
            groups,
            self.weather,
            kind(stage),
            self.chance.choice([1, 3, 20]),
            self.broken,
        )

    def broken(self, what: str) -> None:
        """Something happened that must never happen."""
        if self._ended:
            return
        self.run.wrong.append(f"{self.loop.time():.4f} {what}")

    def heard(self, _logger: Any, method: str, event: dict[str, Any]) -> Any:
        """A log line of a process."""
        if self._ended:
            raise structlog.DropEvent
        name = event["event"]
        self.run.digest = zlib.crc32(f"{name} {self.loop.time()}".encode(), self.run.digest)
        if name in NOTED:
            self.run.counts[name] += 1
        # A relay that has a transaction of its own goes on after a COMMIT that failed.
        if name in BUGS and not isinstance(sys.exc_info()[1], asyncpg.SerializationError):
            self.broken(f"{name}: {_error(event)}")
        if self._tell:
            self.run.story.append(f"{self.loop.time():9.4f} {method:9} {event}")
        raise structlog.DropEvent

    def play(self) -> Run:
        """Live through it."""
        structlog.configure(processors=[self.heard], cache_logger_on_first_use=False)
        gc.disable()
        asyncio._set_running_loop(self.loop)
        try:
            self._play()
        finally:
            self._ended = True
            for process in self.nature.all:
                self.loop.bury(process.actor)
            for actor in (self.nature_actor, self.server_actor, self.broker_actor):
                self.loop.bury(actor)
            asyncio._set_running_loop(None)
            gc.enable()
        return self.run

    def _play(self) -> None:
        loop, run, service = self.loop, self.run, self.around.service
        for group in self.around.groups.values():
            group.look()
        self.nature_actor.context.run(self.nature.start_all)
        loop.spawn(self.nature_actor, self._happen(), "facts")
        faults = self.chance.choice([0, 5, 15, 30])
        rage = loop.spawn(
            self.nature_actor, self.nature.rage(faults, self.chance.choice([0.3, 1.5, 4.0])), "rage"
        )
        loop.run(lambda: bool(run.wrong) or (rage.done() and self._all_sent), 1_000.0)
        if run.wrong:
            return
        self.nature.calm()
        last = loop.spawn(self.nature_actor, service.last_words(), "last words")
        until = loop.time() + AT_REST_WITHIN_SECONDS
        if not loop.run(lambda: bool(run.wrong) or (last.done() and service.at_rest()), until):
            self.broken("did not come to rest")
        # Late repeats and wakings must not disturb what is done.
        self.nature.wake_all()
        loop.run(lambda: bool(run.wrong), loop.time() + 12.0)
        self.nature.stop_all()
        loop.run(lambda: bool(run.wrong) or not self.nature.alive(), loop.time() + STOPPED_WITHIN_SECONDS)
        if self.nature.alive() and not run.wrong:
            self.broken("somebody did not stop")
        run.wrong += [f"complaint: {each}" for each in loop.complaints]
        verdict = service.judge(self.nature.ghosts)
        run.wrong += verdict.wrong
        if verdict.hidden:
            run.counts["outcomes hidden by a fail-over"] += verdict.hidden
        run.counts["steps"] = loop.steps
        run.counts["processes"] = len(self.nature.all)
        run.counts["commits"] = self.around.server.tables.commits
        run.digest = zlib.crc32(repr((loop.steps, loop.time(), run.wrong)).encode(), run.digest)

    _all_sent = False
    _ended = False

    async def _happen(self) -> None:
        """Facts arrive, and work that is no fact."""
        chance, service = Random(self.chance.random()), self.around.service
        pace, gaps = chance.choice([0.02, 0.2, 1.0]), chance.choice([0.0, 0.0, 0.3])
        for _ in range(chance.choice([10, 30, 60])):
            await asyncio.sleep(pace * chance.random())
            for _ in range(chance.choice([1, 1, 1, 4])):
                service.arrive(chance.choice([1, 3]) if chance.random() < gaps else 0)
                self.run.counts["records"] += 1
            if chance.random() < 0.1:
                await service.outside()
        self._all_sent = True


def play(seed: int, service: str, *, tell: bool = False) -> Run:
    """Live through what a seed says."""
    return World(seed, SERVICES[service], tell=tell).play()


def _error(event: dict[str, Any]) -> str:
    if event.get("exc_info") is True:
        return traceback.format_exc()
    return str(event)
