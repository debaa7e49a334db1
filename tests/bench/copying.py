"""Compounds that are copies of others, with events of their own, made in the database and exact to the byte.

A copy has the facts of its template under ids that end with its own tag, and therefore the same state: only
the ids in its packed book and the mark of its registration are others. Ids keep their beginning, so that
whatever is ordered by them keeps its order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, cycle
from typing import Any, NamedTuple

import msgspec
from scoring.domain.registry import Registry
from scoring.handlers.plan import StateRow

TAG_CHARS = 8
KEPT_CHARS = 36 - TAG_CHARS
"""Of an id; the rest is the tag of the copy."""

NUMBER = f"""
CREATE TEMP TABLE numbered ON COMMIT DROP AS
SELECT c.compound, c.template, c.partition, c.tag, l.root, l.event_id,
    l.partition AS old_partition, l.ledger_seq AS old_seq,
    left(l.root, {KEPT_CHARS}) || c.tag AS new_root, left(l.event_id, {KEPT_CHARS}) || c.tag AS new_id,
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
        '"id":"' || n.event_id, '"id":"' || n.new_id),
        '"rootid":"' || n.root, '"rootid":"' || n.new_root), 'UTF8')
    FROM numbered n JOIN ledger_body b ON b.partition = n.old_partition AND b.ledger_seq = n.old_seq
    ORDER BY n.partition, n.ledger_seq
    """,
    """
    INSERT INTO ledger
    SELECT n.partition, l.revision, l.day, l.instant_us, l.received_us, l."offset", n.ledger_seq, l.withdrawn,
        l.by_company, n.compound, n.new_root, l.kind, n.new_id, l.source
    FROM numbered n JOIN ledger l ON l.compound = n.template AND l.root = n.root
    ORDER BY n.compound, n.new_root
    """,
    """
    INSERT INTO incident
    SELECT n.partition, n.ledger_seq, i.day, n.compound, i.alike
    FROM numbered n JOIN incident i ON i.partition = n.old_partition AND i.ledger_seq = n.old_seq
    ORDER BY n.partition, n.ledger_seq
    """,
    """
    INSERT INTO hazard
    SELECT n.compound, n.new_root, h.hazard_id, h.item, h.day
    FROM numbered n JOIN hazard h ON h.compound = n.template AND h.root = n.root
    """,
)
STEPS = """
INSERT INTO score_step
SELECT c.compound, s.rubric, s.day, s.score_milli, s.star, s.dynamic_star, s.up_run, s.down_run, s.items
FROM unnest($1::text[], $2::text[]) AS c(compound, template) JOIN score_step s ON s.compound = c.template
"""
LAST = "SELECT partition, max(ledger_seq) FROM numbered GROUP BY partition"


class Copy(NamedTuple):
    """A compound that is to be as its template; `tag` ends the ids of its events."""

    compound: str
    template: str
    partition: int
    tag: str


class Template:
    """A state that copies are made of."""

    def __init__(self, row: StateRow, ids: Iterable[str]) -> None:
        self._row = row
        self._plain = msgspec.msgpack.decode(row.stored.packed)
        short = [bytes.fromhex(one.replace("-", "")) for one in ids]
        # No bytes match an empty set.
        any_id = b"|".join(re.escape(one[: -TAG_CHARS // 2]) + b"...." for one in short) or b"(?!)"
        self._ids = re.compile(any_id, re.DOTALL)

    def state(self, copy: Copy, registry: Registry) -> StateRow:
        """The state of a copy, as the service would have stored it."""
        row = self._row
        registered = registry.in_force(row.stored.day)
        assert registered is not None
        version, head, parts, (_, recall) = self._plain
        packed = msgspec.msgpack.encode((version, head, parts, (registry.mark, recall)))
        tag = bytes.fromhex(copy.tag)
        packed = self._ids.sub(lambda found: found[0][: -len(tag)] + tag, packed)
        stored = row.stored._replace(compound=copy.compound, packed=packed)
        return row._replace(stored=stored, partition=copy.partition, registered=registered)


async def copy_facts(connection: Any, copies: Sequence[Copy], last: dict[int, int], *, steps: bool) -> None:
    """The facts of copies, numbered from `last` on, which is moved; with `steps` their past days as well."""
    rows = [(*one, last[one.partition]) for one in copies]
    async with connection.transaction():
        await connection.execute(NUMBER, *zip(*rows, strict=True))
        await connection.execute("ANALYZE numbered")
        for statement in COPIES:
            await connection.execute(statement)
        if steps:
            await connection.execute(
                STEPS, [one.compound for one in copies], [one.template for one in copies]
            )
        last.update(await connection.fetch(LAST))


def templates_for(count: int, often: Sequence[str], seldom: Sequence[str], every: int) -> Iterator[str]:
    """A template for each of `count` copies: each `every`th is of the seldom ones, where there are both."""
    if not often or not seldom:
        every, often = count + 1, [*often, *seldom]
    more, few = cycle(often), cycle(seldom)
    return chain.from_iterable(
        (next(few) if number % every == every - 1 else next(more),) for number in range(count)
    )
