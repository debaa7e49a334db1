"""A small district: few compounds, of which some are registered late or never."""

from collections.abc import Callable
from datetime import datetime
from random import Random

from shared.events.topics import FACTS, REGISTRY, partition_for
from shared.runtime.records import Partition

from tests.faults.life import LATE, NEVER, Life, Message

USUAL = ("C00", "C01", "C02", "C03")
POISON = 0.02


class SmallLife(Life):
    """`tests.faults.life.Life` of three to six compounds."""

    def __init__(self, chance: Random, now: Callable[[], datetime], partitions: int) -> None:
        self._small = [
            *USUAL[: chance.choice([2, 3, 4])],
            *chance.sample(sorted(LATE), 1),
            *chance.sample(sorted(NEVER), chance.choice([0, 1])),
        ]
        self._chance = chance
        super().__init__(chance.randrange(2**32), now, partitions)
        self._waiting = sorted(LATE.intersection(self._small))

    @property
    def compounds(self) -> list[str]:
        return self._small

    def arriving(self) -> list[Message]:
        """The next facts, or what was never one."""
        if self._chance.random() < POISON:
            return [self._poison(self._chance.choice(self._small))]
        return self.facts()


def place_of(message: Message, partitions: int) -> Partition:
    """Where a message belongs."""
    if message.topic is REGISTRY:
        return Partition(REGISTRY.name, 0)
    number = message.partition
    if number is None:
        number = partition_for(message.key.encode(), partitions)
    return Partition(FACTS.name, number)
