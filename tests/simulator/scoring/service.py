"""Scoring in a run: a small district whose days pass in seconds, and the verdict of the fault runs."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from shared.events.topics import FACTS, OUTCOMES, REGISTRY
from shared.runtime.consume import Partition

from tests.faults.life import ZONE, Message
from tests.properties.scoring_facts import FIRST
from tests.simulator import statements
from tests.simulator.outcomes import Ghost
from tests.simulator.scoring.life import SmallLife, place_of
from tests.simulator.scoring.program import Choices, Failures, ScoringProgram, Surroundings
from tests.simulator.scoring.reading import DUE, due_compounds, questions
from tests.simulator.scoring.tables import tables
from tests.simulator.scoring.verdict import Left, judge
from tests.simulator.scoring.writing import deeds
from tests.simulator.service import Calendar, Fittings, Stage, Verdict

DAY_SECONDS = 86_400
# Compounds are rated after 90 days.
FIRST_DAY = FIRST + 130
AHEAD_DAYS = 1

statements.TABLES.update(tables())
statements.OTHERS.update({**questions(), **deeds()})
statements.FORMS.insert(0, (DUE, due_compounds))


class ScoringService:
    """See `tests.simulator.service.Service`."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        chance = stage.chance
        stage.server.remembers_outbox = True
        # Side work leaves cursors where they are, so that nothing would show that its commit was none.
        stage.weather.hollow = 0.0
        # As every connection of a service asks for: who is frozen announcing what is parked holds a lock.
        stage.server.ends_idle = True
        self._choices = Choices(
            cached=chance.choice([0, 2, 20]),
            whole=chance.choice([0, 1, 3]),
            chunk=chance.choice([1, 2, 5]),
            refold_seconds=chance.choice([0.0, 600.0, 3_600.0]),
            patience_seconds=chance.choice([0.0, 3_600.0]),
            unassigned_seconds=chance.choice([0.0, 3_600.0, 86_400.0]),
        )
        self._failures = Failures(stage)
        stage.server.tables.watch = self._watch
        self._at_rest_asked = 0
        self._newest: datetime | None = None
        self._life = SmallLife(Random(chance.random()), lambda: stage.server.now, len(stage.partitions))
        for message in self._life.beginning():
            self._append(message, 0)

    @staticmethod
    def topics(partitions: int) -> dict[str, list[Partition]]:
        return {
            FACTS.name: [Partition(FACTS.name, number) for number in range(partitions)],
            REGISTRY.name: [Partition(REGISTRY.name, 0)],
        }

    @staticmethod
    def calendar(chance: Random) -> Calendar:
        begin = datetime.fromordinal(FIRST_DAY).replace(tzinfo=UTC) + timedelta(hours=chance.randrange(24))
        return Calendar(begin, DAY_SECONDS / chance.choice([2.0, 5.0, 12.0]))

    def program(self, fittings: Fittings) -> ScoringProgram:
        here = Surroundings(fittings, self._failures, lambda: self._newest)
        return ScoringProgram(here, self._choices, len(self._stage.partitions))

    def arrive(self, gap: int) -> None:
        for message in self._life.arriving():
            self._append(message, gap)

    async def outside(self) -> None:
        if self._stage.chance.random() < 0.3:
            self._touch_a_state()
        late = self._life.late_one() if self._stage.chance.random() < 0.3 else None
        self._append(late or self._life.registry_change(), 0)

    async def last_words(self) -> None:
        while (late := self._life.late_one()) is not None:
            self._append(late, 0)
        # A fetch that was lost is noticed when the next record comes: one for each partition, of any kind.
        self._append(self._life.registry_change(), 0)
        for partition in self._stage.partitions:
            self._append(Message(FACTS, "nobody", b"{", partition.partition), 0)

    def at_rest(self) -> bool:
        # After every step of anybody: a look now and then will do.
        self._at_rest_asked += 1
        rows = self._stage.server.tables.rows
        if self._at_rest_asked % 16 or rows["outbox"] or rows["work"]:
            return False
        assert self._newest is not None
        last_day = self._newest.astimezone(ZONE).date() + timedelta(days=AHEAD_DAYS)
        for partition in (*self._stage.partitions, Partition(REGISTRY.name, 0)):
            cursor = rows["input_cursor"].get(tuple(partition))
            if cursor is None or cursor["next_offset"] < self._stage.broker.logs[partition].end:
                return False
            if partition.topic == FACTS.name and cursor["closed_day"] != last_day:
                return False
        return all(row["published_at"] is not None for row in rows["parked"].values())

    def judge(self, ghosts: Collection[Ghost]) -> Verdict:
        logs = self._stage.broker.logs
        numbers = [partition.partition for partition in self._stage.partitions]
        return judge(
            Left(
                {number: logs[Partition(FACTS.name, number)] for number in numbers},
                logs[Partition(REGISTRY.name, 0)],
                {number: logs[Partition(OUTCOMES.name, number)] for number in numbers},
                self._stage.server.tables.rows,
                ghosts,
                went_back=self._stage.goes_back,
            )
        )

    def _touch_a_state(self) -> None:
        """Somebody else writes a state, as a repair by hand would: what workers have in memory is stale."""
        server = self._stage.server
        free = [
            (key, row)
            for key, row in sorted(server.tables.rows["compound_state"].items())
            if ("compound_state", key) not in server.holders
        ]
        if free:
            key, row = self._stage.chance.choice(free)
            server.tables.commit({("compound_state", key): {**row, "version": row["version"] + 1}})

    def _watch(self, table: str, before: Any, after: Any) -> None:
        if table == "compound_state" and before is not None and after["version"] != before["version"] + 1:
            self._stage.broken(
                f"version {before['version']} of a state was overwritten by {after['version']}"
            )

    def _append(self, message: Message, gap: int) -> None:
        self._newest = self._stage.server.now
        place = place_of(message, len(self._stage.partitions))
        self._stage.broker.append(place, message.key.encode(), message.value, gap=gap)
