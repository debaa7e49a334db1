"""What a run puts into its processes, and how it judges them: the service that uses the engine."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any, NamedTuple, Protocol

from shared.runtime.clock import Clock
from shared.runtime.consume import Partition

from tests.simulator.broker import Broker
from tests.simulator.member import SimulatedMembership
from tests.simulator.outcomes import Ghost
from tests.simulator.server import Server
from tests.simulator.weather import Weather


class Verdict(NamedTuple):
    """Everything that is wrong, in words; and how many outcomes readers hear otherwise after a fail-over."""

    wrong: list[str]
    hidden: int


@dataclass(frozen=True)
class Stage:
    """What a service finds: servers, partitions, chance, and somebody to tell what must never happen."""

    chance: Random
    weather: Weather
    server: Server
    broker: Broker
    partitions: list[Partition]
    broken: Callable[[str], None]
    goes_back: bool
    """The database loses commits in this run."""

    @property
    def all_is_kept(self) -> bool:
        """Whether what the server has called committed is there for ever."""
        return not self.goes_back and not self.weather.counts["hollow commits"]


class Fittings(NamedTuple):
    """What one process gives its service."""

    database: Any
    """`shared.runtime.database.Database`, as far as it is simulated."""
    producer: Any
    clock: Clock
    join: Callable[[str, str | None], SimulatedMembership]
    """A member of the group that reads a topic; the second is the topic of its output."""
    on_fatal: Callable[[BaseException], None]


class Program(Protocol):
    """What runs in one process."""

    @property
    def trouble(self) -> str | None:
        """Why it does not go on although it runs."""

    async def start(self) -> None:
        """Begin."""

    async def stop(self) -> None:
        """Finish and leave."""


class Calendar(NamedTuple):
    """When a run begins, and how many seconds of wall time pass in one of its own."""

    begin: datetime
    pace: float


class Service(Protocol):
    """One service in one run; the methods but `program` belong to nature, and none but `outside` waits."""

    def __init__(self, stage: Stage) -> None:
        """Nothing has happened yet."""

    @staticmethod
    def topics(partitions: int) -> dict[str, list[Partition]]:
        """What is read, each by a group of its own; the facts first."""

    @staticmethod
    def calendar(chance: Random) -> Calendar:
        """How time passes."""

    def program(self, fittings: Fittings) -> Program:
        """The program of a process that starts."""

    def arrive(self, gap: int) -> None:
        """One more record is published, behind so many offsets that hold nothing."""

    async def outside(self) -> None:
        """Work comes from elsewhere."""

    async def last_words(self) -> None:
        """All trouble is over: what must come for everything to come to rest, a record for each partition."""

    def at_rest(self) -> bool:
        """Whether everything that came is done and published."""

    def judge(self, ghosts: Collection[Ghost]) -> Verdict:
        """Read apart from the service what it has left behind."""
