"""A scoring database that has stood for a while: compounds with their facts, written past the topic.

Through the service this would take longer than the row that needs it. The same handlers and the same store
write the same rows for some compounds; the others are copies of them (`copying`). Left out are, of copies,
superseded revisions, and their past days where that is asked for: nothing on the hot path reads either.
`differing` computes some of them anew from their facts.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from itertools import islice
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import asyncpg
from scoring.domain.book import Book
from scoring.domain.rubric import parse
from scoring.domain.rubric_sections import Rubric
from scoring.handlers.fold import Folds
from scoring.handlers.judging import judge
from scoring.handlers.memory import Compounds, Held
from scoring.handlers.plan import Plan
from scoring.reading import read_facts, read_registry
from scoring.store import ledger, registry, states
from scoring.store.books import StoredBooks
from scoring.store.rubrics import packaged
from scoring.translate import fingerprint
from shared.events.topics import partition_for
from shared.runtime.consume import Record

from tests.bench import traffic
from tests.bench.copying import TAG_CHARS, Copy, Template, copy_facts, templates_for
from tests.bench.place import ROOT

RUBRIC = "shangyu-v1"
ZONE = ZoneInfo("Asia/Shanghai")
WORKERS = 2
COPIED_AT_ONCE = 20_000
REGISTERED_AT_ONCE = 20_000
CHANGING_EVERY = 20
"""Of this many copies one can change when the open day closes."""


class Size(NamedTuple):
    """How much there is: `facts_each` on average, over `partitions` of the facts topic.

    Each worker writes `templates` compounds fact by fact; `steps` 0: copies are without their past days.
    """

    compounds: int
    facts_each: int
    partitions: int
    templates: int = 250
    steps: int = 1


async def seed(url: str, facts_topic: str, size: Size, now: datetime) -> None:
    """Fill an empty, migrated database; its cursors stand at the beginning of the topic."""
    await _register(url, size, now)
    workers = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.bench.seeding", facts_topic, now.isoformat(), str(worker),
            *map(str, size), cwd=ROOT, env={**os.environ, "SEEDED_URL": url},
        )
        for worker in range(WORKERS)
    ]  # fmt: skip
    for worker in workers:
        if await worker.wait():
            raise RuntimeError("seeding failed")
    connection = await asyncpg.connect(url)
    await connection.execute("VACUUM ANALYZE")
    await connection.close()


async def _register(url: str, size: Size, now: datetime) -> None:
    connection = await asyncpg.connect(url)
    records = _records(traffic.registrations(size.compounds, now), 1)
    while some := list(islice(records, REGISTERED_AT_ONCE)):
        read = read_registry(some, size.partitions)
        async with connection.transaction():
            await registry.write(connection, read.compounds, read.companies, read.organisations)
            await connection.execute("DELETE FROM work")
        await connection.execute("ANALYZE compound_revision")
    await connection.close()


class Seeder:
    """Writes the facts and states of the partitions of one worker."""

    def __init__(self, connection: Any, rubric: Rubric, size: Size, now: datetime) -> None:
        self._connection = connection
        self._rubric = rubric
        self._size = size
        self._now = now
        self._today = now.astimezone(ZONE).toordinal()
        self._folds = Folds(_NO_ARCHIVE, Compounds(0, 0), rubric, StoredBooks())
        self._last = dict.fromkeys(range(size.partitions), 0)
        self._templates: dict[str, Template] = {}
        self._changing: set[str] = set()

    async def write(self, compounds: Sequence[str], *, seed: int) -> None:
        """Facts of these compounds, what counts of them, and the state they lead to."""
        registries = await registry.load(self._connection, compounds)
        count = len(compounds) * self._size.facts_each
        events = traffic.facts(count, compounds, self._now, seed=seed)
        read = await read_facts(_records(events, self._size.partitions), ZONE, self._size.partitions)
        plan = Plan()
        judge(plan, read.arrivals, {}, fingerprint)
        books = {compound: Book(compound, self._rubric, registries[compound]) for compound in compounds}
        ids: dict[str, set[str]] = {compound: set() for compound in compounds}
        for known in plan.heads.values():
            books[known.fact.compound].add(known.fact)
            ids[known.fact.compound].add(known.fact.event_id)
        for book in books.values():
            held = Held(book.compound, self._partition(book.compound), book)
            self._folds.settle(plan, held, self._today, self._today - 1)
        for row in plan.states:
            compound = row.stored.compound
            self._templates[compound] = Template(row, ids[compound])
            if row.due_day is not None and row.due_day <= self._today + 1:
                self._changing.add(compound)
        async with self._connection.transaction():
            await ledger.write(self._connection, plan, self._last)
            await states.write(self._connection, plan, RUBRIC)
        for number, rows in ledger.rows_per_partition(plan).items():
            self._last[number] += rows

    async def copy(self, compounds: Sequence[str]) -> None:
        """Copies of the compounds written so far, under these ids."""
        await self._connection.execute("ANALYZE ledger, ledger_body, score_step")
        quiet = [one for one in self._templates if one not in self._changing]
        chosen = templates_for(len(compounds), quiet, sorted(self._changing), CHANGING_EVERY)
        copies = [
            Copy(compound, template, self._partition(compound), f"{number:0{TAG_CHARS}x}")
            for number, (compound, template) in enumerate(zip(compounds, chosen, strict=True))
        ]
        for first in range(0, len(copies), COPIED_AT_ONCE):
            await self._copy(copies[first : first + COPIED_AT_ONCE])

    async def _copy(self, copies: Sequence[Copy]) -> None:
        await copy_facts(self._connection, copies, self._last, steps=bool(self._size.steps))
        registries = await registry.load(self._connection, [one.compound for one in copies])
        plan = Plan()
        plan.states.extend(
            self._templates[one.template].state(one, registries[one.compound]) for one in copies
        )
        await states.write(self._connection, plan, RUBRIC)

    async def finish(self, topic: str, partitions: Sequence[int]) -> None:
        """The cursors: nothing read, these numbers given out, yesterday closed."""
        closed = date.fromordinal(self._today - 1)
        await self._connection.executemany(
            "INSERT INTO input_cursor (topic, partition, ledger_seq, closed_day) VALUES ($1, $2, $3, $4)",
            [(topic, number, self._last[number], closed) for number in partitions],
        )

    def _partition(self, compound: str) -> int:
        return partition_for(compound.encode(), self._size.partitions)


class _NoArchive:
    """Nothing is loaded: every book is made of all its facts."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"asked for {name}")


_NO_ARCHIVE: Any = _NoArchive()


def _records(pairs: Iterator[tuple[str, bytes]], partitions: int) -> Iterator[Record]:
    for offset, (key, value) in enumerate(pairs):
        partition = partition_for(key.encode(), partitions) if partitions > 1 else 0
        yield Record("seeded", partition, offset, key.encode(), value, (), 0)


async def _work(topic: str, now: datetime, worker: int, size: Size) -> None:
    connection = await asyncpg.connect(os.environ["SEEDED_URL"])
    seeder = Seeder(connection, parse(packaged()[RUBRIC]), size, now)
    ours = range(worker, size.partitions, WORKERS)
    compounds = [
        compound
        for compound in traffic.compound_ids(size.compounds)
        if partition_for(compound.encode(), size.partitions) in ours
    ]
    await seeder.write(compounds[: size.templates], seed=worker)
    if compounds[size.templates :]:
        await seeder.copy(compounds[size.templates :])
    await seeder.finish(topic, list(ours))
    await connection.close()


if __name__ == "__main__":
    asyncio.run(
        _work(
            sys.argv[1],
            datetime.fromisoformat(sys.argv[2]).astimezone(UTC),
            int(sys.argv[3]),
            Size(*map(int, sys.argv[4:])),
        )
    )
