"""What a run puts into its processes, and how it judges them: the service that uses the engine."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, NamedTuple, Protocol

from shared.runtime.clock import Clock
from shared.runtime.consume import Absorber, Partition, SideWork

from tests.simulator.broker import Broker
from tests.simulator.client import SimulatedDatabase
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

    database: SimulatedDatabase
    clock: Clock
    wake_relay: Callable[[], None]
    lag: Callable[[], Mapping[Partition, int]]


class Service(Protocol):
    """One service in one run; the methods but `parts` belong to nature, and none but `outside` waits."""

    def parts(self, fittings: Fittings) -> tuple[Absorber[Any], SideWork[Any]]:
        """Absorber and side work of a process that starts."""

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
