"""A member of the simulated group: what aiokafka and FastStream's loop do for the engine.

What matters is kept: callbacks run while a batch is handled, assignments begin without position and not
paused, a fetch is dropped when its partition was paused, sought or moved before it is handed out, one that is
handed out is not called back, and positions jump to wherever the group thinks it was.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from aiokafka.errors import KafkaConnectionError
from shared.runtime.consume.log import Bounds
from shared.runtime.records import Partition
from shared.runtime.tail import Tail

from tests.simulator.broker import SESSION_SECONDS, Broker, Group, NotMember, Rebalancing
from tests.simulator.loop import Actor

HEARTBEAT_SECONDS = 2.0
RETRY_SECONDS = 0.1
JOIN_ATTEMPTS_SECONDS = 20.0


class Fetched(NamedTuple):
    """A record as aiokafka hands it out."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


@dataclass
class Standing:
    """One assigned partition of a member."""

    position: int | None = None
    paused: bool = False
    highwater: int | None = None


class SimulatedMembership:
    """`shared.runtime.consume.membership.Membership` of one process."""

    def __init__(
        self, broker: Broker, group: Group, process: Actor, name: str, output: str | None, max_records: int
    ) -> None:
        self._broker = broker
        self._group = group
        self._process = process
        self._name = name
        self._output = output
        self._max_records = max_records
        self._standings: dict[Partition, Standing] = {}
        self._reassigning = False
        self._generation = 0
        self._life = 0
        self._news = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._finding: list[asyncio.Task[None]] = []
        self._rejoin = asyncio.Event()
        self._listener: Any = None
        self.dies = False
        """The coordination task ends with an error the next time it gets its turn."""
        self.silent = False
        """The coordinator hears nothing of this member."""

    # -- Membership --

    async def join(self, listener: Any, handler: Callable[[Sequence[Fetched]], Awaitable[None]]) -> None:
        self._listener = listener
        self._broker.listeners.append(self._news.set)
        self._rejoin.set()
        self._tasks = [
            asyncio.create_task(self._coordinate(), name="coordination"),
            asyncio.create_task(self._poll(handler), name="poll"),
        ]

    async def leave(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        self.gone()
        if await self._ask(lambda: None, fails=False) is not None and not self.silent:
            self._group.leave(self._member)
        self._standings = {}

    def gone(self) -> None:
        """Nobody needs to be told of records any more."""
        if self._news.set in self._broker.listeners:
            self._broker.listeners.remove(self._news.set)

    def failure(self) -> BaseException | None:
        for task in self._tasks:
            if task.done():
                return asyncio.CancelledError() if task.cancelled() else task.exception() or RuntimeError()
        return None

    async def tails(self, partitions: Collection[Partition]) -> Mapping[Partition, Tail]:
        def read() -> dict[Partition, Tail]:
            found = {}
            assert self._output is not None
            for partition in partitions:
                log = self._broker.logs[Partition(self._output, partition.partition)]
                log.looks.append(self._broker.now)
                if log.records:
                    found[partition] = max(map(_tail, log.records))
            return found

        tails: Mapping[Partition, Tail] = await self._ask(read)
        return tails

    # -- Log --

    def assigned(self) -> frozenset[Partition]:
        return frozenset(self._standings)

    def seek(self, partition: Partition, offset: int) -> None:
        if partition in self._standings:
            self._standings[partition].position = offset
            self._news.set()

    def pause(self, partitions: Collection[Partition]) -> None:
        for partition in partitions:
            if partition in self._standings:
                self._standings[partition].paused = True

    def resume(self, partitions: Collection[Partition]) -> None:
        for partition in partitions:
            if partition in self._standings:
                self._standings[partition].paused = False
        self._news.set()

    async def position(self, partition: Partition) -> int | None:
        while (standing := self._standings.get(partition)) is not None:
            if standing.position is not None:
                return standing.position
            await asyncio.sleep(RETRY_SECONDS)
        return None

    def end(self, partition: Partition) -> int | None:
        standing = self._standings.get(partition)
        return None if standing is None else standing.highwater

    async def bounds(
        self, partitions: Collection[Partition], *, seconds: float
    ) -> Mapping[Partition, Bounds]:
        async with asyncio.timeout(seconds):
            found: Mapping[Partition, Bounds] = await self._ask(
                lambda: {p: Bounds(0, self._broker.logs[p].end) for p in partitions}
            )
        return found

    async def first_at(self, partition: Partition, offset: int, *, seconds: float) -> int | None:
        async with asyncio.timeout(seconds):
            found: list[Any] = await self._ask(lambda: self._broker.logs[partition].read(offset, 1))
        return found[0].offset if found else None

    async def commit(self, offsets: Mapping[Partition, int], *, seconds: float) -> bool:
        generation, member = self._generation, self._member
        try:
            async with asyncio.timeout(seconds):
                await self._ask(lambda: self._group.commit(member, generation, dict(offsets)))
        except (NotMember, Rebalancing):
            return False
        return True

    # -- inside --

    @property
    def _member(self) -> str:
        return f"{self._name}.{self._life}"

    async def _ask(self, what: Callable[[], Any], *, fails: bool = True) -> Any:
        """A request to the broker; while it is away this takes long, and then fails."""
        weather = self._broker.weather
        await asyncio.sleep(weather.delay())
        if not self._broker.up or self.silent or (fails and weather.strikes(weather.broker, "broker errors")):
            if not fails:
                return None
            await asyncio.sleep(weather.chance.choice([0.01, 0.5, 3.0]))
            raise KafkaConnectionError("the broker does not answer")
        answer = what()
        await asyncio.sleep(weather.delay())
        return answer if fails else True

    async def _coordinate(self) -> None:
        heard = self._broker.now
        while True:
            if self.dies:
                self.dies = False
                raise RuntimeError("unexpected error in coordination")
            if self._rejoin.is_set():
                await self._join_again()
                heard = self._broker.now
            try:
                async with asyncio.timeout(HEARTBEAT_SECONDS):
                    await self._rejoin.wait()
                continue
            except TimeoutError:
                pass
            try:
                generation, member = self._generation, self._member
                await self._ask(lambda m=member, g=generation: self._group.heartbeat(m, g))
                heard = self._broker.now
            except Rebalancing:
                self._rejoin.set()
            except NotMember:
                self._life += 1
                self._rejoin.set()
            except KafkaConnectionError:
                if self._broker.now - heard > SESSION_SECONDS:
                    await asyncio.sleep(RETRY_SECONDS)

    async def _join_again(self) -> None:
        self._reassigning = True
        self._listener.on_partitions_revoked(set(self._standings))
        while True:
            try:
                await self._ask(lambda: None)
                async with asyncio.timeout(JOIN_ATTEMPTS_SECONDS):
                    generation, given = await self._group.join(self._member)
                await self._ask(lambda: None)
            except (KafkaConnectionError, TimeoutError):
                await asyncio.sleep(RETRY_SECONDS)
            else:
                break
        self._rejoin.clear()
        self._generation = generation
        self._standings = {partition: Standing() for partition in given}
        self._reassigning = False
        self._finding = [
            asyncio.create_task(self._find_position(partition, self._standings), name="position")
            for partition in sorted(given)
        ]
        self._listener.on_partitions_assigned(set(given))

    async def _find_position(self, partition: Partition, standings: dict[Partition, Standing]) -> None:
        """Where the group says it was, unless somebody has sought meanwhile; the group may well be wrong."""
        chance = self._broker.weather.chance
        while True:
            try:
                committed = await self._ask(lambda: self._group.positions.get(partition, 0))
                break
            except KafkaConnectionError:
                await asyncio.sleep(RETRY_SECONDS)
        standing = standings[partition]
        if standings is self._standings and standing.position is None:
            if chance.random() < 0.3 and not self._broker.weather.is_calm:
                committed = chance.randint(0, self._broker.logs[partition].end)
            standing.position = committed
            self._news.set()

    async def _poll(self, handler: Callable[[Sequence[Fetched]], Awaitable[None]]) -> None:
        while True:
            self._news.clear()
            fetched = await self._fetch()
            if not fetched:
                await self._news.wait()
                continue
            # Between the library and the handler lie middlewares, parsers, decoders.
            for _ in range(self._broker.weather.chance.choice([0, 1, 5])):
                await asyncio.sleep(0)
            weather = self._broker.weather
            if weather.strikes(weather.handler, "lost fetches"):
                continue
            await handler(fetched)

    async def _fetch(self) -> list[Fetched]:
        """One fetch of everything that can be read; empty when there is nothing."""
        wanted = self._readable()
        if not wanted:
            return []
        standings = self._standings
        limit = self._max_records

        def read() -> dict[Partition, tuple[list[Any], int]]:
            logs = self._broker.logs
            return {p: (logs[p].read(position, limit), logs[p].end) for p, position in wanted.items()}

        try:
            answers = await self._ask(read)
        except KafkaConnectionError:
            await asyncio.sleep(RETRY_SECONDS)
            self._news.set()
            return []
        fetched: list[Fetched] = []
        for partition, (found, end) in answers.items():
            if standings is not self._standings or self._reassigning:
                break
            standing = standings[partition]
            standing.highwater = end
            records = found[: max(0, limit - len(fetched))]
            if standing.paused or standing.position != wanted[partition] or not records:
                continue
            standing.position = records[-1].offset + 1
            fetched += [
                Fetched(*partition, each.offset, 0, each.key, each.value, each.headers) for each in records
            ]
        if not fetched:
            self._news.set()
        return fetched

    def _readable(self) -> dict[Partition, int]:
        if self._reassigning or not self._broker.up:
            return {}
        found = {}
        for partition, standing in self._standings.items():
            log = self._broker.logs[partition]
            if not standing.paused and standing.position is not None and log.read(standing.position, 1):
                found[partition] = standing.position
        return found


def _tail(record: Any) -> Tail:
    by_name = dict(record.headers)
    return Tail(int(by_name["incarnation"]), int(by_name["partition-sequence"]))
