"""A broker as far as the engine can tell: partitions with gaps, and a group that shares them."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from shared.runtime.records import Partition

from tests.simulator.loop import Actor, SimulatedLoop
from tests.simulator.weather import Weather

SESSION_SECONDS = 6.0
REBALANCE_SECONDS = 10.0
LOOK_SECONDS = 0.5


class Stored(NamedTuple):
    """One record of a partition."""

    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    at: float


class Log:
    """One partition. Offsets that hold nothing are gaps, as compaction and transactions leave them."""

    def __init__(self) -> None:
        self.records: list[Stored] = []
        self.end = 0
        self.looks: list[float] = []
        """When somebody has asked for the last record."""

    def append(
        self,
        key: bytes | None,
        value: bytes | None,
        headers: tuple[tuple[str, bytes], ...],
        at: float,
        *,
        gap: int,
    ) -> int:
        """Store a record behind so many offsets that hold nothing; answers its offset."""
        offset = self.end + gap
        self.records.append(Stored(offset, key, value, headers, at))
        self.end = offset + 1
        return offset

    def read(self, position: int, limit: int) -> list[Stored]:
        """Records from a position on."""
        for place, record in enumerate(self.records):
            if record.offset >= position:
                return self.records[place : place + limit]
        return []


@dataclass(eq=False)
class GroupMember:
    """What the coordinator knows of a member."""

    name: str
    heard: float
    generation: int = 0
    joining: asyncio.Future[frozenset[Partition]] | None = None
    given: frozenset[Partition] = frozenset()


class NotMember(Exception):  # noqa: N818 - names what happened, as in shared.runtime
    """The coordinator does not know this member, or not in this generation."""


class Rebalancing(Exception):  # noqa: N818 - names what happened, as in shared.runtime
    """The group is about to change: join again."""


@dataclass(eq=False)
class Group:
    """The coordinator of one group; with `everything` each member is given all partitions, as if alone."""

    broker: Broker
    partitions: list[Partition]
    everything: bool = False
    members: dict[str, GroupMember] = field(default_factory=dict)
    generation: int = 0
    preparing: bool = False
    positions: dict[Partition, int] = field(default_factory=dict)
    _round: int = 0

    async def join(self, name: str) -> tuple[int, frozenset[Partition]]:
        """Be given partitions, when all others have joined again or are given up."""
        member = self.members.get(name)
        if member is None:
            member = self.members[name] = GroupMember(name, self.broker.now)
        member.heard = self.broker.now
        if member.joining is not None and not member.joining.done():
            member.joining.cancel()
        member.joining = joining = self.broker.loop.create_future()
        if self.everything:
            self.generation += 1
            member.generation, member.given = self.generation, frozenset(self.partitions)
            return member.generation, member.given
        self._prepare()
        self._complete_if_all_are_here()
        given = await joining
        return member.generation, given

    def heartbeat(self, name: str, generation: int) -> None:
        """A member is alive; raises NotMember or Rebalancing."""
        member = self._known(name, generation)
        member.heard = self.broker.now
        if self.preparing:
            raise Rebalancing

    def commit(self, name: str, generation: int, positions: dict[Partition, int]) -> None:
        """Keep positions; raises NotMember or Rebalancing."""
        self._known(name, generation)
        if self.preparing:
            raise Rebalancing
        self.positions.update(positions)

    def leave(self, name: str) -> None:
        """A member goes by itself."""
        if self.members.pop(name, None) is not None and self.members:
            self._prepare()
            self._complete_if_all_are_here()

    def expel(self, name: str) -> None:
        """The coordinator forgets a member, which does not know."""
        self.leave(name)

    def look(self) -> None:
        """Give up whoever was silent for too long; and look again."""
        self.broker.later(LOOK_SECONDS, self.look)
        if not self.broker.up:
            return
        for member in list(self.members.values()):
            waits = member.joining is not None and not member.joining.done()
            if not waits and self.broker.now - member.heard > SESSION_SECONDS:
                self.broker.weather.counts["members expelled"] += 1
                self.leave(member.name)

    def refresh(self) -> None:
        """After an outage of the broker, sessions begin anew."""
        for member in self.members.values():
            member.heard = self.broker.now

    def _known(self, name: str, generation: int) -> GroupMember:
        member = self.members.get(name)
        if member is None or member.generation != generation:
            raise NotMember
        return member

    def _prepare(self) -> None:
        if not self.preparing and not self.everything:
            self.preparing = True
            self._round += 1
            self.broker.later(REBALANCE_SECONDS, self._complete, self._round)

    def _complete_if_all_are_here(self) -> None:
        if all(m.joining is not None and not m.joining.done() for m in self.members.values()):
            # A first member waits a little for others, as a real group does.
            self.broker.later(self.broker.weather.chance.choice([0.0, 0.3]), self._complete, self._round)

    def _complete(self, of_round: int) -> None:
        if not self.preparing or of_round != self._round:
            return
        here = {m.name: m for m in self.members.values() if m.joining is not None and not m.joining.done()}
        for name in sorted(self.members.keys() - here.keys()):
            del self.members[name]
        self.preparing = False
        self.generation += 1
        given: dict[str, set[Partition]] = defaultdict(set)
        names = sorted(here)
        if names:
            turn = self.broker.weather.chance.randrange(len(names))
            for place, partition in enumerate(self.partitions):
                given[names[(turn + place) % len(names)]].add(partition)
        for name, member in here.items():
            member.generation, member.given = self.generation, frozenset(given[name])
            member.heard = self.broker.now
            assert member.joining is not None
            member.joining.set_result(member.given)


class Broker:
    """Topics and a group; `up` False: nobody is answered."""

    def __init__(self, loop: SimulatedLoop, actor: Actor, weather: Weather) -> None:
        self.loop = loop
        self.weather = weather
        self._actor = actor
        self.up = True
        self.late_seconds = 0.0
        """What is published is stored that much later."""
        self.logs: dict[Partition, Log] = defaultdict(Log)
        self.listeners: list[Callable[[], None]] = []

    @property
    def now(self) -> float:
        """Seconds of the simulation."""
        return self.loop.time()

    def later(self, seconds: float, callback: Callable[..., object], *args: object) -> None:
        """The broker does something by itself."""
        self.loop.later(self._actor, seconds, callback, *args)

    def append(
        self,
        partition: Partition,
        key: bytes | None,
        value: bytes | None,
        headers: tuple[tuple[str, bytes], ...] = (),
        *,
        gap: int = 0,
    ) -> int:
        """Store a record and tell those who wait for one."""
        offset = self.logs[partition].append(key, value, headers, self.now, gap=gap)
        self.tell()
        return offset

    def tell(self) -> None:
        """There may be something to read."""
        for listener in list(self.listeners):
            listener()
