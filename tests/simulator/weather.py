"""How often what goes wrong in one run, and how long things take: drawn once by the seed, calm at the end."""

from collections import Counter
from dataclasses import dataclass, field
from random import Random


@dataclass
class Weather:
    """Probabilities per request, and delays; `calm` ends everything but delays."""

    chance: Random
    counts: Counter[str]
    cut: float = 0.0
    """A connection to the database is lost, before or after a statement."""
    commit: float = 0.0
    """The same around COMMIT, or it takes long, or fails."""
    hollow: float = 0.0
    """A COMMIT is answered as if it had been one, and was a rollback."""
    mute: float = 0.0
    """A connection on which nothing arrives any more, without anybody being told."""
    publish: float = 0.0
    """A record is not acknowledged: never stored, stored, or stored later."""
    broker: float = 0.0
    """A request to the broker fails."""
    handler: float = 0.0
    """A fetch is lost between the library and the inbox."""
    bug: float = 0.0
    """An absorber or side work fails and works the next time."""
    tail: float = 0.02
    """An answer takes long."""
    quick: float = 0.0003
    slow: float = 0.3
    is_calm: bool = field(default=False)

    @classmethod
    def drawn(cls, chance: Random, counts: Counter[str]) -> "Weather":
        """Each kind of trouble is absent in some runs and frequent in others."""

        def some(most: float) -> float:
            return chance.choice([0.0, most * 0.2, most])

        return cls(
            chance,
            counts,
            cut=some(0.01),
            commit=some(0.15),
            hollow=chance.choice([0.0, 0.0, 0.0, 0.05]),
            mute=some(0.004),
            publish=some(0.25),
            broker=some(0.05),
            handler=some(0.03),
            bug=some(0.05),
            tail=some(0.1),
            quick=chance.choice([0.0001, 0.0005, 0.003]),
            slow=chance.choice([0.05, 0.3, 2.5]),
        )

    def strikes(self, probability: float, kind: str) -> bool:
        """Whether this kind of trouble happens now; counted."""
        if self.is_calm or probability == 0.0 or self.chance.random() >= probability:
            return False
        self.counts[kind] += 1
        return True

    def delay(self) -> float:
        """Of a message."""
        if self.chance.random() < self.tail:
            return self.slow * self.chance.random()
        return self.quick * (0.2 + self.chance.random())

    def clear(self) -> None:
        """The end of all trouble: what is left to do must now be done."""
        self.is_calm = True
        self.tail = min(self.tail, 0.01)
