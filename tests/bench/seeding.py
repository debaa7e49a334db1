"""A scoring database that has stood for a while: compounds with their facts, written past the topic.

Through the service this would take longer than the row that needs it. The same handlers and the same store
write the same rows; left out are the steps of past days, which nothing on the hot path reads.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
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
from tests.bench.place import ROOT

RUBRIC = "shangyu-v1"
ZONE = ZoneInfo("Asia/Shanghai")
CHUNK_COMPOUNDS = 250
WORKERS = 2


class Size(NamedTuple):
    """How much there is: `facts_each` on average, over `partitions` of the facts topic."""

    compounds: int
    facts_each: int
    partitions: int


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
    read = read_registry(_records(traffic.registrations(size.compounds, now), 1), size.partitions)
    connection = await asyncpg.connect(url)
    async with connection.transaction():
        await registry.write(connection, read.compounds, read.companies, read.organisations)
        await connection.execute("DELETE FROM work")
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
        self._folded: Book | None = None

    async def write(self, compounds: Sequence[str], *, seed: int) -> None:
        """Facts of these compounds, what counts of them, and the state they lead to."""
        registries = await registry.load(self._connection, compounds)
        count = len(compounds) * self._size.facts_each
        events = traffic.facts(count, compounds, self._now, seed=seed)
        read = await read_facts(_records(events, self._size.partitions), ZONE, self._size.partitions)
        plan = Plan()
        judge(plan, read.arrivals, {}, fingerprint)
        books = {compound: Book(compound, self._rubric, registries[compound]) for compound in compounds}
        for known in plan.heads.values():
            books[known.fact.compound].add(known.fact)
        for compound, book in books.items():
            self._close(book)
            held = Held(compound, partition_for(compound.encode(), self._size.partitions), book)
            self._folds.settle(plan, held, self._today, self._today - 1, due_day=self._today)
        async with self._connection.transaction():
            await ledger.write(self._connection, plan, self._last)
            await states.write(self._connection, plan, RUBRIC)
        for number, rows in ledger.rows_per_partition(plan).items():
            self._last[number] += rows

    async def finish(self, topic: str, partitions: Sequence[int]) -> None:
        """The cursors: nothing read, these numbers given out, yesterday closed."""
        closed = date.fromordinal(self._today - 1)
        await self._connection.executemany(
            "INSERT INTO input_cursor (topic, partition, ledger_seq, closed_day) VALUES ($1, $2, $3, $4)",
            [(topic, number, self._last[number], closed) for number in partitions],
        )

    def _close(self, book: Book) -> None:
        # Folding 400 days of each would take longer than all the rest, and only the first day decides how the
        # star stands: of one compound it is folded, the others stand like it.
        if self._folded is None:
            book.close_through(self._today - 1)
            self._folded = book
        else:
            book.stand_like(self._folded)


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
    for first in range(0, len(compounds), CHUNK_COMPOUNDS):
        await seeder.write(compounds[first : first + CHUNK_COMPOUNDS], seed=worker + WORKERS * first)
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
