"""The tally in a run: records of all kinds, work from elsewhere, and the verdict."""

from collections.abc import Collection
from datetime import UTC, datetime
from random import Random

from shared.events.topics import FACTS, OUTCOMES
from shared.runtime.consume import Partition

from tests.simulator.outcomes import Ghost
from tests.simulator.service import Calendar, Fittings, Stage, Verdict
from tests.simulator.tally.absorber import Due
from tests.simulator.tally.program import TallyProgram
from tests.simulator.tally.rules import GLITCH, PLAIN, POISON, POISON_IN_WRITE, REJECT, WORK, Rules
from tests.simulator.tally.verdict import Left, judge

KEYS = 3


class TallyService:
    """See `tests.simulator.service.Service`."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        chance = stage.chance
        self._kinds = [PLAIN] * 12 + [WORK] * 3
        self._kinds += [k for k in (REJECT, POISON, POISON_IN_WRITE, GLITCH) if chance.random() < 0.5]
        self._rules = Rules(stage, OUTCOMES.name, coalesces=chance.random() < 0.5)
        self._chores: dict[str, str] = {}

    @staticmethod
    def topics(partitions: int) -> dict[str, list[Partition]]:
        return {FACTS.name: [Partition(FACTS.name, number) for number in range(partitions)]}

    @staticmethod
    def calendar(_chance: Random) -> Calendar:
        return Calendar(datetime(2026, 3, 1, 15, 50, tzinfo=UTC), 1.0)

    def program(self, fittings: Fittings) -> TallyProgram:
        return TallyProgram(self._rules, fittings)

    def arrive(self, gap: int) -> None:
        chance = self._stage.chance
        self._append(chance.choice(self._stage.partitions), chance.choice(self._kinds), gap)

    async def outside(self) -> None:
        if self._stage.goes_back:
            # What another writer has lost by a fail-over is its own affair.
            return
        number = self._stage.chance.choice(self._stage.partitions).partition
        name = f"out{len(self._chores)}"
        due = Due(name, number, f"{number}k{self._stage.chance.randrange(KEYS)}")
        self._chores[name] = due.key
        self._stage.server.tables.commit({("work", name): due})

    async def last_words(self) -> None:
        for partition in self._stage.partitions:
            self._append(partition, PLAIN, 0)

    def at_rest(self) -> bool:
        rows = self._stage.server.tables.rows
        if rows["outbox"] or rows["work"]:
            return False
        for partition in self._stage.partitions:
            records = self._stage.broker.logs[partition].records
            cursor = rows["input_cursor"].get(tuple(partition))
            if records and (cursor is None or cursor["next_offset"] <= records[-1].offset):
                return False
        return True

    def judge(self, ghosts: Collection[Ghost]) -> Verdict:
        logs = self._stage.broker.logs
        left = Left(
            {partition: logs[partition].records for partition in self._stage.partitions},
            {p.partition: logs[Partition(OUTCOMES.name, p.partition)] for p in self._stage.partitions},
            self._stage.server.tables.rows,
            self._chores,
            ghosts,
        )
        return judge(left, coalesces=self._rules.coalesces)

    def _append(self, partition: Partition, kind: str, gap: int) -> None:
        key = f"{partition.partition}k{self._stage.chance.randrange(KEYS)}"
        self._stage.broker.append(partition, key.encode(), kind.encode(), gap=gap)
