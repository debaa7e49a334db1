"""A scoring database that has stood for a while: compounds with their facts, written past the topic.

Through the service this would take longer than the row that needs it. The same handlers and the same store
write the same rows for some compounds; the others are copies of them with ids of their own. Left out are the
steps of past days and, of copies, superseded revisions: nothing on the hot path reads them.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from itertools import cycle
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import asyncpg
from scoring.domain.book import Book
from scoring.domain.registry import Registry
from scoring.domain.rubric import parse
from scoring.domain.rubric_sections import Rubric
from scoring.domain.size import Terms
from scoring.handlers.fold import Folds
from scoring.handlers.judging import judge
from scoring.handlers.memory import Compounds, Held
from scoring.handlers.plan import Plan
from scoring.ports import StoredState
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
TEMPLATES = 250
"""Compounds that each worker writes fact by fact."""
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


# A copy of an event has another compound, and ids that begin with its own tag.
NUMBER = """
CREATE TEMP TABLE numbered AS
SELECT c.compound, c.template, c.partition, c.tag, l.root, l.event_id,
    l.partition AS old_partition, l.ledger_seq AS old_seq,
    c.last + row_number() OVER (PARTITION BY c.partition ORDER BY c.compound, l.root) AS ledger_seq
FROM unnest($1::text[], $2::text[], $3::integer[], $4::text[], $5::bigint[])
    AS c(compound, template, partition, tag, last)
JOIN ledger l ON l.compound = c.template
"""
COPIES = (
    """
    INSERT INTO ledger_body
    SELECT n.partition, n.ledger_seq, convert_to(replace(replace(replace(convert_from(b.body, 'UTF8'),
        format('"subject":"%s"', n.template), format('"subject":"%s"', n.compound)),
        '"id":"' || left(n.event_id, 8), '"id":"' || n.tag),
        '"rootid":"' || left(n.root, 8), '"rootid":"' || n.tag), 'UTF8')
    FROM numbered n JOIN ledger_body b ON b.partition = n.old_partition AND b.ledger_seq = n.old_seq
    ORDER BY n.partition, n.ledger_seq
    """,
    """
    INSERT INTO ledger
    SELECT n.partition, l.revision, l.day, l.instant_us, l.received_us, l."offset", n.ledger_seq, l.withdrawn,
        l.by_company, n.compound, n.tag || substr(l.root, 9), l.kind, n.tag || substr(l.event_id, 9), l.source
    FROM numbered n JOIN ledger l ON l.compound = n.template AND l.root = n.root
    ORDER BY n.compound, 11
    """,
    """
    INSERT INTO incident
    SELECT n.partition, n.ledger_seq, i.day, n.compound, i.alike
    FROM numbered n JOIN incident i ON i.partition = n.old_partition AND i.ledger_seq = n.old_seq
    ORDER BY n.partition, n.ledger_seq
    """,
    """
    INSERT INTO hazard
    SELECT n.compound, n.tag || substr(h.root, 9), h.hazard_id, h.item, h.day
    FROM numbered n JOIN hazard h ON h.compound = n.template AND h.root = n.root
    """,
)


class Seeder:
    """Writes the facts and states of the partitions of one worker."""

    def __init__(self, connection: Any, rubric: Rubric, size: Size, now: datetime) -> None:
        self._connection = connection
        self._rubric = rubric
        self._size = size
        self._now = now
        self._today = now.astimezone(ZONE).toordinal()
        self._books = StoredBooks()
        self._folds = Folds(_NO_ARCHIVE, Compounds(0, 0), rubric, self._books)
        self._last = dict.fromkeys(range(size.partitions), 0)
        self._folded: Book | None = None
        self._templates: dict[str, StoredState] = {}

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
        for book in books.values():
            self._close(book)
        self._settle(plan, books.values())
        self._templates.update((row.stored.compound, row.stored) for row in plan.states)
        async with self._connection.transaction():
            await ledger.write(self._connection, plan, self._last)
            await states.write(self._connection, plan, RUBRIC)
        for number, rows in ledger.rows_per_partition(plan).items():
            self._last[number] += rows

    async def copy(self, compounds: Sequence[str]) -> None:
        """Copies of the compounds written so far, one after the other, under these ids."""
        rows = []
        for number, (compound, template) in enumerate(zip(compounds, cycle(self._templates), strict=False)):
            partition = self._partition(compound)
            rows.append((compound, template, partition, f"{number:08x}", self._last[partition]))
        await self._connection.execute("ANALYZE ledger, ledger_body")
        await self._connection.execute(NUMBER, *zip(*rows, strict=True))
        await self._connection.execute("ANALYZE numbered")
        for statement in COPIES:
            await self._connection.execute(statement)
        for number, last in await self._connection.fetch(
            "SELECT partition, max(ledger_seq) FROM numbered GROUP BY partition"
        ):
            self._last[number] = last
        registries = await registry.load(self._connection, compounds)
        plan = Plan()
        self._settle(plan, [self._like(one, of, registries[one]) for one, of, *_ in rows])
        await states.write(self._connection, plan, RUBRIC)

    async def finish(self, topic: str, partitions: Sequence[int]) -> None:
        """The cursors: nothing read, these numbers given out, yesterday closed."""
        closed = date.fromordinal(self._today - 1)
        await self._connection.executemany(
            "INSERT INTO input_cursor (topic, partition, ledger_seq, closed_day) VALUES ($1, $2, $3, $4)",
            [(topic, number, self._last[number], closed) for number in partitions],
        )

    def _settle(self, plan: Plan, books: Iterable[Book]) -> None:
        for book in books:
            held = Held(book.compound, self._partition(book.compound), book)
            self._folds.settle(plan, held, self._today, self._today - 1, due_day=self._today)

    def _like(self, compound: str, template: str, known: Registry) -> Book:
        book = self._books.read(self._templates[template], Terms(self._rubric, known))
        book.compound = compound
        return book

    def _partition(self, compound: str) -> int:
        return partition_for(compound.encode(), self._size.partitions)

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
    await seeder.write(compounds[:TEMPLATES], seed=worker)
    if compounds[TEMPLATES:]:
        await seeder.copy(compounds[TEMPLATES:])
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
