"""What the simulated service does: an exact sum that shows every record lost, doubled or out of order.

Each key has a chain of hashes over its records, kept in memory ahead of the database as scoring keeps its
compounds: the next batch is folded on what the one before has not yet written. Work that is not a record is
done through the same states.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from shared.runtime.consume import Advance, Batch, Before, Claim, ParkedRecord, Partition, Record
from shared.runtime.outbox import OutboxRow, append

from tests.simulator.client import Connection
from tests.simulator.database import SimulatedDatabase
from tests.simulator.outcomes import Told
from tests.simulator.server import Session
from tests.simulator.tally.rules import Rules, State, fold

CACHED_MAX = 4
CHUNK = 3


class Due(NamedTuple):
    """A row of work."""

    id: str
    partition: int
    key: str


class StateConflict(Exception):  # noqa: N818 - as scoring calls it
    """A state is not the one that was loaded: what is in memory is not what is stored."""


@dataclass(eq=False)
class Prepared:
    """What one transaction of this service writes."""

    advances: list[Advance]
    parked: list[ParkedRecord] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    states: dict[str, State] = field(default_factory=dict)
    """After this transaction; the stored version is the one before."""
    steps: Counter[str] = field(default_factory=Counter)
    outbox: list[OutboxRow] = field(default_factory=list)
    done: list[Due] = field(default_factory=list)


class States:
    """The memory of one process."""

    def __init__(self, database: SimulatedDatabase) -> None:
        self._database = database
        self._cached: dict[str, State] = {}
        self._pinned: Counter[str] = Counter()
        self._unwritten: list[Prepared] = []
        self.partition_of: dict[str, int] = {}

    async def open(self, keys: Mapping[str, int]) -> dict[str, State]:
        """The states of keys, from memory or loaded; `keys` says in which partition each is."""
        self.partition_of.update(keys)
        missing = [key for key in keys if key not in self._cached]
        if missing:

            async def load(session: Session) -> dict[str, State]:
                return {key: session.get("state", key) or State() for key in missing}

            async with self._database.pool.acquire() as connection:
                self._cached.update(await connection.run(load))
        return {key: self._cached[key] for key in keys}

    def hold(self, prepared: Prepared) -> None:
        """Build on this, although it is not written yet."""
        self._cached.update(prepared.states)
        self._pinned.update(prepared.states.keys())
        self._unwritten.append(prepared)

    def release(self, prepared: Prepared) -> None:
        """It is written: what is not needed may be loaded again."""
        if prepared in self._unwritten:
            self._unwritten.remove(prepared)
            self._pinned.subtract(prepared.states.keys())
        for key in list(self._cached):
            if len(self._cached) > CACHED_MAX and self._pinned[key] <= 0:
                del self._cached[key]

    def forget(self, partitions: Collection[int]) -> None:
        """Nothing of these partitions holds any more."""
        for prepared in list(self._unwritten):
            if any(self.partition_of[key] in partitions for key in prepared.states) or not prepared.states:
                self._unwritten.remove(prepared)
                self._pinned.subtract(prepared.states.keys())
        for key in list(self._cached):
            if self.partition_of[key] in partitions:
                del self._cached[key]


class Tally:
    """The absorber."""

    def __init__(self, rules: Rules, database: SimulatedDatabase, wake_relay: Any) -> None:
        self._rules = rules
        self._states = States(database)
        self._wake_relay = wake_relay
        self._seen: dict[Partition, int] = {}
        self._told: set[tuple[int, int]] = set()

    @property
    def states(self) -> States:
        return self._states

    async def prepare(self, batch: Batch) -> Prepared:
        rules = self._rules
        for record in batch.records:
            # What an absorber may rely on: of claimed partitions, in order, each once until it must forget.
            if record.source not in batch.claims or self._seen.get(record.source, -1) >= record.offset:
                rules.broken(f"record {record.source} {record.offset} was given twice or unclaimed")
            self._seen[record.source] = record.offset
        good, parked = [], []
        for record in batch.records:
            if rules.rejects(record):
                parked.append(ParkedRecord(record, "refused", "of no use"))
            else:
                good.append(record)
        states = await self._states.open({rules.key_of(record): record.partition for record in good})
        prepared = Prepared([], parked, good)
        for record in good:
            rules.may_fail(record, "prepare")
            _step(prepared, states, rules.key_of(record), record.offset)
            prepared.outbox.append(rules.outcome(record, states))
        if rules.coalesces:
            prepared.outbox = list({row.key: row for row in prepared.outbox}.values())
        rows, told = Counter(r.partition for r in good), Counter(row.partition for row in prepared.outbox)
        prepared.advances = [
            Advance(p, end, rows[p.partition], told[p.partition]) for p, end in batch.ends().items()
        ]
        self._states.hold(prepared)
        return prepared

    async def write(self, tx: Any, prepared: Prepared, before: Mapping[Partition, Before]) -> None:
        await _write(self._rules, tx, prepared, before)

    def forget(self, partitions: Collection[Partition]) -> None:
        for partition in partitions:
            self._seen.pop(partition, None)
        self._states.forget({partition.partition for partition in partitions})

    async def committed(self, prepared: Prepared) -> None:
        self._states.release(prepared)
        for record in prepared.records:
            place = (record.partition, record.offset)
            if place in self._told and self._rules.all_is_kept:
                self._rules.broken(f"the commit of {place} was told twice")
            self._told.add(place)
        self._wake_relay()


class Chores:
    """The side work: rows of a table, a few at a time."""

    def __init__(self, rules: Rules, database: SimulatedDatabase, states: States, wake_relay: Any) -> None:
        self._rules = rules
        self._database = database
        self._states = states
        self._wake_relay = wake_relay

    async def prepare(self, claims: Mapping[Partition, Claim]) -> Prepared | None:
        owned = {partition.partition for partition in claims}

        async def read(session: Session) -> list[Due]:
            return [row for _, row in session.scan("work") if row.partition in owned][:CHUNK]

        async with self._database.pool.acquire() as connection:
            due: Sequence[Due] = await connection.run(read)
        if not due:
            return None
        self._rules.may_fail_by_chance()
        states = await self._states.open({row.key: row.partition for row in due})
        prepared = Prepared([], done=list(due))
        for row in due:
            states[row.key] = prepared.states[row.key] = states[row.key].worked_on()
            prepared.steps[row.key] += 1
            prepared.outbox.append(self._rules.chore_outcome(row.partition, row.key, row.id))
        rows = Counter(row.partition for row in due)
        topic = next(iter(claims)).topic
        prepared.advances = [Advance(Partition(topic, n), None, 0, count) for n, count in rows.items()]
        self._states.hold(prepared)
        return prepared

    async def write(self, tx: Any, prepared: Prepared, before: Mapping[Partition, Before]) -> None:
        await _write(self._rules, tx, prepared, before)

    async def committed(self, prepared: Prepared) -> None:
        self._states.release(prepared)
        self._wake_relay()


def _step(prepared: Prepared, states: dict[str, State], key: str, offset: int) -> None:
    states[key] = prepared.states[key] = fold(states[key], offset)
    prepared.steps[key] += 1


async def _write(
    rules: Rules, tx: Connection, prepared: Prepared, before: Mapping[Partition, Before]
) -> None:
    async def rows(session: Session) -> None:
        for key, state in prepared.states.items():
            await session.lock("state", key)
            stored = session.get("state", key) or State()
            if stored.steps != state.steps - prepared.steps[key]:
                if rules.all_is_kept:
                    rules.broken(f"the state of {key} was not the one that was loaded")
                raise StateConflict(key)
            session.put("state", key, state)
        numbers = {partition: values.ledger_seq for partition, values in before.items()}
        for record in prepared.records:
            numbers[record.source] += 1
            place = (record.partition, numbers[record.source])
            await session.lock("taken", place)
            session.put("taken", place, record.offset)
            if rules.makes_work(record):
                work = Due(f"{record.partition}/{record.offset}", record.partition, rules.key_of(record))
                await session.lock("work", work.id)
                session.put("work", work.id, work)
        for due in prepared.done:
            await session.lock("work", due.id)
            if session.get("work", due.id) is None:
                rules.broken(f"work {due.id} was done by somebody else")
            session.put("work", due.id, None)
        numbers = {partition: values.out_seq for partition, values in before.items()}
        topics = {partition.partition: partition for partition in before}
        for row in prepared.outbox:
            partition = topics[row.partition]
            numbers[partition] += 1
            place = (row.partition, before[partition].incarnation, numbers[partition])
            await session.lock("told", place)
            session.put("told", place, Told(row.cause_id, row.value, session.server.seconds))

    await tx.run(rows)
    for record in prepared.records:
        rules.may_fail(record, "write")
    await append(tx, prepared.outbox, before)
