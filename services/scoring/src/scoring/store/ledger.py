"""Facts as they are kept: the ledger, its history and the raw events, numbered per partition."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, tzinfo
from typing import Any

import asyncpg
from shared.events.catalogue import lookup
from shared.events.envelope import decode_envelope

from scoring.domain.facts import Day, Fact, HazardOpened
from scoring.handlers.plan import LedgerRow, Plan
from scoring.ports import Arrival, FactKey, HazardKnown, Known
from scoring.store import incidents
from scoring.store.rows import append, unnest
from scoring.translate import fact_from, fingerprint

COLUMNS = {
    "partition": "integer",
    "revision": "integer",
    "day": "date",
    "instant_us": "bigint",
    "received_us": "bigint",
    '"offset"': "bigint",
    "ledger_seq": "bigint",
    "withdrawn": "boolean",
    "by_company": "boolean",
    "compound": "text",
    "root": "text",
    "kind": "text",
    "event_id": "text",
    "source": "text",
}
COPIED = {name.strip('"'): kind for name, kind in COLUMNS.items()}
NUMBER = list(COPIED).index("ledger_seq")
_NAMES = ", ".join(COLUMNS)
_ARRIVING = f"{unnest(tuple(COLUMNS.items()))} AS a({_NAMES})"

KNOWN = """
SELECT l.compound, l.root, b.body
FROM unnest($1::text[], $2::text[]) AS k(compound, root)
JOIN ledger l ON l.compound = k.compound AND l.root = k.root
JOIN ledger_body b ON b.partition = l.partition AND b.ledger_seq = l.ledger_seq
"""
FACTS_OF = """
SELECT l.compound, b.body
FROM ledger l
JOIN ledger_body b ON b.partition = l.partition AND b.ledger_seq = l.ledger_seq
WHERE l.compound = ANY($1::text[])
"""
HAZARDS_SINCE = """
SELECT compound, root, item, day FROM hazard WHERE compound = ANY($1::text[]) AND day >= $2
"""
# The revision that counted so far moves to the history with its number, and the new one takes its place.
SUPERSEDE = f"""
INSERT INTO ledger_history ({_NAMES}, fingerprint)
SELECT {", ".join(f"l.{name}" for name in COLUMNS)}, k.fingerprint
FROM unnest($1::text[], $2::text[], $3::bytea[]) AS k(compound, root, fingerprint)
JOIN ledger l ON l.compound = k.compound AND l.root = k.root
ON CONFLICT DO NOTHING
"""  # noqa: S608 - names are ours
REPLACE = f"""
UPDATE ledger l
SET {", ".join(f"{name} = a.{name}" for name in COLUMNS if name not in ("compound", "root"))}
FROM {_ARRIVING} WHERE l.compound = a.compound AND l.root = a.root
"""  # noqa: S608 - names are ours
# A repeat of an event that is in the history already: same number of rows, nothing new to know.
REMEMBER = f"""
INSERT INTO ledger_history ({_NAMES}, fingerprint)
SELECT * FROM {unnest((*COLUMNS.items(), ("fingerprint", "bytea")))} ON CONFLICT DO NOTHING
"""  # noqa: S608 - names are ours
FORGET_HAZARDS = """
DELETE FROM hazard h USING unnest($1::text[], $2::text[]) AS k(compound, root)
WHERE h.compound = k.compound AND h.root = k.root
"""


def read_fact(body: bytes, zone: tzinfo) -> Fact:
    """The fact of an event that was taken in before, so that it is known to be well formed."""
    envelope = decode_envelope(body)
    return fact_from(envelope, lookup(envelope.type).decode(envelope.data), zone)


async def known(
    connection: asyncpg.pool.PoolConnectionProxy[asyncpg.Record], keys: Collection[FactKey], zone: tzinfo
) -> dict[FactKey, Known]:
    if not keys:
        return {}
    compounds, roots = zip(*keys, strict=True)
    rows = await connection.fetch(KNOWN, compounds, roots)
    return {(row[0], row[1]): Known(read_fact(row[2], zone), row[2]) for row in rows}


async def facts_of(
    connection: asyncpg.pool.PoolConnectionProxy[asyncpg.Record], compounds: Collection[str], zone: tzinfo
) -> dict[str, list[Fact]]:
    found: dict[str, list[Fact]] = {}
    for compound, body in await connection.fetch(FACTS_OF, list(compounds)):
        found.setdefault(compound, []).append(read_fact(body, zone))
    return found


async def hazards_since(
    connection: asyncpg.pool.PoolConnectionProxy[asyncpg.Record], compounds: Collection[str], day: Day
) -> list[HazardKnown]:
    rows = await connection.fetch(HAZARDS_SINCE, list(compounds), date.fromordinal(max(day, 1)))
    return [HazardKnown(row[0], row[1], row[2], row[3].toordinal()) for row in rows]


def rows_per_partition(plan: Plan) -> dict[int, int]:
    """How many ledger numbers a plan uses in each partition."""
    counts: dict[int, int] = {}
    for arrival in _numbered(plan):
        counts[arrival.partition] = counts.get(arrival.partition, 0) + 1
    return counts


async def write(tx: asyncpg.Connection[asyncpg.Record], plan: Plan, last: Mapping[int, int]) -> None:
    """Write what a plan keeps of facts; `last` is the last number given out per partition before."""
    if not plan.ledger and not plan.history:
        return
    numbers = dict(last)
    rows: dict[int, tuple[Any, ...]] = {}
    bodies: list[tuple[int, int, bytes]] = []
    for arrival in _numbered(plan):
        numbers[arrival.partition] = number = numbers[arrival.partition] + 1
        rows[id(arrival)] = _row(arrival, number)
        bodies.append((arrival.partition, number, arrival.body))
    await append(tx, "ledger_body", {"partition": "integer", "ledger_seq": "bigint", "body": "bytea"}, bodies)
    await append(tx, "ledger", COPIED, [rows[id(one.arrival)] for one in plan.ledger if one.replaces is None])
    await incidents.forget_replaced(tx, plan.ledger)
    await _replace(tx, [(one.replaces, rows[id(one.arrival)]) for one in plan.ledger if one.replaces])
    if plan.history:
        late = [(*rows[id(one)], fingerprint(one.body)) for one in plan.history]
        await tx.execute(REMEMBER, *zip(*late, strict=True))
    await append(
        tx,
        "hazard",
        {"compound": "text", "root": "text", "hazard_id": "text", "item": "text", "day": "date"},
        _hazards(plan.ledger),
    )
    await incidents.write(tx, plan.ledger, [rows[id(one.arrival)][NUMBER] for one in plan.ledger])


async def _replace(
    tx: asyncpg.Connection[asyncpg.Record], replacing: Sequence[tuple[Known, tuple[Any, ...]]]
) -> None:
    if not replacing:
        return
    gone = [(one.fact.compound, one.fact.root, fingerprint(one.body)) for one, _ in replacing]
    compounds, roots, fingerprints = zip(*gone, strict=True)
    await tx.execute(SUPERSEDE, compounds, roots, fingerprints)
    await tx.execute(REPLACE, *zip(*(row for _, row in replacing), strict=True))
    await tx.execute(FORGET_HAZARDS, compounds, roots)


def _numbered(plan: Plan) -> list[Arrival]:
    return [one.arrival for one in plan.ledger] + plan.history


def _row(arrival: Arrival, number: int) -> tuple[Any, ...]:
    fact = arrival.fact
    return (
        arrival.partition,
        fact.revision,
        date.fromordinal(fact.day),
        fact.instant_us,
        fact.received_us,
        arrival.offset,
        number,
        fact.withdrawn,
        fact.by_company,
        fact.compound,
        fact.root,
        fact.kind,
        fact.event_id,
        fact.source,
    )


def _hazards(rows: Sequence[LedgerRow]) -> list[tuple[Any, ...]]:
    return [
        (fact.compound, fact.root, fact.data.hazard_id, fact.data.item, date.fromordinal(fact.day))
        for fact in (row.arrival.fact for row in rows)
        if isinstance(fact.data, HazardOpened)
    ]
