"""One run: everything that follows from a seed, from the first process to the verdict."""

import asyncio
import gc
import random
import traceback
import zlib
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any

import structlog
from shared.events.topics import FACTS, OUTCOMES
from shared.runtime.records import Partition

from tests.simulator.broker import Broker, Group
from tests.simulator.loop import Actor, SimulatedLoop
from tests.simulator.nature import Nature
from tests.simulator.process import Surroundings
from tests.simulator.rules import GLITCH, PLAIN, POISON, POISON_IN_WRITE, REJECT, WORK, Rules
from tests.simulator.server import Server
from tests.simulator.tally import Due
from tests.simulator.verdict import Left, judge
from tests.simulator.weather import Weather

DRAINED_WITHIN_SECONDS = 200.0
STOPPED_WITHIN_SECONDS = 60.0
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

    def __init__(self, seed: int, *, tell: bool) -> None:
        """`tell`: keep every log line with its time, for people to read."""
        self.chance = Random(seed)
        random.seed(seed)
        self.run = Run(seed)
        self._tell = tell
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
        self.coalesces = self.chance.random() < 0.5
        self.partitions = [Partition(FACTS.name, n) for n in range(self.chance.choice([1, 2, 3, 4]))]
        self.chores: dict[str, str] = {}
        self.around = self._surroundings()
        self.nature = Nature(
            Random(self.chance.random()),
            self.around,
            self.nature_actor,
            processes=self.chance.choice([1, 2, 2, 3]),
            goes_back=self.goes_back,
        )

    def _surroundings(self) -> Surroundings:
        broker = Broker(self.loop, self.broker_actor, self.weather)
        return Surroundings(
            self.loop,
            Server(self.loop, self.server_actor, self.weather, ends_idle=self.chance.random() < 0.5),
            broker,
            Group(broker, self.partitions, everything=self.chance.random() < 0.2),
            self.weather,
            Rules(
                self.weather,
                OUTCOMES.name,
                self.broken,
                goes_back=self.goes_back,
                coalesces=self.coalesces,
            ),
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
        if name in BUGS:
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
        loop, run = self.loop, self.run
        self.around.group.look()
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
        for partition in self.partitions:
            # A fetch that was lost on its way is missed, at the latest, when the next one arrives.
            self.around.broker.append(partition, f"{partition.partition}k0".encode(), PLAIN.encode())
        if not loop.run(lambda: bool(run.wrong) or self._drained(), loop.time() + DRAINED_WITHIN_SECONDS):
            self.broken("did not come to rest")
        # Late repeats and wakings must not disturb what is done.
        self.nature.wake_all()
        loop.run(lambda: bool(run.wrong), loop.time() + 12.0)
        self.nature.stop_all()
        loop.run(lambda: bool(run.wrong) or not self.nature.alive(), loop.time() + STOPPED_WITHIN_SECONDS)
        if self.nature.alive() and not run.wrong:
            self.broken("somebody did not stop")
        run.wrong += [f"complaint: {each}" for each in loop.complaints]
        verdict = judge(self._left(), goes_back=self.goes_back, coalesces=self.coalesces)
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
        chance, broker = Random(self.chance.random()), self.around.broker
        kinds = [PLAIN] * 12 + [WORK] * 3
        kinds += [kind for kind in (REJECT, POISON, POISON_IN_WRITE, GLITCH) if chance.random() < 0.5]
        pace, gaps = chance.choice([0.02, 0.2, 1.0]), chance.choice([0.0, 0.0, 0.3])
        for number in range(chance.choice([10, 30, 60])):
            await asyncio.sleep(pace * chance.random())
            partition = chance.choice(self.partitions)
            for _ in range(chance.choice([1, 1, 1, 4])):
                key = f"{partition.partition}k{chance.randrange(3)}"
                gap = chance.choice([1, 3]) if chance.random() < gaps else 0
                broker.append(partition, key.encode(), chance.choice(kinds).encode(), gap=gap)
                self.run.counts["records"] += 1
            if chance.random() < 0.1 and not self.goes_back:
                # What another writer has lost by a fail-over is its own affair.
                self._give_chore(f"out{number}", f"{partition.partition}k{chance.randrange(3)}")
        self._all_sent = True

    def _give_chore(self, name: str, key: str) -> None:
        """As another consumer of the service would, in a transaction of its own."""
        due = Due(name, int(key.partition("k")[0]), key)
        self.chores[name] = key
        self.around.server.tables.commit({("work", name): due})

    def _drained(self) -> bool:
        rows = self.around.server.tables.rows
        if rows["outbox"] or rows["work"]:
            return False
        for partition in self.partitions:
            records = self.around.broker.logs[partition].records
            cursor = rows["input_cursor"].get(tuple(partition))
            if records and (cursor is None or cursor["next_offset"] <= records[-1].offset):
                return False
        return True

    def _left(self) -> Left:
        logs = self.around.broker.logs
        return Left(
            {partition: logs[partition].records for partition in self.partitions},
            {p.partition: logs[Partition(OUTCOMES.name, p.partition)] for p in self.partitions},
            self.around.server.tables.rows,
            self.chores,
            self.nature.ghosts,
        )


def play(seed: int, *, tell: bool = False) -> Run:
    """Live through what a seed says."""
    return World(seed, tell=tell).play()


def _error(event: dict[str, Any]) -> str:
    if event.get("exc_info") is True:
        return traceback.format_exc()
    return str(event)
