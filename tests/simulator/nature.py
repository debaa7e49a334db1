"""What happens to processes and servers in one run, drawn by its seed."""

import asyncio
from collections.abc import Callable
from random import Random
from typing import TypeVar

from tests.simulator.broker import SESSION_SECONDS
from tests.simulator.loop import Actor
from tests.simulator.outcomes import Ghost
from tests.simulator.process import Process, Surroundings

T = TypeVar("T")

PAUSES = (0.01, 0.3, 1.0, 3.0, 8.0)


class Nature:
    """Keeps processes running, and hurts them."""

    def __init__(
        self, chance: Random, around: Surroundings, actor: Actor, *, processes: int, goes_back: bool
    ) -> None:
        self._chance = chance
        self._around = around
        self._actor = actor
        self._goes_back = goes_back
        self._places: list[Process | None] = [None] * processes
        self._starts = 0
        self.all: list[Process] = []
        self.ghosts: set[Ghost] = set()
        """Outcomes that were decided and lost by a fail-over, and may yet be published."""
        self._crash_early = chance.choice([0.0, 0.3, 0.8])
        self._over = False
        self._ending = False
        self._stays_frozen: Process | None = None
        self._kinds: dict[str, Callable[[], bool]] = {
            "crashes": self._kill,
            "freezes": self._freeze,
            "long freezes": self._freeze_for_long,
            "stops": self._stop,
            "ended backends": self._end_backend,
            "database crashes": self._crash_database,
            "broker outages": self._broker_away,
            "late broker": self._broker_late,
            "expelled members": self._expel,
            "silent members": self._silence,
            "stolen epochs": self._steal,
            "dead coordinations": self._end_coordination,
            "fated commits": self._doom_a_commit,
        }
        if goes_back:
            self._kinds["fail-overs"] = self._go_back

    def start_all(self) -> None:
        """Start every process that is not there."""
        for place, process in enumerate(self._places):
            if process is None:
                self._start(place)

    async def rage(self, faults: int, spread_seconds: float) -> None:
        """So many faults, one after the other."""
        kinds = [kind for kind in self._kinds if self._chance.random() < 0.6] or list(self._kinds)
        if self._goes_back:
            kinds += ["fail-overs"] * 3
        for _ in range(faults):
            await asyncio.sleep(spread_seconds * self._chance.random())
            kind = self._chance.choice(kinds)
            if self._kinds[kind]():
                self._around.weather.counts[kind] += 1

    def calm(self) -> None:
        """Everything works from here on, and everybody is there."""
        self._over = True
        self._around.weather.clear()
        if not self._around.server.up:
            self._around.server.recover()
        self._broker_back()
        frozen = [process for process in self.alive() if process.actor.frozen]
        if frozen and len(self.alive()) > 1:
            # One stays as it is until all is done: others must do without it.
            self._stays_frozen = self._chance.choice([None, frozen[0]])
        for process in self.alive():
            if process is not self._stays_frozen:
                process.thaw()
            process.actor.at_step.clear()
            process.network.fates.clear()
            for membership in process.memberships:
                membership.silent = membership.dies = False
        self.start_all()

    def wake_all(self) -> None:
        """Nobody is frozen any more."""
        self._stays_frozen = None
        for process in self.alive():
            process.thaw()

    def stop_all(self) -> None:
        """Everybody is told to stop, and nobody takes his place."""
        self._ending = True
        for process in self.alive():
            process.stop()

    def alive(self) -> list[Process]:
        """Processes that run, frozen ones as well."""
        return [process for process in self._places if process is not None]

    # -- processes --

    def _start(self, place: int) -> None:
        if self._places[place] is not None:
            return
        self._starts += 1
        process = Process(f"p{place}.{self._starts}", self._around, lambda ended: self._ended(place, ended))
        self._places[place] = process
        self.all.append(process)
        if self._chance.random() < self._crash_early and not self._over:
            # At an await, whichever: every one of them is the last in some run.
            process.actor.in_steps(self._chance.randint(1, 600), lambda: self._crash_at_await(process))

    def _ended(self, place: int, process: Process) -> None:
        if self._places[place] is process:
            self._places[place] = None
            if not self._ending:
                self._later(self._chance.choice(PAUSES), lambda: self._start(place))

    def _later(self, seconds: float, callback: Callable[[], object]) -> None:
        self._around.loop.later(self._actor, seconds, callback)

    def _one(self) -> Process | None:
        awake = [process for process in self.alive() if not process.actor.frozen]
        return self._chance.choice(awake) if awake else None

    def _any(self, among: list[T]) -> T:
        return among[0] if len(among) == 1 else self._chance.choice(among)

    # -- faults: each answers whether there was anybody to hurt --

    def _kill(self, process: Process | None = None) -> bool:
        process = process or self._one()
        if process is None or not process.alive:
            return False
        process.kill()
        self._ended(self._places.index(process), process)
        return True

    def _crash_at_await(self, process: Process) -> None:
        self._around.weather.counts["crashes"] += self._kill(process)

    def _freeze(self) -> bool:
        return self._freeze_one(self._chance.choice([0.05, 0.5, 2.5]))

    def _freeze_for_long(self) -> bool:
        return self._freeze_one(self._chance.choice([SESSION_SECONDS + 1, 14.0, 70.0]))

    def _freeze_one(self, seconds: float) -> bool:
        process = self._one()
        if process is None:
            return False

        def freeze() -> None:
            if process.alive and not self._over:
                process.freeze()
                self._later(seconds, lambda: self._thaw(process))

        process.actor.in_steps(self._chance.randint(1, 30), freeze)
        return True

    def _thaw(self, process: Process) -> None:
        if process is not self._stays_frozen:
            process.thaw()

    def _stop(self) -> bool:
        process = self._one()
        if process is not None:
            process.stop()
        return process is not None

    def _end_backend(self) -> bool:
        sessions = self._around.server.sessions
        return bool(sessions) and self._around.server.terminate(self._chance.choice(sorted(sessions)))

    def _crash_database(self) -> bool:
        server = self._around.server
        if not server.up:
            return False
        server.crash()
        self._later(self._chance.choice([0.2, 2.0, 7.0]), server.recover)
        return True

    def _go_back(self) -> bool:
        server = self._around.server
        if not server.up:
            return False
        server.crash()
        lost = server.tables.go_back(self._chance.choice([1, 2, 5, 12]))
        self.ghosts.update((key, row.cause, row.value) for table, key, row in lost if table == "told")
        self._later(self._chance.choice([0.2, 2.0, 7.0]), lambda: server.recover(first_pid=100))
        return True

    def _broker_away(self) -> bool:
        self._around.broker.up = False
        self._later(self._chance.choice([0.5, 4.0, 9.0]), self._broker_back)
        return True

    def _broker_back(self) -> None:
        self._around.broker.up, self._around.broker.late_seconds = True, 0.0
        for group in self._around.groups.values():
            group.refresh()
        self._around.broker.tell()

    def _broker_late(self) -> bool:
        broker = self._around.broker
        broker.late_seconds = self._chance.choice([1.0, 3.0, 8.0])

        def in_time() -> None:
            broker.late_seconds = 0.0

        self._later(self._chance.choice([2.0, 6.0]), in_time)
        return True

    def _expel(self) -> bool:
        group = self._any(list(self._around.groups.values()))
        members = sorted(group.members)
        if members:
            group.expel(self._chance.choice(members))
        return bool(members)

    def _silence(self) -> bool:
        process = self._one()
        if process is None or not process.memberships:
            return False
        for membership in process.memberships:
            membership.silent = True

        def heard_again() -> None:
            for membership in process.memberships:
                membership.silent = False

        self._later(self._chance.choice([1.0, SESSION_SECONDS + 3, 15.0]), heard_again)
        return True

    def _steal(self) -> bool:
        """Somebody claims a partition and is never seen again."""
        tables = self._around.server.tables
        cursors = tables.rows["input_cursor"]
        key = self._chance.choice([p for group in self._around.groups.values() for p in group.partitions])
        if tuple(key) not in cursors or ("input_cursor", tuple(key)) in self._around.server.holders:
            return False
        row = cursors[tuple(key)]
        tables.commit({("input_cursor", tuple(key)): {**row, "epoch": row["epoch"] + 1, "owner_pid": None}})
        return True

    def _end_coordination(self) -> bool:
        process = self._one()
        if process is None or not process.memberships:
            return False
        self._any(process.memberships).dies = True
        return True

    def _doom_a_commit(self) -> bool:
        process = self._one()
        if process is not None:
            process.network.fates.append(self._chance.choice(["before", "after", "slow", "fails"]))
        return process is not None
